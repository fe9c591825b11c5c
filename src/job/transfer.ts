import { defaults } from './defaults.ts'
import { endpoint } from './endpoint.ts'
import { filter } from './filter.ts'
import { accountMapInJob, groupMapInJob } from './maps.ts'
import { performance } from './performance.ts'
import { permissions, permissionsImport } from './permissions.ts'
import { schedule } from './schedule.ts'
import { anything, block, choice, conflict, flag, listOf, notes, optional, whole } from './wire.ts'
import { versioning } from './versioning.ts'

const deletePolicies = ['mirror', 'ignore_source', 'ignore_destination', 'ignore_both'] as const
const deletePropagation = listOf(choice(deletePolicies)).transform((values, ctx) => {
  const [value, ...others] = new Set(values)
  if (value === undefined || others.length > 0) {
    const given = value === undefined ? 'an empty list' : [value, ...others].join(', ')
    conflict(ctx, [], `${given}: it takes one of ${deletePolicies.join(', ')}`)
  }
  return value ?? defaults.delete_propagation
})
notes.add(deletePropagation, { json: { maxItems: 1 } })

const inspection = choice(['none', 'filtered', 'shared', 'all', 'flagged'])

/** The keys of `transfer`, with the words of the reference (job-policies). */
const transferKeys = {
  transfer_type: optional(
    choice(['copy', 'sync', 'publish', 'move', 'migrate', 'taxonomy'], { default: 'sync' }),
    'In which direction, and what becomes of the source.',
    defaults.transfer_type,
  ),
  audit_level: optional(
    choice(['trace', 'debug', 'info', 'warn', 'error', 'none']),
    'What the audit log keeps: this and everything more serious.',
    defaults.audit_level,
  ),
  batch_mode: optional(
    choice(['none', 'initial', 'always']),
    'Use the platform’s bulk interface never, in the first run, or always.',
    defaults.batch_mode,
  ),
  conflict_resolution: optional(
    choice(['copy', 'latest', 'source', 'destination', 'failure']),
    'A file changed on both sides: keep both, the newest, the source’s or the destination’s, or flag it.',
    defaults.conflict_resolution,
  ),
  delete_propagation: optional(
    deletePropagation,
    'Whether what was deleted on one side is deleted on the other.',
    defaults.delete_propagation,
  ),
  failure_policy: optional(
    choice(['continue', 'halt']),
    'An item that fails: go on with the others, or stop the execution.',
    defaults.failure_policy,
  ),
  large_item: optional(choice(['fail', 'skip']), 'A file larger than the destination takes.', defaults.large_item),
  lock_propagation: optional(
    choice(['ignore', 'mirror_lock', 'mirror_owner']),
    'Lock at the destination what is locked at the source.',
    defaults.lock_propagation,
  ),
  max_items_per_container: optional(
    whole(1),
    'A folder with more direct children is flagged and not transferred; left out, as many as the destination takes.',
  ),
  performance: optional(performance, 'How much at once, and how fast.'),
  permissions: optional(permissions, 'Whether permissions are carried.'),
  permissions_import: optional(permissionsImport, 'Old place of permissions.import.'),
  preserve_owners: optional(flag(), 'Keep owners and authors, through the account map.', defaults.preserve_owners),
  preserve_destination_root_owner: optional(
    flag(),
    'Set the owner of the destination folder too, when this job makes it.',
    defaults.preserve_destination_root_owner,
  ),
  timestamps: optional(flag(), 'Keep the source’s times.', defaults.timestamps),
  empty_containers: optional(
    choice(['create', 'skip']),
    'Folders with nothing in them, or nothing that passes the filters.',
    defaults.empty_containers,
  ),
  duplicate_names: optional(
    choice(['rename', 'warn']),
    'Two items that would have one name: number the second, or leave it out with a warning.',
    defaults.duplicate_names,
  ),
  item_overwrite: optional(
    choice(['overwrite', 'skip', 'fail']),
    'A file of that name is there already.',
    defaults.item_overwrite,
  ),
  restricted_content: optional(
    choice(['convert', 'fail', 'warn', 'skip']),
    'A file type that the destination refuses: zip it, report it, try it, or leave it out.',
    defaults.restricted_content,
  ),
  segment_transform: optional(
    flag(),
    'Rename what breaks the destination’s rules for names; else it is flagged.',
    defaults.segment_transform,
  ),
  encode_invalid_characters: optional(
    flag(),
    'Such characters become their UTF-8 bytes in hexadecimal instead of an underscore.',
    defaults.encode_invalid_characters,
  ),
  segment_truncate: optional(flag(), 'Shorten file names that are too long.', defaults.segment_truncate),
  versioning: optional(versioning, 'Which versions are carried.'),
  account_map: optional(accountMapInJob, 'Who is who: {"id": "…", "type": "account_map"}, or the map itself.'),
  group_map: optional(groupMapInJob, 'Which group is which: {"id": "…", "type": "group_map"}, or the map itself.'),
  filter: optional(filter, 'What is left out, or is all that is taken.'),
  source: endpoint,
  destination: endpoint,
  simulation_mode: optional(flag(), 'Decide and report everything, write nothing.', defaults.simulation_mode),
  durability: optional(
    choice(['process', 'power']),
    'What a file that counts as done survives: the death of processes, or a power cut too. Stevedore’s own.',
    defaults.durability,
  ),
  rendition: optional(
    choice(['original', 'rendition']),
    'Formats that only the source can read: as they are, or converted.',
    defaults.rendition,
  ),
  tags: optional(choice(['none', 'add']), 'Carry tags.', defaults.tags),
  metadata_map: optional(anything(), 'Which property becomes which.'),
  metadata_import: optional(anything(), 'Properties from a file.'),
  item_inspection_policy: optional(
    inspection,
    'What is tracked, for reports, of items that are not transferred.',
    defaults.item_inspection_policy,
  ),
  item_inspection_policy_next: optional(inspection, 'The same, for the next run only.'),
  schedule: optional(schedule, 'The schedule of the children of a mapping job.'),
}

/** Where the keys beside `transfer` belong, for those who put them inside. */
const beside = [
  'name',
  'kind',
  'stop_policy',
  'category',
  'status',
  'priority',
  'retention',
  'notifications',
  'description',
  'disabled',
]

export const transfer = block(transferKeys, {
  elsewhere: () => Object.fromEntries(beside.map((key) => [key, key])),
  hidden: ['permissions_import'],
}).transform(({ permissions_import, ...wanted }) =>
  permissions_import === undefined || wanted.permissions?.import !== undefined
    ? wanted
    : { ...wanted, permissions: { ...wanted.permissions, import: permissions_import } },
)

export const transferNames = Object.keys(transferKeys)
