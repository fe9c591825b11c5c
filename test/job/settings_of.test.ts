import { expect, test } from '@jest/globals'
import { settingsOf } from '../../src/job/settings_of.ts'
import { scheduleOf } from '../../src/job/schedule_of.ts'
import { aJob } from './a_job.ts'

test('what is left out is as the reference says', () => {
  expect(settingsOf(aJob({ transfer_type: undefined }))).toEqual({
    transferType: 'sync',
    auditLevel: 'info',
    batchMode: 'always',
    conflictResolution: 'copy',
    deletePropagation: 'ignore_both',
    failurePolicy: 'continue',
    largeItem: 'fail',
    lockPropagation: 'ignore',
    parallelWrites: undefined,
    bandwidth: {},
    permissions: { policy: 'none', links: false, failures: 'exceptions' },
    preserveOwners: false,
    preserveDestinationRootOwner: false,
    timestamps: true,
    emptyContainers: 'create',
    duplicateNames: 'rename',
    itemOverwrite: 'overwrite',
    restrictedContent: 'convert',
    segmentTransform: true,
    encodeInvalidCharacters: false,
    segmentTruncate: false,
    versioning: { preserve: 'native', select: 'all' },
    filter: { source: [], destination: [] },
    simulationMode: false,
    durability: 'process',
  })
})

test('every setting of the document is in the settings', () => {
  const settings = settingsOf(
    aJob({
      audit_level: 'trace',
      batch_mode: 'none',
      conflict_resolution: 'latest',
      delete_propagation: 'mirror',
      failure_policy: 'halt',
      large_item: 'skip',
      lock_propagation: 'mirror_owner',
      max_items_per_container: 7,
      performance: { parallel_writes: { requested: 9 }, download: { bytes_per_second: '7' } },
      permissions: { policy: 'diff', links: true, failures: 'all' },
      preserve_owners: true,
      preserve_destination_root_owner: true,
      timestamps: false,
      empty_containers: 'skip',
      duplicate_names: 'warn',
      item_overwrite: 'fail',
      restricted_content: 'skip',
      segment_transform: false,
      encode_invalid_characters: true,
      segment_truncate: true,
      versioning: { preserve: 'none', select: 'latest' },
      simulation_mode: true,
      durability: 'power',
    }),
  )
  expect(settings).toEqual({
    transferType: 'copy',
    auditLevel: 'trace',
    batchMode: 'none',
    conflictResolution: 'latest',
    deletePropagation: 'mirror',
    failurePolicy: 'halt',
    largeItem: 'skip',
    lockPropagation: 'mirror_owner',
    maxItemsPerContainer: 7,
    parallelWrites: 9,
    bandwidth: { download: { bytesPerSecond: 7, windows: [] } },
    permissions: { policy: 'diff', links: true, failures: 'all' },
    preserveOwners: true,
    preserveDestinationRootOwner: true,
    timestamps: false,
    emptyContainers: 'skip',
    duplicateNames: 'warn',
    itemOverwrite: 'fail',
    restrictedContent: 'skip',
    segmentTransform: false,
    encodeInvalidCharacters: true,
    segmentTruncate: true,
    versioning: { preserve: 'none', select: 'latest' },
    filter: { source: [], destination: [] },
    simulationMode: true,
    durability: 'power',
  })
})

test('paths that plainly mean a folder are that folder', () => {
  const paths = ['/a', '/a/', '//a', '/a/.', '/./a', '/a/*', '/a/**', '/a/**/*']
  const [filter] = settingsOf(aJob({ filter: { source: { rules: { type: 'path', paths } } } })).filter.source
  expect(filter?.rules).toEqual([{ type: 'filter_path', paths: ['/a'] }])
})

test('rules arrive in their plain form', () => {
  const rules = [
    { type: 'pattern', text: '*.tmp' },
    { type: 'pattern', text: 'x', targets: ['container', 'none'] },
    { type: 'extension', extensions: ['.TXT', 'md'] },
    { type: 'group', groups: 'images' },
    { type: 'size', min: '9007199254740993' },
    { type: 'date', range: { value: 2, type: 'week' } },
    { type: 'date', targets: 'all', range: { from: 5 } },
    { type: 'path', path: '/a' },
    { type: 'rule', action: 'include', rules: [{ type: 'hidden' }] },
  ]
  expect(settingsOf(aJob({ filter: { source: [{ rules }] } })).filter.source).toEqual([
    {
      action: 'exclude',
      rules: [
        { type: 'filter_pattern', text: '*.tmp', targets: ['container', 'item'] },
        { type: 'filter_pattern', text: 'x', targets: ['container'] },
        { type: 'filter_extension', extensions: ['txt', 'md'] },
        { type: 'filter_group', groups: ['Images'] },
        { type: 'filter_size', minBytes: 9_007_199_254_740_993n },
        { type: 'filter_date', targets: ['modified_on'], range: { type: 'week', value: 2 } },
        {
          type: 'filter_date',
          targets: ['created_on', 'modified_on', 'accessed_on'],
          range: { type: 'range', fromSeconds: 5 },
        },
        { type: 'filter_path', paths: ['/a'] },
        { type: 'filter_rule', action: 'include', rules: [{ type: 'filter_hidden' }] },
      ],
    },
  ])
})

test('a nested filter group that does not say what it does does what the group around it does', () => {
  const nested = { type: 'rule', rules: [{ type: 'hidden' }] }
  const filter = { source: [{ action: 'include', rules: [nested] }, { rules: [nested] }] }
  const inner = settingsOf(aJob({ filter })).filter.source.map(({ rules }) => rules[0])
  expect(inner).toEqual([
    { type: 'filter_rule', action: 'include', rules: [{ type: 'filter_hidden' }] },
    { type: 'filter_rule', action: 'exclude', rules: [{ type: 'filter_hidden' }] },
  ])
})

test('a job without a schedule is manual, and auto means every 15 minutes of every day', () => {
  expect(scheduleOf(aJob()).mode).toBe('manual')
  expect(scheduleOf(aJob({}, { schedule: { mode: 'auto' } }))).toEqual({
    mode: 'auto',
    days: [0, 1, 2, 3, 4, 5, 6],
    window: { fromMs: 0, untilMs: 86_399_999 },
    intervalMs: 900_000,
    timeZone: 'UTC',
  })
})

test('every field of a schedule is in the schedule', () => {
  const schedule = {
    mode: 'auto',
    days: ['weekends', 'monday'],
    start_date: 10,
    end_date: 20.5,
    start_window: { hr: 20, min: 1, sec: 2, ms: 3 },
    end_window: { hr: 23 },
    repeat_interval: { value: '2', unit: 'h' },
    repeat_count: 4,
    max_execution: { value: 90, unit: 's' },
    time_zone: 'Europe/Berlin',
  }
  expect(scheduleOf(aJob({}, { schedule }))).toEqual({
    mode: 'auto',
    days: [0, 1, 6],
    startMs: 10_000,
    endMs: 20_500,
    window: { fromMs: 72_062_003, untilMs: 82_800_000 },
    intervalMs: 7_200_000,
    runsPerDay: 4,
    maxExecutionMs: 90_000,
    timeZone: 'Europe/Berlin',
  })
  expect(scheduleOf(aJob({}, { schedule: { mode: 'auto', run_at: '02:00' } })).runAtMs).toBe(7_200_000)
})
