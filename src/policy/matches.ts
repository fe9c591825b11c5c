import type { Facts } from '../connector/item.ts'

/**
 * Whether two files nobody compared before hold the same: equal size, and equal hash where both listings state one, else
 * equal modified time at the coarser of the two precisions. Such a pair is recorded, neither read nor written; one that
 * differs is a conflict (brake 3).
 *
 * @param precisionNs the coarser precision of the two platforms' times
 * @param byTime false where the destination's times are its own and say nothing about the source's
 */
export function matches(source: Facts, destination: Facts, precisionNs: bigint, byTime = true): boolean {
  if (source.sizeBytes !== destination.sizeBytes) return false
  if (source.hash !== undefined && destination.hash !== undefined) return source.hash === destination.hash
  if (!byTime || source.modifiedNs === undefined || destination.modifiedNs === undefined) return false
  const apart = source.modifiedNs - destination.modifiedNs
  return apart < 0n ? -apart < precisionNs : apart < precisionNs || apart === 0n
}
