import type { Facts } from '../connector/item.ts'
import type { Settings } from '../job/settings.ts'
import { changed } from './changed.ts'
import { isConflictCopy } from './conflict_name.ts'
import type { Counterpart } from './decision.ts'

/** Something the destination has that nothing at the source stands for, in a listing of both that is whole (brake 1). */
export interface Lonely {
  counterpart: Counterpart
  /** What the ledger remembers of it. Absent: nobody of us put it there. */
  tracked?:
    | {
        /** It arrived, as what it is there; what failed, was skipped or flagged never did (brake 6). */
        arrived: boolean
        destination?: Facts | undefined
        hash?: string | undefined
      }
    | undefined
  /** A filter of either side leaves it out: what a filter excludes it also protects. */
  isFiltered: boolean
}

type Deletes = Pick<Settings, 'transferType' | 'deletePropagation'>

/** Whether a job may remove anything at its destination. */
export function removesAtDestination({ transferType, deletePropagation }: Deletes): boolean {
  if (transferType === 'publish') return true
  return transferType === 'copy' && (deletePropagation === 'mirror' || deletePropagation === 'ignore_destination')
}

/**
 * Whether it is to be removed. `publish` makes the destination what the source is; a `copy` that follows deletes removes what it
 * brought there and nobody has changed since.
 *
 * @returns why it is removed; nothing when it stays
 * @see reference: job-policies 1, 3
 */
export function unmatched(
  settings: Deletes,
  { counterpart, tracked, isFiltered }: Lonely,
): 'source_gone' | 'not_at_source' | undefined {
  if (!removesAtDestination(settings) || isFiltered || isConflictCopy(counterpart.name)) return undefined
  if (settings.transferType === 'publish') {
    if (!tracked) return 'not_at_source'
    return tracked.arrived ? 'source_gone' : undefined
  }
  if (!tracked?.arrived || !tracked.destination) return undefined
  if (counterpart.kind === 'container') return 'source_gone'
  const there = changed(counterpart, tracked.destination, tracked.hash)
  return there === 'no' || there === 'attributes' ? 'source_gone' : undefined
}
