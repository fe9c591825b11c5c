import { createHash } from 'node:crypto'
import type { Attributes, Staged, Target } from '../../../src/connector/connector.ts'
import type { ErrorCode } from '../../../src/connector/errors.ts'
import type { Item } from '../../../src/connector/item.ts'
import type { VaultSession } from '../../../src/connector/vault/session.ts'
import { vault } from '../../../src/connector/vault/vault.ts'

/** A vault answers at once, so tests need not wait. */
export function openVault(root: string, settings: Record<string, unknown> = {}): VaultSession {
  return vault.open({ root, ...settings }) as VaultSession
}

export function sha256(content: string): string {
  return createHash('sha256').update(content, 'latin1').digest('hex')
}

interface Put {
  key: string
  container?: string
  attributes?: Attributes
  durability?: 'process' | 'power'
}

export function stage(
  session: VaultSession,
  content: string,
  { key, container = 'n1', attributes = {}, durability = 'process' }: Put,
): Staged {
  const bytes = Buffer.from(content, 'latin1')
  const staging = session.stage({ container, key, sizeBytes: BigInt(bytes.length), attributes, durability })
  staging.write(bytes, 0n)
  return staging.finish(sha256(content)) as Staged
}

export function put(
  session: VaultSession,
  name: string,
  content: string,
  options: Put & { condition?: Target['condition'] },
): Item {
  const container = options.container ?? 'n1'
  return session.publish(stage(session, content, options), {
    container,
    name,
    condition: options.condition ?? 'absent',
  })
}

export function contentOf(session: VaultSession, item: Item): string {
  const reading = session.open(item.id, item)
  const bytes = Buffer.alloc(Number(reading.sizeBytes))
  const n = bytes.length === 0 ? 0 : (reading.read(bytes, 0n) as number)
  void reading.close()
  return bytes.toString('latin1', 0, n)
}

export function listed(session: VaultSession, container = 'n1'): Item[] {
  return [...session.list(container, [])].flatMap((page) => page.items)
}

/** The code of the connector error that `work` raises; undefined when it raises none. */
export function codeOf(work: () => unknown): ErrorCode | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { code: ErrorCode }).code
  }
}
