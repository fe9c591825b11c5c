import type { Item } from '../../connector/item.ts'
import type { ContainerToList, Listing, TrackedRow } from '../../ledger/ledger.ts'
import type { Lonely } from '../../policy/unmatched.ts'
import { readable } from '../items/addresses.ts'
import { onRecord } from '../items/facts_of.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { isStagingName } from '../engine/execution_spec.ts'
import { isNotThere } from '../items/tracked_of.ts'

/** Something of a container at the destination that no child at the source stands for. */
export interface LonelyChild {
  counterpart: Item
  /** The row of what is gone from the source. */
  row?: TrackedRow | undefined
}

/** Puts what is to be removed into the listing, and whether anything else is there that stays. */
export function addUnmatched(
  context: ExecutionContext,
  container: ContainerToList,
  children: Iterable<LonelyChild>,
  listing: Listing,
): void {
  const prefix = container.sourceNames.length === 0 ? '/' : `${readable(container.sourceNames)}/`
  for (const { counterpart, row } of children) {
    if (row?.decided) continue
    // Somebody is writing there: what is half-way is no content yet, whosever it is.
    const reason = isStagingName(counterpart.name)
      ? undefined
      : context.unmatched(counterpart, `${prefix}${row?.name ?? counterpart.name}`, trackedAs(row, counterpart))
    if (reason === undefined) {
      listing.holdsOthers = true
      continue
    }
    listing.unmatched.push({
      ...(row ? { item: row.item } : {}),
      name: counterpart.name,
      kind: counterpart.kind,
      reason,
      side: 'destination',
      facts: onRecord(context.destination, counterpart),
    })
  }
}

/** What was removed, or was never ours, counts as somebody else's when it is there (again). */
function trackedAs(row: TrackedRow | undefined, { kind }: Item): Lonely['tracked'] {
  if (!row || row.forgotten || isNotThere(row)) return undefined
  const { state, destination, hash } = row
  return { arrived: (state === 'success' || state === 'processed') && row.kind === kind, destination, hash }
}
