import type { NameRules } from '../connector/capabilities.ts'
import type { Facts } from '../connector/item.ts'
import type { ConflictResolution } from '../job/settings.ts'
import { isConflictCopy } from './conflict_name.ts'
import { namerOf, roomIn, type NameSettings } from './segment.ts'

/** Who has the last word about a file that both sides changed, or that nobody compared before and that differs. */
type Winner =
  | { winner: 'source'; keepsLoser: boolean; why: string }
  | { winner: 'destination'; newer: boolean; keepsLoser?: boolean; why: string }
  | { winner: 'nobody'; why: string }

export interface ConflictRules {
  setting: ConflictResolution
  /** Times closer than this are not told apart, in nanoseconds. */
  toleranceNs: bigint
  /** False where the destination's modified time is its own. */
  timesPreserved: boolean
}

/**
 * Decides a conflict for a one-way copy, which never writes to the source. Where times can't tell, both are kept: the source's
 * under the name, the destination's beside it.
 *
 * @see reference: job-policies 2; brake 9
 */
export function conflictResolution(rules: ConflictRules, source: Facts, destination: Facts): Winner {
  switch (rules.setting) {
    case 'source':
      return { winner: 'source', keepsLoser: false, why: 'the source is preferred' }
    case 'destination':
      return { winner: 'destination', newer: false, why: 'the destination is preferred' }
    case 'failure':
      return { winner: 'nobody', why: 'conflicts are for a person to settle' }
    case 'copy':
      return { winner: 'source', keepsLoser: true, why: 'both are kept' }
    case 'latest':
      return latest(rules, source, destination)
    default:
      return rules.setting satisfies never
  }
}

/**
 * Decides a conflict where either side may be written. Both setting and sides are those of the planner that asks.
 *
 * @param isFirst the two were never equal, or not for sure: then the loser is kept beside the winner in any case (brake 3)
 * @see reference: job-policies 2
 */
export function twoWayConflict(rules: ConflictRules, source: Facts, destination: Facts, isFirst: boolean): Winner {
  const end =
    rules.setting === 'copy' ? latest(rules, source, destination) : conflictResolution(rules, source, destination)
  if (end.winner === 'nobody') return end
  const keepsLoser = isFirst || rules.setting === 'copy' || end.keepsLoser === true
  return keepsLoser ? { ...end, keepsLoser, why: `${end.why}; the other is kept beside it` } : end
}

function latest({ toleranceNs, timesPreserved }: ConflictRules, source: Facts, destination: Facts): Winner {
  const both = (why: string): Winner => ({ winner: 'source', keepsLoser: true, why: `both are kept: ${why}` })
  if (!timesPreserved) return both('modified times are not carried, so they can not be compared')
  if (source.modifiedNs === undefined || destination.modifiedNs === undefined) return both('a modified time is missing')
  const ahead = source.modifiedNs - destination.modifiedNs
  if (ahead > toleranceNs) return { winner: 'source', keepsLoser: false, why: 'the source is newer' }
  if (-ahead > toleranceNs) return { winner: 'destination', newer: true, why: 'the destination is newer' }
  return both('the modified times are too close to tell')
}

const triesForName = 1_000

/**
 * The name the destination's own version is kept under: `name (conflict 2024-03-01T101530Z).ext`, by the time that version
 * was modified, so that the same plan has the same name. It fits the destination's rules and is not taken.
 *
 * @param taken whether the container has the name at the destination, or a sibling is going to (`NamePlan.taken`)
 * @returns undefined for a conflict copy, which is never kept as another one, and when no name is free
 */
export function conflictName(
  name: string,
  modifiedNs: bigint | undefined,
  taken: (name: string) => boolean,
  naming: { rules: NameRules; settings: NameSettings; parents?: readonly string[] },
): string | undefined {
  if (isConflictCopy(name)) return undefined
  const { rules, settings, parents } = naming
  const namer = namerOf(rules, settings)
  const room = parents ? roomIn(rules, parents) : undefined
  for (let n = 1; n <= triesForName; n += 1) {
    const kept = namer.conflict(name, modifiedNs, n, room)
    if (kept === undefined) return undefined
    if (!taken(kept)) return kept
  }
  return undefined
}
