/** Begins a staging, says so, and waits to be killed. Arguments: platform, auth as JSON, key, bytes to write of those announced. */
import type { Connector } from '../../src/connector/connector.ts'

const [platform = '', auth = '{}', key = '', written = '0', announced = '0'] = process.argv.slice(2)
const module = (await import(`../../src/connector/${platform}/${platform}.ts`)) as Record<string, Connector>
const session = await module[platform]?.open(JSON.parse(auth) as Record<string, unknown>)
const root = await session?.root('/')
if (!session || !root) throw new Error(`no ${platform} at ${auth}`)
const staging = await session.stage({
  container: root.id,
  key,
  sizeBytes: BigInt(announced),
  attributes: {},
  durability: 'process',
})
await staging.write(Buffer.alloc(Number(written), 'x'), 0n)
await staging.written?.()
console.log('staged')
setInterval(() => {}, 1000)
