import type { Item } from '../../connector/item.ts'
import { packFacts } from '../../ledger/facts_text.ts'
import type { TrackedRow } from '../../ledger/ledger.ts'
import type { Tracked } from '../../policy/decision.ts'

/** Where an item is as it was recorded, it is its own baseline: unpacking what says the same would be most of a run without changes. */
export function trackedOf(row: TrackedRow, source: Item, counterpart: Item | null): Tracked {
  const { sourceText, destinationText, hash } = row
  const tracked: Tracked = {
    source: sourceText !== undefined && sourceText === packFacts(source) ? source : row.source,
    settled: row.state === 'success' || row.state === 'processed',
    failed: row.state === 'retry' || row.state === 'remediation' || row.state === 'pending',
    ...(row.toSource ? { toSource: true } : {}),
    ...(row.forgotten ? { forgotten: true } : {}),
    ...(row.permissionsAnew ? { permissionsAnew: true } : {}),
  }
  const isAsRecorded =
    counterpart !== null && destinationText !== undefined && destinationText === packFacts(counterpart)
  const destination = isAsRecorded ? counterpart : row.destination
  if (destination) tracked.destination = destination
  if (hash !== undefined) tracked.hash = hash
  return tracked
}

/** What was removed, or was never ours, says nothing about what is there (again). */
export function isNotThere({ reason }: TrackedRow): boolean {
  return reason === 'removed' || reason === 'not_at_source'
}
