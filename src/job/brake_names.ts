import { isObject, maxDepth } from '../json/json.ts'

/** Settings that limit what a job does, by where they belong, and the other words that people have for them. */
const settings: Readonly<Record<string, readonly string[]>> = {
  'transfer.simulation_mode': [
    ...['simulation', 'simulate', 'simulated', 'dry_run', 'dry_run_mode', 'is_dry_run'],
    ...['what_if', 'what_if_mode', 'no_op', 'read_only', 'is_read_only'],
  ],
  'transfer.filter': ['filters', 'exclude', 'excludes', 'excluded', 'exclusions', 'include', 'includes', 'rules'],
  'transfer.item_overwrite': ['overwrite', 'no_overwrite'],
  'transfer.transfer_type': [],
  'transfer.conflict_resolution': [],
  'transfer.delete_propagation': [],
  'transfer.failure_policy': [],
  'transfer.max_items_per_container': [],
  'transfer.durability': [],
  'transfer.permissions': [],
  'transfer.account_map': [],
  'transfer.group_map': [],
  'transfer.performance.upload': ['bandwidth'],
  'transfer.performance.download': [],
  'transfer.source.impersonate_as': [],
  'transfer.source.authenticate': [],
  disabled: ['disable', 'is_disabled', 'enabled', 'enable', 'is_enabled', 'active', 'is_active'],
  stop_policy: [],
  'stop_policy.on_execute': [],
  'stop_policy.on_success': [],
  'stop_policy.on_failure': [],
  'schedule.days': [],
  'schedule.start_date': [],
  'schedule.end_date': [],
  'schedule.start_window': [],
  'schedule.end_window': [],
  'schedule.run_at': [],
  'schedule.repeat_count': [],
  'schedule.max_execution': [],
  'schedule.time_zone': [],
}

/** True of these means no more than their absence. */
const unlessTrue = /^(is)?(enabled?|active)$/

const places = new Map(
  Object.entries(settings).flatMap(([place, words]) =>
    [place.split('.').at(-1)!, ...words].map((word) => [plain(word), place] as const),
  ),
)

/**
 * The setting that a key is named after, whatever stands around it; undefined when it is not one that limits what a job does.
 *
 * @param key `dryRun` and `Dry-Run` are `dry_run`; of `transfer.filter` its last word counts
 */
export function brakeNamed(key: string, value: unknown): string | undefined {
  const name = plain(key)
  return value === true && unlessTrue.test(name) ? undefined : places.get(name)
}

/** Where people keep what is nobody else's business. */
const freeForm =
  /^([_$].*|description|comments?|notes?|.*(metadata|properties|attributes|annotations|labels|tags|custom).*)$/i

/** The keys named after such a setting in what stands under an unknown key, which nobody has read. */
export function brakesInside(key: string, value: unknown, depth = 0): { path: PropertyKey[]; meant: string }[] {
  if (depth > maxDepth || freeForm.test(key)) return []
  if (Array.isArray(value)) return value.flatMap((element, i) => inFront(i, brakesInside(key, element, depth + 1)))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([inner, given]) => {
    const meant = brakeNamed(inner, given)
    return inFront(inner, meant === undefined ? brakesInside(inner, given, depth + 1) : [{ path: [], meant }])
  })
}

function inFront<T extends { path: PropertyKey[] }>(step: PropertyKey, found: readonly T[]): T[] {
  return found.map((one) => ({ ...one, path: [step, ...one.path] }))
}

/** `Dry-Run`, `dryRun` and `transfer.dry_run` → `dryrun` */
function plain(key: string): string {
  return key
    .slice(key.lastIndexOf('.') + 1)
    .replace(/[_\-\s]/g, '')
    .toLowerCase()
}
