/** What each reset does, in plain words; it is done by the next execution, when that begins. */
export const resets = {
  soft: 'Everything stays known. Whatever failed or was flagged is tried again, as if it had never failed.',
  hard:
    'The next execution is a first one again: earlier deletes, failures and approvals are forgotten, and what only one side has is taken ' +
    'for new there, or for somebody else’s. What is the same on both sides is taken over without being copied; what differs is a conflict.',
  permissions:
    'Owners and permissions are carried once more for everything that is there already, as far as the job carries them; no content is.',
  full: 'hard and permissions together. `1` means the same.',
  stats:
    'Nothing is to be done: each execution counts anew what it finds. That it was asked for is kept in the history.',
} as const

export type ResetKind = keyof typeof resets

export const resetKinds = Object.keys(resets) as ResetKind[]

/** Resets of the original that ask for what is not carried out here. */
const notCarriedOut = ['inspect_filtered', 'inspect_shared', 'inspect_all', 'link_remediation']

/** @returns the kind, or why there is none */
export function resetKind(asked: string): { kind: ResetKind } | { why: string } {
  const kind = resetKinds.find((known) => known === (asked === '1' ? 'full' : asked))
  if (kind) return { kind }
  if (notCarriedOut.includes(asked))
    return { why: `${asked} is not carried out yet; there are ${resetKinds.join(', ')}` }
  return { why: `it is none of ${resetKinds.join(', ')}` }
}
