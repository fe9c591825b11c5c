import { expect, test } from '@jest/globals'
import { gaps } from '../../src/job/carried_out.ts'
import { jobJsonSchema } from '../../src/job/json_schema.ts'

/** Settings that do what they say, with all there is inside those that end in `.*`. */
const carriedOut = [
  ...['$schema', 'name', 'description', 'status', 'category.*', 'stop_policy.*'],
  ...['mode', 'days', 'start_date', 'end_date', 'end', 'start_window.*', 'end_window.*'].map(
    (key) => `schedule.${key}`,
  ),
  ...['repeat_interval.*', 'repeat_count', 'run_at.*', 'max_execution.*', 'time_zone'].map((key) => `schedule.${key}`),
  ...['audit_level', 'conflict_resolution', 'failure_policy', 'large_item', 'max_items_per_container'].map(inTransfer),
  ...['transfer_type', 'empty_containers', 'duplicate_names', 'item_overwrite', 'simulation_mode', 'durability'].map(
    inTransfer,
  ),
  ...['segment_transform', 'encode_invalid_characters', 'segment_truncate', 'timestamps'].map(inTransfer),
  ...['preserve_owners', 'preserve_destination_root_owner', 'permissions.failures'].map(inTransfer),
  ...['parallel_writes.requested', 'upload.*', 'download.*'].map((key) => inTransfer(`performance.${key}`)),
  inTransfer('filter.source.*'),
  ...['source', 'destination'].flatMap((side) => [`transfer.${side}.connection.*`, `transfer.${side}.target.path`]),
  ...['account_map', 'group_map'].flatMap((map) =>
    ['id', 'type', 'name', 'source.*', 'destination.*', 'map_by.*', 'exceptions.*', 'unmapped_policy'].map((key) =>
      inTransfer(`${map}.${key}`),
    ),
  ),
]

function inTransfer(key: string): string {
  return `transfer.${key}`
}

/** Inside these the table speaks of the whole in one row. */
const wholesale =
  /^transfer\.(permissions_import|account_map\.ldap|group_map\.ldap|(source|destination)\.authenicate)\b/

test('every key of the schema is carried out, or in the table of what is not: none is ignored in silence', () => {
  const missing = keysOf(jobJsonSchema()).filter(
    (key) =>
      !wholesale.test(key) &&
      !carriedOut.some((known) => (known.endsWith('.*') ? isWithin(key, known.slice(0, -2)) : key === known)) &&
      !gaps.some(
        ({ setting }) => setting !== 'schedule' && !/(account|group)_map$/.test(setting) && isWithin(key, setting),
      ),
  )
  expect(missing).toEqual([])
})

test('nothing is said to be carried out that the schema does not have', () => {
  const keys = keysOf(jobJsonSchema())
  const settings = [...carriedOut.map((key) => key.replace(/\.\*$/, '')), ...gaps.map(({ setting }) => setting)]
  expect(settings.filter((setting) => !keys.some((key) => isWithin(key, setting)))).toEqual([])
})

function isWithin(key: string, setting: string): boolean {
  return key === setting || key.startsWith(`${setting}.`)
}

interface Schema {
  $ref?: string
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  [key: string]: unknown
}

/** Paths of all settings, without those that hold others and those that are read-only. */
function keysOf(root: Schema): string[] {
  const keys = new Set<string>()
  const visit = (schema: Schema, at: string, above: readonly string[]): void => {
    const { $ref } = schema
    if ($ref !== undefined) {
      if (above.includes($ref)) return
      const there = $ref
        .split('/')
        .slice(1)
        .reduce<unknown>((within, step) => (within as Schema)[step], root)
      return visit(there as Schema, at, [...above, $ref])
    }
    const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])]
    for (const one of inner) visit(one, at, above)
    for (const [key, one] of Object.entries(schema.properties ?? {})) {
      if (one.description?.startsWith('Read-only')) continue
      const path = at === '' ? key : `${at}.${key}`
      keys.delete(at)
      keys.add(path)
      visit(one, path, above)
    }
  }
  visit(root, '', [])
  const all = [...keys]
  return all.filter((key) => !all.some((other) => other.startsWith(`${key}.`)))
}
