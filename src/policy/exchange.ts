import type { Side } from '../job/endpoint.ts'
import type { Settings } from '../job/settings.ts'
import type { Decision, Tracked } from './decision.ts'

/*
 * What goes from the destination to the source is decided by the same rules as what goes the other way, with both sides
 * exchanged: the job's settings, what the ledger remembers, and then the decision.
 */

const opposite = { source: 'destination', destination: 'source' } as const

/** Values of settings that name a side; the others mean the same for both. */
const oppositeValues: Readonly<Record<string, string>> = {
  ...opposite,
  ignore_source: 'ignore_destination',
  ignore_destination: 'ignore_source',
}

export function exchangedSettings(settings: Settings): Settings {
  const exchangedValue = <T extends string>(value: T): T => (oppositeValues[value] ?? value) as T
  return {
    ...settings,
    conflictResolution: exchangedValue(settings.conflictResolution),
    deletePropagation: exchangedValue(settings.deletePropagation),
  }
}

export function exchangedTracked({ source, destination, ...tracked }: Tracked): Tracked {
  // Never at that side, it has no facts there.
  return { ...tracked, source: destination ?? source, ...(isNothing(source) ? {} : { destination: source }) }
}

/** What the ledger has of the source of something that was never there. */
export function isNothing(facts: Tracked['source']): boolean {
  return Object.values(facts).every((value) => value === undefined || value === 0n)
}

/** A decision about exchanged sides, said of the sides as they are. */
export function exchanged(decision: Decision): Decision {
  const { action, toSource, wantsHash, why, ...rest } = decision
  const words = why === undefined ? {} : { why: exchangedWords(why) }
  if (decision.removes) return { ...rest, ...words, action, reason: 'source_gone', toSource: true }
  // Nothing goes anywhere.
  if (action === 'none' || action === 'adopt') return { ...rest, ...words, action }
  return {
    ...rest,
    ...words,
    action,
    ...(wantsHash ? { wantsHash: opposite[wantsHash] } : {}),
    ...(toSource ? {} : { toSource: true }),
  }
}

/** A sentence about two sides, said of the exchanged ones. */
export function exchangedWords(sentence: string): string {
  return sentence.replace(/\b(source|destination)\b/gi, (word) => {
    const other = opposite[word.toLowerCase() as Side]
    return word.startsWith(word.charAt(0).toLowerCase()) ? other : other.charAt(0).toUpperCase() + other.slice(1)
  })
}
