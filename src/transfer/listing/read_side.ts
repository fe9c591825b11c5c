import type { Item } from '../../connector/item.ts'
import { rootItem, type ContainerToList } from '../../ledger/ledger.ts'
import { tooManyItems } from '../../policy/max_items_per_container.ts'
import { destinationContainerId, sourceContainerId } from '../items/addresses.ts'
import { Suspended } from '../engine/errors.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import type { SideName } from '../engine/sides.ts'
import type { StopToken } from '../io/stop.ts'
import { itemTrouble, type ItemTrouble } from '../engine/trouble.ts'
import { goOnUnless, pages } from './walk.ts'

/** `absent`: that side has no such container, or no more: nothing of what was taken is there. `enough`: no more was wanted. */
export type ReadEnd = 'complete' | 'absent' | 'enough' | ItemTrouble

/**
 * Reads what one side lists of a container.
 *
 * @param take given its children page by page; whether that is enough
 * @throws Suspended when it was told to stop; SideTrouble of a connection
 */
export async function readSide(
  context: ExecutionContext,
  container: ContainerToList,
  { side, stop }: { side: SideName; stop: StopToken },
  take: (items: readonly Item[]) => boolean,
): Promise<ReadEnd> {
  const session = context[side]
  const idOn = side === 'source' ? sourceContainerId : destinationContainerId
  const id = idOn(session, context.roots, container)
  if (id === undefined) return 'absent'
  let seen = 0
  let complete = false
  try {
    for await (const page of pages(session, id, context.attributes.listed)) {
      goOnUnless(stop)
      seen += page.items.length
      complete = page.complete
      const verdict = side === 'source' ? tooManyItems(context.itemLimits, seen) : undefined
      if (verdict) return { reason: 'too_many_items', why: verdict.why }
      if (take(page.items)) return 'enough'
    }
  } catch (error) {
    if (error instanceof Suspended) throw error
    const trouble = itemTrouble(error, side)
    // One removed at the destination since it was planned is made again when its first child is written.
    const removed = side === 'destination' && trouble.reason === 'NotFound' && container.item !== rootItem
    return removed ? 'absent' : trouble
  }
  return complete ? 'complete' : { reason: 'incomplete_listing', why: `${side}: the listing ended early` }
}
