import { readJob, readMap, type JobDocument } from './document.ts'
import { brakeNamed, brakesInside } from './brake_names.ts'
import { sides } from './endpoint.ts'
import type { MapType } from './maps.ts'
import { pathText, type Problem, type Unknown } from './problem.ts'

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

/** What a platform says of itself, read back from where connections are shown, holds words of all kinds. */
const aboutPlatform = /\.connection\.platform\b/
const ofConnection = /\.connection\b/

/**
 * An unknown key is kept and warned of, but one that must have been meant as a brake refuses the start: `simulaton_mode`
 * or `dry_run` would otherwise write, `traget` copy the whole of a connection (brake 12).
 * So does the name of a brake wherever it stands, also inside of what stands under an unknown key.
 *
 * @param maps that the job refers to, as stored
 */
export function misplacedBrakes(job: JobDocument, maps: Partial<Record<MapType, object | undefined>> = {}): Problem[] {
  return [...unknownKeys(job), ...unknownKeysOfMaps(maps)].flatMap(({ path, unknown }) => {
    if (label.test(path)) return []
    const why = harmOf(unknown, job)
    if (why !== undefined) return [{ path, message: `is not a known key, ${why}` }]
    if (ofConnection.test(unknown.in)) return []
    return brakesInside(unknown.key, unknown.value).map((inside) => {
      const at = pathText(inside.path)
      return {
        path: `${path}${at.startsWith('[') ? '' : '.'}${at}`,
        message: `is under a key that nobody knows, ${meantAs(inside.meant)}`,
      }
    })
  })
}

function harmOf({ in: around, key, value, meant }: Unknown, job: JobDocument): string | undefined {
  const wholeConnection = sides.some((side) => {
    const at = `transfer.${side}`
    return (around === at || around === `${at}.target`) && job.transfer[side].target?.path === undefined
  })
  if (wholeConnection) return 'and without target.path beside it the whole of the connection would be meant'
  if (meant !== undefined && brakes.some((brake) => brake.test(meant))) return meantAs(meant)
  const named = aboutPlatform.test(around) ? undefined : brakeNamed(key, value)
  if (named !== undefined) return meantAs(named)
  return inFilter.test(around) ? 'so nobody can tell what this filter was to leave out' : undefined
}

function meantAs(place: string): string {
  return `but must have been meant as ${place}; without it the job might do what it should not`
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
        key: unknown.key,
        value: unknown.value,
        in: unknown.in === '' ? at : `${at}.${unknown.in}`,
        ...(unknown.meant === undefined ? {} : { meant: `${at}.${unknown.meant}` }),
      },
    }))
  })
}

function isUnknownKey(problem: Problem): problem is UnknownKeyProblem {
  return problem.unknown !== undefined
}
