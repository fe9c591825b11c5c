import type { Access, Session } from '../../connector/connector.ts'
import type { Item } from '../../connector/item.ts'
import { isMadeAsOurs, toKnowOurs } from '../items/containers.ts'
import { failpoint } from '../recovery/failpoints.ts'
import { rootMade } from './execution_spec.ts'
import type { ActiveExecution } from './active_executions.ts'

/** What the ledger remembers while the destination root is being made; empty text when nobody is at it. */
const rootBegun = 'root:begun'

export interface AccessOfRoot {
  /** What it is made with. */
  root: Access
  /** How it is known again as ours. */
  recalled: 'closed' | 'platform'
}

interface Begun {
  access: 'closed' | 'platform'
  /** Unix milliseconds. */
  fromMs: number
}

/**
 * Makes the destination root, and remembers that it is ours. What a death between the two leaves is found out by
 * {@link recallMaking}; where the making failed, nothing that comes to be there later is of it.
 *
 * @throws ConnectorError
 */
export async function makeDestinationRoot(job: ActiveExecution, session: Session, access: AccessOfRoot): Promise<Item> {
  const { ledger, spec } = job
  const { path } = spec.destination
  const begun: Begun = { access: access.recalled, fromMs: Date.now() }
  await ledger.remember(rootBegun, JSON.stringify(begun))
  let root: Item
  try {
    failpoint('root:before')
    root = await session.makeRoot(path, access.root)
    failpoint('root:after')
  } catch (error) {
    if (await isMissing(session, path)) await ledger.remember(rootBegun, '')
    throw error
  }
  await ledger.remember(rootMade, 'yes')
  await ledger.remember(rootBegun, '')
  return root
}

/**
 * A root that is there although its making was not recorded: of a worker that died right after it, or somebody's. It is known
 * by how it looks, as any container is that such a worker made, and by having been made since then.
 *
 * @throws ConnectorError
 */
export async function recallMaking({ ledger, spec }: ActiveExecution, session: Session, { id }: Item): Promise<void> {
  const text = await ledger.recall(rootBegun)
  if (!text) return
  const { access, fromMs } = JSON.parse(text) as Begun
  const root = await session.stat(id, toKnowOurs(session, access))
  const since = BigInt(fromMs) * 1_000_000n - spec.toleranceNs
  const isOurs = root?.createdNs !== undefined && root.createdNs >= since && isMadeAsOurs(root, session, access)
  if (isOurs) await ledger.remember(rootMade, 'yes')
  await ledger.remember(rootBegun, '')
}

/** As far as can be told. */
async function isMissing(session: Session, path: string): Promise<boolean> {
  try {
    return (await session.root(path)) === null
  } catch {
    return false
  }
}
