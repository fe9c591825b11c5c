import type { Session } from '../../connector/connector.ts'
import type { ContainerAddress, LeftBatch, Ledger } from '../../ledger/ledger.ts'
import { descendOf } from '../items/addresses.ts'
import { isMadeAsOurs, toKnowOurs } from '../items/containers.ts'
import { formerAccessOfNew } from '../items/new_access.ts'
import type { ActiveExecution } from '../engine/active_executions.ts'

/**
 * Tells the ledger of containers that were made by holders who died before they could. To a later execution they would be
 * somebody's, and such as are to get permissions would stay as closed as they were made. They are known by how they look, as
 * to the next holder in the same execution, and by having been made while a batch that was to make them was in hand.
 *
 * @param root the destination root's id
 */
export async function recordMade(
  job: ActiveExecution,
  { session, root }: { session: Session; root: string },
  batches: readonly LeftBatch[],
): Promise<void> {
  const { toleranceNs } = job.spec
  const access = await formerAccessOfNew(job.ledger)
  for (const { held, ...batch } of batches) {
    if (!held) continue
    const [from, until] = [nsOf(held.fromMs) - toleranceNs, nsOf(held.untilMs) + toleranceNs]
    for (const address of await notRecorded(job.ledger, batch)) {
      const id = descendOf(session, root, address)
      const there = id === undefined ? null : await session.stat(id, toKnowOurs(session, access))
      if (there?.kind !== 'container' || there.createdNs === undefined) continue
      if (there.createdNs < from || there.createdNs > until) continue
      if (!isMadeAsOurs(there, session, access)) continue
      const made = { token: batch.token, id: session.childId ? '' : there.id, made: true }
      await job.ledger.containerReady(address.item, made)
    }
  }
}

/** Containers that a batch was to make, for their own sake or for something in them; none before what is above it. */
async function notRecorded(
  ledger: Ledger,
  { items, containers, toSource }: Pick<LeftBatch, 'items' | 'containers' | 'toSource'>,
): Promise<Iterable<ContainerAddress>> {
  const wanted = new Set<number>()
  for (const { item, ready } of containers) if (!ready) wanted.add(item)
  for (const { item, kind, action } of items) if (kind === 'container' && action === 'create') wanted.add(item)
  const found = new Map<number, ContainerAddress>()
  for (const container of wanted)
    for (const address of await ledger.addresses(container, 'root', toSource))
      if (!address.ready) found.set(address.item, address)
  return found.values()
}

function nsOf(ms: number): bigint {
  return BigInt(ms) * 1_000_000n
}
