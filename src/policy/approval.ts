/** What is about to be taken away at one side. */
export interface MassChange {
  removed: number
  /** Overwritten although somebody else wrote it. */
  replaced: number
  /** Found at the source. */
  found: number
  /** Nothing of this job was ever published there. */
  isFirstPublish: boolean
}

const freely = 100
const freelyShare = 0.05

/**
 * Whether a person has to say yes first (brake 2): more than 100 items and more than 5 % of what there is, or anything at all that
 * is somebody else's when a destination is published to for the first time.
 */
export function needsApproval({ removed, replaced, found, isFirstPublish }: MassChange): boolean {
  const taken = removed + replaced
  if (taken === 0) return false
  return isFirstPublish || taken > Math.max(freely, freelyShare * (found + removed))
}
