import type { ClaimedRoot } from './catalog.ts'

/** Whether two places are the same, or one lies in the other, by whatever way they were reached. */
export function overlaps(one: ClaimedRoot, other: ClaimedRoot): boolean {
  return one.place === other.place || one.above.includes(other.place) || other.above.includes(one.place)
}
