import type { ItemState } from '../../ledger/item_state.ts'
import type { ChildRow } from '../../ledger/sqlite/reader_types.ts'
import { sayReason } from '../../report/say_reason.ts'
import type { Finding } from './difference.ts'

/** Whether both sides should hold the same, the job has still to see to that, or policy decided against it. */
export type Standing = 'arrived' | 'owed' | 'left'

/** The destination's own was kept, or its absence, although the row counts as settled. */
const leftAlone: ReadonlySet<string> = new Set(['destination_kept', 'destination_newer', 'left_deleted', 'exists'])

export function standingOf({ state, reason }: Pick<ChildRow, 'state' | 'reason'>): Standing {
  if (state === 'skipped') return 'left'
  if (state === 'success' || state === 'processed') return leftAlone.has(reason) ? 'left' : 'arrived'
  return 'owed'
}

/** What arrived more private than it was is owed the rest; its content is compared like that of any other. */
export function hasArrived(row: Pick<ChildRow, 'state' | 'reason'>): boolean {
  return standingOf(row) === 'arrived' || (row.state === 'remediation' && row.reason === 'permissions_lost')
}

const soFar: Record<ItemState, string> = {
  none: 'not done yet',
  success: '',
  processed: '',
  skipped: '',
  retry: 'failed, the next run tries again',
  remediation: 'flagged for a person',
  pending: 'not done yet',
}

/** That an item is owed, and why it is not there. */
export function owed({ state, reason, why }: Pick<ChildRow, 'state' | 'reason' | 'why'>): Finding {
  // The reason of what was not tried yet is that of its decision, and says nothing about why it is not there.
  const because = state === 'pending' ? '' : `: ${why ?? sayReason(reason)}`
  return { kind: 'owed', message: `${soFar[state]}${because}`, status: state, reason }
}

/** What is in a container that could not be looked into, or has not been yet. */
export function owedWith({ state, reason }: Pick<ChildRow, 'state' | 'reason'>): Finding {
  const message = state === 'pending' ? 'not done yet' : 'its folder could not be looked into'
  return { kind: 'owed', message, status: state, reason }
}

/** A folder that is there, while what was to be set last is not. */
export const unfinished: Finding = {
  kind: 'owed',
  message: 'is not finished: its times, owner and permissions are set when the run comes to its end',
  status: 'pending',
  reason: 'unfinished',
}
