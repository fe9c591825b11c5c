import type { ContainerToList, Listing } from '../../ledger/ledger.ts'
import type { Named } from '../../policy/name_container.ts'
import { readable } from '../items/addresses.ts'
import { exchangedRow } from '../items/exchanged_row.ts'
import { onRecord } from '../items/facts_of.ts'
import type { Child, ExecutionContext } from '../engine/execution_context.ts'
import { isStagingName } from '../engine/execution_spec.ts'
import { record } from './decided_children.ts'
import type { LonelyChild } from './unmatched_children.ts'

/** Names of one container at the source. */
export interface NamesAtSource {
  /** Whether somebody else has it, or one that the source takes for the same. */
  taken(name: string): boolean
}

/**
 * Under `sync`: puts what only the destination has into the listing, on its way to the source, or to be removed because it was
 * deleted there.
 */
export function addOnlyAtDestination(
  context: ExecutionContext,
  container: ContainerToList,
  { lonely, names }: { lonely: readonly LonelyChild[]; names: NamesAtSource },
  listing: Listing,
): void {
  const { back } = context
  if (!back || lonely.length === 0) return
  const nameOf = namesOf(back, container, { lonely, names })
  const prefix = container.destinationNames.length === 0 ? '/' : `${readable(container.destinationNames)}/`
  for (const { counterpart, row } of lonely) {
    if (row?.decided) continue
    const path = prefix + counterpart.name
    // Somebody is writing there: what is half-way is no content yet, whosever it is.
    if (isStagingName(counterpart.name) || context.isProtected(counterpart, path)) {
      listing.holdsOthers = true
      continue
    }
    const { taken } = names
    const child: Child = {
      item: counterpart,
      path,
      named: nameOf(counterpart),
      counterpart: null,
      row,
      taken,
      isLookedAt: container.looked,
    }
    const decision = context.decideBack(child)
    if (decision.removes && row) {
      const { name, kind } = counterpart
      const facts = onRecord(context.destination, counterpart)
      listing.unmatched.push({ item: row.item, name, kind, reason: 'source_gone', side: 'destination', facts })
      continue
    }
    listing.holdsOthers = true
    if (decision.action !== 'none') record(back, listing, { ...child, row: row && exchangedRow(row) }, decision)
  }
}

function namesOf(
  back: ExecutionContext,
  container: ContainerToList,
  { lonely, names }: { lonely: readonly LonelyChild[]; names: NamesAtSource },
): (child: LonelyChild['counterpart']) => Named {
  const remembered = new Map<string, string>()
  for (const { counterpart, row } of lonely) if (row) remembered.set(back.keyOf(counterpart), row.name)
  const holder = (name: string): string | undefined => (names.taken(name) ? name : undefined)
  const items = lonely.map(({ counterpart }) => counterpart)
  const plan = back.nameContainer(items, remembered, container.sourceNames, holder)
  return (item) => plan.of(back.keyOf(item), item.name)
}
