import { nearest } from './nearest.ts'
import type { Problem } from '../problem.ts'

/** What the next execution of a job begins without. */
export type Reset = 'hard' | 'permissions'

/** By the word that asks for it; of those without any, why there is nothing to do. */
const known: Readonly<Record<string, readonly Reset[] | string>> = {
  hard: ['hard'],
  permissions: ['permissions'],
  full: ['hard', 'permissions'],
  '1': ['hard', 'permissions'],
  soft: 'every execution looks at the whole of both sides, so there is nothing to reset',
  stats: 'counts are taken from the ledger each time they are shown, so there is nothing to rebuild',
}

/** Known, and not carried out: to leave it out in silence would be taken for an inspection that found nothing. */
const notCarriedOut = ['inspect_filtered', 'inspect_shared', 'inspect_all', 'link_remediation']

const resetWords = ['soft', 'hard', 'permissions', 'full', 'stats']

interface AskedReset {
  resets: readonly Reset[]
  /** Why nothing is reset. */
  why?: string
}

/**
 * What a word asks for.
 *
 * @see reference: job-policies 27
 */
export function resetOf(word: string): AskedReset | Problem {
  const found = Object.hasOwn(known, word) ? known[word] : undefined
  if (typeof found === 'string') return { resets: [], why: `${word}: ${found}` }
  if (found) return { resets: found }
  const property = 'reset'
  if (notCarriedOut.includes(word))
    return { code: 'not_carried_out', property, description: `${word} is not carried out yet` }
  const meant = nearest(word, resetWords)
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`
  return { code: 'invalid', property, description: `is not one of ${resetWords.join(', ')}${hint}` }
}
