/**
 * A process that puts `count` files into a vault and then overwrites each, like a worker that recovers: first it asks what
 * became of every staging it may have begun in an earlier life. Arguments: root, prefix, count.
 */
import type { Target } from '../../../src/connector/connector.ts'
import type { VaultSession } from '../../../src/connector/vault/session.ts'
import { openVault, sha256, stage } from './arrange.ts'

const [root = '', prefix = '', count = '0'] = process.argv.slice(2)

/** Few different contents, so that what one file lets go another is just about to hold. */
export function contentsOf(n: number): [first: string, last: string] {
  return [`content ${(n * 3) % 5}`, `content ${(n * 7 + 1) % 5}`]
}

function arrive(session: VaultSession, key: string, content: string, target: () => Target): void {
  const staged = { container: 'n1', key, hash: sha256(content), sizeBytes: BigInt(content.length) }
  const found = session.reconcile(staged, { container: 'n1', name: '', condition: 'absent' })
  if (found.state === 'published') return
  if (found.state === 'gone') {
    session.discard('n1', key)
    stage(session, content, { key })
  }
  session.publish(staged, target())
  process.stdout.write('.')
}

if (process.argv[1]?.endsWith('writer.ts')) {
  const session = openVault(root)
  for (let n = 0; n < Number(count); n++) {
    const name = `${prefix}${n}`
    const [first, last] = contentsOf(n)
    const overwritten = { container: 'n1', key: `${name}.2`, hash: sha256(last), sizeBytes: BigInt(last.length) }
    if (session.reconcile(overwritten, { container: 'n1', name, condition: 'absent' }).state === 'published') continue
    arrive(session, `${name}.1`, first, () => ({ container: 'n1', name, condition: 'absent' }))
    arrive(session, `${name}.2`, last, () => {
      const page = [...session.list('n1', [])].flatMap(({ items }) => items)
      const condition = page.find((item) => item.name === name)
      if (!condition) throw new Error(`${name} is not there`)
      return { container: 'n1', name, condition }
    })
  }
  session.close()
}
