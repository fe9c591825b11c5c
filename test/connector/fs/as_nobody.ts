/** Tries what an ordinary account may not, and says what came of it. Loaded as root, then run as nobody. */
import type { Session } from '../../../src/connector/connector.ts'
import { fs } from '../../../src/connector/fs/fs.ts'

const [root = '', nobody = '65534'] = process.argv.slice(2)
// Loads the optional package while the files can still be read.
await (await fs.open({ root })).close()
process.setgroups?.([])
process.setgid?.(Number(nobody))
process.setuid?.(Number(nobody))

const session: Session = await fs.open({ root })
async function outcome(attempt: () => unknown): Promise<string> {
  try {
    await attempt()
    return 'done'
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}
const list = async (id: string) => {
  let complete = false
  for await (const page of session.list(id, [])) complete ||= page.complete
  return complete
}
const write = async (container: string, name: string) => {
  const staging = await session.stage({ container, key: 'k', sizeBytes: 0n, attributes: {}, durability: 'process' })
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  await session.publish(await staging.finish(empty), { container, name, condition: 'absent' })
}
const whole = async (container: string) => {
  const staged = await session.newContainers!.stage(container, 'w', 'platform')
  await session.newContainers!.publish(staged, { container, name: 'whole', power: false })
}
const remove = async (id: string) => session.remove(id, (await session.stat(id, []))!)
const self = session.account
console.log(
  JSON.stringify({
    owners: session.capabilities.owners.owner,
    noted: session.notes.some((n) => n.capability === 'owners'),
    readLocked: await outcome(() => session.open('locked')),
    listClosed: await outcome(() => list('closed')),
    listNamesOnly: await outcome(() => list('names-only')),
    writeClosed: await outcome(() => session.makeContainer('readable', 'x', 'k')),
    chown: await outcome(() =>
      session.setAttributes('own', { owner: { type: 'account', directory: self?.directory ?? '', id: '0' } }),
    ),
    times: await outcome(() => session.setAttributes('own', { modifiedNs: 5n })),
    intoFixed: [
      await outcome(() => write('fixed', 'file')),
      await outcome(() => session.makeContainer('fixed', 'folder', 'k')),
      await outcome(async () => session.move('fixed/file', 'fixed', 'moved', (await session.stat('fixed/file', []))!)),
      await outcome(async () =>
        session.move('fixed/folder', 'own folder', 'folder', (await session.stat('fixed/folder', []))!),
      ),
      await outcome(() => whole('fixed')),
    ],
    intoTheirs: await outcome(() => write('theirs', 'file')),
    removeFromFixed: await outcome(() => remove('fixed/own')),
    removeFromTheirs: await outcome(() => remove('theirs/own')),
    removeFromClosed: await outcome(() => session.remove('closed/x', { kind: 'item', sizeBytes: 0n })),
  }),
)
