import type { Balance } from '../ledger/ledger.ts'
import { count } from './format.ts'

/** What left either side, and what was to and did not. */
export interface Removals {
  removed: { source: number; destination: number }
  /** Not as it was, or holding something: by reason. */
  kept: { reason: string; items: number }[]
  failed: number
}

export function removalsOf(balance: Balance | undefined): Removals {
  const removals: Removals = { removed: { source: 0, destination: 0 }, kept: [], failed: 0 }
  for (const { what, items } of balance?.findings?.met ?? []) {
    const [end, side, reason = ''] = what.split(':')
    if (end === 'removed' && (side === 'source' || side === 'destination')) removals.removed[side] += items
    else if (end === 'kept') removals.kept.push({ reason, items })
    else if (end === 'failed') removals.failed += items
  }
  return removals
}

const whyKept: Record<string, string> = {
  changed: 'changed meanwhile',
  not_empty: 'folders that hold something else',
  not_there: 'not at the destination any more',
  differs: 'other content at the destination',
}

export function sayRemovals(balance: Balance | undefined, simulated: boolean): string[] {
  const { removed, kept, failed } = removalsOf(balance)
  const are = simulated ? 'would be removed' : 'removed'
  return [
    ...(removed.destination > 0 ? [`${count(removed.destination)} ${are} at the destination`] : []),
    ...(removed.source > 0 ? [`${count(removed.source)} ${are} from the source`] : []),
    ...kept.map(({ reason, items }) => `${count(items)} not removed: ${whyKept[reason] ?? reason}`),
    ...(failed > 0 ? [`${count(failed)} could not be removed`] : []),
  ]
}
