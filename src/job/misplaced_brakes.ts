import { readJob, readMap, type JobDocument } from './document.ts'
import { sides } from './endpoint.ts'
import type { MapType } from './maps.ts'
import type { Problem, Unknown } from './problem.ts'

/** Keys that hold something back, with all there is inside them. Mistyped or in the wrong place they would hold nothing back. */
const brakes: readonly RegExp[] = [
  /^(kind|disabled)$/,
  /^stop_policy\b/,
  /^schedule\.(mode|days|start_date|end_date|start_window|end_window|run_at|repeat_count|max_execution|time_zone)\b/,
  /^transfer\.(transfer_type|simulation_mode|durability)$/,
  /^transfer\.(filter|item_overwrite|conflict_resolution|delete_propagation|failure_policy|max_items_per_container)\b/,
  /^transfer\.(permissions|account_map|group_map)\b/,
  /^transfer\.performance\.(upload|download)\b/,
  /^transfer\.(source|destination)\.(target|type|impersonate_as|authenticate)\b/,
]

/** A rule, a condition, a negation of some other system's: whatever it was meant to be, it decides what is transferred. */
const inFilter = /^transfer\.filter\b/
/** But for words to people. */
const label = /(^|\.)([_$][\w$]*|id|name|caption|description|comment|note)$/

/**
 * An unknown key is kept and warned of, but one that must have been meant as a brake refuses the start: `simulaton_mode`
 * would otherwise write, `traget` copy the whole of a connection (design, brake 12).
 *
 * @param maps that the job refers to, as stored
 */
export function misplacedBrakes(job: JobDocument, maps: Partial<Record<MapType, object | undefined>> = {}): Problem[] {
  return [...unknownKeys(job), ...unknownKeysOfMaps(maps)].flatMap(({ path, unknown }) => {
    const why = label.test(path) ? undefined : harmOf(unknown, job)
    return why === undefined ? [] : [{ path, message: `is not a known key, ${why}` }]
  })
}

function harmOf({ in: around, meant }: Unknown, job: JobDocument): string | undefined {
  const wholeConnection = sides.some((side) => {
    const at = `transfer.${side}`
    return (around === at || around === `${at}.target`) && job.transfer[side].target?.path === undefined
  })
  if (wholeConnection) return 'and without target.path beside it the whole of the connection would be meant'
  if (meant !== undefined && brakes.some((brake) => brake.test(meant)))
    return `but must have been meant as ${meant}; without it the job might do what it should not`
  return inFilter.test(around) ? 'so nobody can tell what this filter was to leave out' : undefined
}

type UnknownKeyProblem = Problem & { unknown: Unknown }

function unknownKeys(job: JobDocument): UnknownKeyProblem[] {
  const read = readJob(job)
  return read.ok ? read.warnings.filter(isUnknownKey) : []
}

function unknownKeysOfMaps(maps: Partial<Record<MapType, object | undefined>>): UnknownKeyProblem[] {
  return (Object.keys(maps) as MapType[]).flatMap((type) => {
    const read = maps[type] && readMap(type, maps[type])
    if (!read?.ok) return []
    const at = `transfer.${type}`
    return read.warnings.filter(isUnknownKey).map(({ path, message, unknown }) => ({
      path: `${at}.${path}`,
      message,
      unknown: {
        in: unknown.in === '' ? at : `${at}.${unknown.in}`,
        ...(unknown.meant === undefined ? {} : { meant: `${at}.${unknown.meant}` }),
      },
    }))
  })
}

function isUnknownKey(problem: Problem): problem is UnknownKeyProblem {
  return problem.unknown !== undefined
}
