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
    ownShared: (await session.stat('own', []))?.shared,
    readableShared: (await session.stat('readable', []))?.shared,
  }),
)
