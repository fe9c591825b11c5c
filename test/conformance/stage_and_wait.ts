/** Begins a staging, says so, and waits to be killed. Arguments: platform, auth as JSON, key, bytes to write of those announced. */
import { connectorFor } from '../../src/connector/registry.ts'

const [platform = '', auth = '{}', key = '', written = '0', announced = '0'] = process.argv.slice(2)
const session = await connectorFor(platform).open(JSON.parse(auth) as Record<string, unknown>)
const root = await session.root('/')
if (!root) throw new Error(`no ${platform} at ${auth}`)
const staging = await session.stage({
  container: root.id,
  key,
  sizeBytes: BigInt(announced),
  attributes: {},
  name: 'file',
  durability: 'process',
})
await staging.write(Buffer.alloc(Number(written), 'x'), 0n)
await staging.written?.()
// A part that is on its way when its sender dies may come in after the upload has ended: these tests are about what is there.
if (staging.resume !== undefined) await new Promise((resolve) => setTimeout(resolve, 500))
console.log(JSON.stringify({ staged: true, resume: staging.resume }))
setInterval(() => {}, 1000)
