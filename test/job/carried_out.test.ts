import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { platforms } from '../../src/connector/registry.ts'
import type { Capabilities } from '../../src/connector/capabilities.ts'
import type { Connector } from '../../src/connector/connector.ts'
import { bestOf } from '../../scripts/platforms_table.ts'
import { gaps, notCarriedOut, withoutMarks, type Ends } from '../../src/job/carried_out.ts'
import { readJob } from '../../src/job/document.ts'
import { notCarriedOutTable } from '../../src/job/carried_out_table.ts'
import { aDocument, aJob } from './a_job.ts'

const ignoring: Ends = {
  source: { platform: 'fs', ignoresImpersonation: true },
  destination: { platform: 'fs', ignoresImpersonation: true },
}

const from = { connection: { id: 'a' }, target: { path: '/from' } }
const to = { connection: { id: 'b' }, target: { path: '/to' } }

function refused(transfer: object, beside: object = {}, ends?: Ends): string[] {
  return notCarriedOut(aJob({ ...transfer }, { ...beside }), ends).refusals.map(({ path }) => path)
}

function warned(transfer: object, beside: object = {}, ends?: Ends): string[] {
  return notCarriedOut(aJob({ ...transfer }, { ...beside }), ends).warnings.map(({ path }) => path)
}

test('a plain copy is carried out whole', () => {
  expect(notCarriedOut(aJob())).toEqual({ warnings: [], refusals: [] })
})

test('the job with all features may start when its connections ignore impersonation, and is told what is inert', () => {
  const sample = readFileSync(new URL('../../scripts/demo/all-features.json', import.meta.url), 'utf8')
  const read = readJob(JSON.parse(sample.replace(/\{\{(\w+)\}\}/g, '$1')))
  if (!read.ok) throw new Error('does not read')
  const { warnings, refusals } = notCarriedOut(read.job, ignoring)
  expect(refusals).toEqual([])
  expect(warnings.map(({ path }) => path)).toEqual([
    'transfer.batch_mode',
    'transfer.permissions.links',
    'transfer.restricted_content',
    'transfer.versioning',
    'transfer.filter.destination',
    'transfer.source.impersonate_as',
    'transfer.destination.impersonate_as',
  ])
  expect(notCarriedOut(read.job).refusals.map(({ path }) => path)).toEqual([
    'transfer.source.impersonate_as',
    'transfer.destination.impersonate_as',
  ])
})

describe('a job does not start', () => {
  const side = (more: object) => ({ source: { connection: { id: 'a' }, ...more } })
  test.each<[string, object, object, string]>([
    [
      'that goes both ways with a map that goes one',
      { transfer_type: 'sync', account_map: { map_by: { id: true } } },
      {},
      'transfer.account_map',
    ],
    ['of another kind', {}, { kind: 'folder_mapping' }, 'kind'],
    ['when disabled', {}, { disabled: true }, 'disabled'],
    ['that would take permissions away', { permissions: 'diff' }, {}, 'transfer.permissions.policy'],
    [
      'with permissions from a file',
      { permissions: { import: { source: { text: { target: { path: '/x' } } } } } },
      {},
      'transfer.permissions.import',
    ],
    [
      'with a filter on metadata, however deep',
      { filter: { source: { rules: { rules: { type: 'metadata', text: '[a]=1' } } } } },
      {},
      'transfer.filter.source',
    ],
    ['with a map that asks LDAP', { account_map: { map_by: { ldap: true } } }, {}, 'transfer.account_map'],
    ['on a single file', side({ type: 'file' }), {}, 'transfer.source.type'],
    ['on an address it does not understand', side({ target: { uri: 'x:y' } }), {}, 'transfer.source.target'],
    ['signing in its own way', side({ authenticate: true }), {}, 'transfer.source.authenticate'],
    ['with a mistyped brake', { simulaton_mode: true }, {}, 'transfer.simulaton_mode'],
    ['with a brake in the wrong place', {}, { simulation_mode: true }, 'simulation_mode'],
    ['with a mistyped brake in the wrong place', {}, { filters: {} }, 'filters'],
    [
      'on a whole connection because target is mistyped',
      { source: { connection: { id: 'a' }, traget: { path: '/x' } } },
      {},
      'transfer.source.traget',
    ],
    [
      'on a whole connection because the path is mistyped',
      side({ target: { pth: '/x' } }),
      {},
      'transfer.source.target.pth',
    ],
    ['on a whole connection because the path is in the wrong place', side({ path: '/x' }), {}, 'transfer.source.path'],
    [
      'as another account because impersonate_as is mistyped',
      side({ target: '/x', impersonate_sa: { id: 7 } }),
      {},
      'transfer.source.impersonate_sa',
    ],
    [
      'with a filter on a side that nobody knows',
      { filter: { sorce: [{ rules: [{ type: 'hidden' }] }] } },
      {},
      'transfer.filter.sorce',
    ],
    [
      'that would exclude what was to be included',
      { filter: { source: { actoin: 'include', rules: { type: 'hidden' } } } },
      {},
      'transfer.filter.source[0].actoin',
    ],
    [
      'with a rule that lost one of its bounds',
      { filter: { source: { rules: { type: 'size', max: 5, mni: 3 } } } },
      {},
      'transfer.filter.source[0].rules[0].mni',
    ],
    [
      'with a condition in a filter that nobody knows',
      { filter: { source: { conjunction: 'and', rules: { type: 'hidden' } } } },
      {},
      'transfer.filter.source[0].conjunction',
    ],
    ['with a mistyped map', { account_mpa: { id: 'x' } }, {}, 'transfer.account_mpa'],
    [
      'with a map whose exclusions are mistyped',
      { account_map: { map_by: { id: true }, source: { exclusion: [] } } },
      {},
      'transfer.account_map.source.exclusion',
    ],
    ['with permissions that would stay behind', { permisions: 'add' }, {}, 'transfer.permisions'],
    ['that would go on after a failure', { failure_polcy: 'halt' }, {}, 'transfer.failure_polcy'],
    ['with a limit to bandwidth that is mistyped', { performance: { uplaod: {} } }, {}, 'transfer.performance.uplaod'],
    ['without the limit that was meant', {}, { stop_policy: { on_excute: 3 } }, 'stop_policy.on_excute'],
    ['without any limit', {}, { stop_polcy: { on_execute: 3 } }, 'stop_polcy'],
    ['beyond its end', {}, { schedule: { mode: 'auto', end_dat: 5 } }, 'schedule.end_dat'],
    ['that was to be disabled, in the wrong place', { disabled: true }, {}, 'transfer.disabled'],
  ])('%s', (_what, transfer, beside, path) => {
    expect(refused(transfer, beside)).toEqual([path])
  })

  test.each([
    ['excluded', { source: { exclusions: [{ sid: { external_id: 'x' } }] } }],
    ['sent to somebody else', { exceptions: [{ source: { external_id: 'x' }, destination: { id: 7 } }] }],
    ['standing in', { destination: { default: { external_id: 'x', given_name: 'X' } } }],
  ])('with somebody %s in a way that would not hold', (_what, map) => {
    expect(refused({ account_map: { map_by: { id: true }, ...map } })).toEqual(['transfer.account_map'])
  })

  test('when a map it refers to asks LDAP', () => {
    expect(refused({ group_map: { id: 'g' } }, {}, { groupMap: { map_by: { ldap: true } } })).toEqual([
      'transfer.group_map',
    ])
  })
})

describe('a job starts, with a warning', () => {
  test.each<[string, object, object, string]>([
    ['locks', { lock_propagation: 'mirror_lock' }, {}, 'transfer.lock_propagation'],
    ['versions', { versioning: { from_source: 3 } }, {}, 'transfer.versioning'],
    ['tags', { tags: 'add' }, {}, 'transfer.tags'],
    ['renditions', { rendition: 'rendition' }, {}, 'transfer.rendition'],
    ['metadata', { metadata_map: {} }, {}, 'transfer.metadata_map'],
    ['metadata from a file', { metadata_import: {} }, {}, 'transfer.metadata_import'],
    ['inspection', { item_inspection_policy: 'all' }, {}, 'transfer.item_inspection_policy'],
    ['a schedule for children', { schedule: { mode: 'auto' } }, {}, 'transfer.schedule'],
    ['retries', { performance: { retries: 3 } }, {}, 'transfer.performance.retries'],
    ['a provisioning map', { account_map: { unmapped_policy: 'add' } }, {}, 'transfer.account_map'],
    ['guests', { account_map: { map_by: { passthrough: true } } }, {}, 'transfer.account_map'],
    [
      'wildcards that a pattern has not',
      { filter: { source: { rules: { type: 'pattern', text: '*.do?' } } } },
      {},
      'transfer.filter.source',
    ],
    ['well-known identities', { group_map: { map_by: { built_in: true } } }, {}, 'transfer.group_map'],
    ['groups by user name', { group_map: { map_by: { username: true } } }, {}, 'transfer.group_map'],
    ['a stand-in for the way back', { account_map: { source: { default: { id: 7 } } } }, {}, 'transfer.account_map'],
    [
      'an estimate',
      { source: { connection: { id: 'a' }, size_estimate: { count: 1 } } },
      {},
      'transfer.source.size_estimate',
    ],
    ['another scheduler', {}, { scheduler: { id: 3 } }, 'scheduler'],
    ['days of a manual job', {}, { schedule: { mode: 'manual', days: 'monday' } }, 'schedule'],
    [
      'an interval beside run_at',
      {},
      { schedule: { mode: 'auto', run_at: '1:00', repeat_interval: '1h' } },
      'schedule.run_at',
    ],
    ['a priority', {}, { priority: 5 }, 'priority'],
    ['retention', {}, { retention: { purge_empty: true } }, 'retention'],
    ['notifications', {}, { notifications: {} }, 'notifications'],
  ])('%s', (_what, transfer, beside, path) => {
    expect(warned(transfer, beside)).toEqual([path])
    expect(refused(transfer, beside)).toEqual([])
  })
})

test('when a map it refers to has mistyped exclusions, a job does not start', () => {
  const accountMap = { map_by: { id: true }, source: { exlusions: [{ sid: { name: 'root' } }] } }
  expect(refused({ account_map: { id: 'a' } }, {}, { accountMap })).toEqual(['transfer.account_map.source.exlusions'])
})

describe('a path of a filter that would hardly match what is meant', () => {
  const paths = (...given: string[]) => ({ filter: { source: { rules: { rules: { type: 'path', paths: given } } } } })

  test.each(['/secret*', '/a/*/b', '/*.tmp', '/secret\\sub'])('%s refuses the start, which says so', (path) => {
    const { refusals } = notCarriedOut(aJob(paths('/fine', path)))
    expect(refusals).toEqual([{ path: 'transfer.filter.source', message: expect.stringMatching(/^a path is exact/) }])
    expect(refusals[0]!.message.endsWith(`: ${JSON.stringify(path)}`)).toBe(true)
  })

  test.each(['/secret ', '/ secret', '/a /b', '/a?', '/[x]'])('%j is warned of', (path) => {
    const { warnings, refusals } = notCarriedOut(aJob(paths(path)))
    expect([warnings.map(({ message }) => message.endsWith(`: ${JSON.stringify(path)}`)), refusals]).toEqual([
      [true],
      [],
    ])
  })

  test('a folder with everything below it and a name with a space pass without a word', () => {
    expect(notCarriedOut(aJob(paths('/secret/*', '/a b.txt')))).toEqual({ warnings: [], refusals: [] })
  })
})

describe('a brake in the wrong place refuses the start, and is told where it belongs', () => {
  test.each<[string, object, object, string]>([
    [
      'transfer.performance.simulation_mode',
      { performance: { simulation_mode: true } },
      {},
      'transfer.simulation_mode',
    ],
    ['transfer.source.filter', { source: { ...from, filter: [] } }, {}, 'transfer.filter'],
    ['transfer.destination.item_overwrite', { destination: { ...to, item_overwrite: 'skip' } }, {}, 'item_overwrite'],
    ['stop_policy.max_execution', {}, { stop_policy: { max_execution: '1s' } }, 'schedule.max_execution'],
    ['max_execution', {}, { max_execution: '1s' }, 'schedule.max_execution'],
    ['transfer.repeat_count', { repeat_count: 1 }, {}, 'schedule.repeat_count'],
    ['end_date', {}, { end_date: '2020-01-01' }, 'schedule.end_date'],
    ['on_execute', {}, { on_execute: 1 }, 'stop_policy.on_execute'],
    ['schedule.on_execute', {}, { schedule: { mode: 'manual', on_execute: 1 } }, 'stop_policy.on_execute'],
    ['schedule.stop_policy', {}, { schedule: { mode: 'manual', stop_policy: {} } }, 'stop_policy'],
    ['transfer.account_map.dry_run', { account_map: { map_by: { id: true }, dry_run: true } }, {}, 'simulation_mode'],
    ['transfer.simulation', { simulation: true }, {}, 'transfer.simulation_mode'],
    ['transfer.dry-run', { 'dry-run': true }, {}, 'transfer.simulation_mode'],
    ['dryRun', {}, { dryRun: true }, 'transfer.simulation_mode'],
    ['WHATIF', {}, { WHATIF: true }, 'transfer.simulation_mode'],
    ['transfer.read_only', { read_only: true }, {}, 'transfer.simulation_mode'],
    ['["transfer.simulation_mode"]', {}, { 'transfer.simulation_mode': true }, 'transfer.simulation_mode'],
    ['transfer.exclude', { exclude: ['*.tmp'] }, {}, 'transfer.filter'],
    ['enabled', {}, { enabled: false }, 'disabled'],
    ['options.list[1].noop', {}, { options: { list: [{}, { noop: true }] } }, 'transfer.simulation_mode'],
  ])('%s', (path, transfer, beside, place) => {
    const { refusals } = notCarriedOut(aJob({ ...transfer }, { ...beside }))
    expect(refusals).toEqual([{ path, message: expect.stringContaining(`must have been meant as`) }])
    expect(refusals[0]!.message).toContain(place)
  })

  test('a brake’s name under free keys, or saying no more than its absence, refuses nothing', () => {
    const auth = { root: '/a', read_only: true, filter: 'x' }
    const platform = { id: 'fs', disabled: false, features: { permissions: true } }
    const source = { connection: { platform, auth }, options: { simulate: true }, target: { path: '/from' } }
    const metadata = { metadata_map: { dry_run: 1 } }
    expect(
      refused({ source, ...metadata }, { enabled: true, custom_metadata: { active: false }, _note: { dry_run: true } }),
    ).toEqual([])
  })
})

test('an unknown key that is no brake does not stop a job', () => {
  const filter = { source: { description: 'no thumbnails', _who: 'me', rules: { type: 'hidden', comment: 'x' } } }
  expect(refused({ colour: 1, large_itme: 'skip', filter }, { nmae: 'x' })).toEqual([])
})

test('a filter of what a platform does not tell is a warning, as the platform’s own capabilities have it', async () => {
  const rules = [{ rules: [{ type: 'shared' }, { rules: { type: 'hidden' } }] }]
  const from = (platform: string) => warned({ filter: { source: [{ rules }] } }, {}, { source: { platform } })
  expect(from('vault')).toEqual(['transfer.filter.source', 'transfer.filter.source'])
  expect(from('fs')).toEqual([])
  for (const connector of platforms()) {
    const { hidden } = await marksOf(connector)
    expect([connector.platform, hidden]).toEqual([connector.platform, !withoutMarks.has(connector.platform)])
  }
})

test('each gap says what happens instead', () => {
  for (const { sentence } of gaps) expect(sentence.length).toBeGreaterThan(10)
})

test('the table in docs/job-document.md is the one in the code', () => {
  const page = readFileSync(new URL('../../docs/job-document.md', import.meta.url), 'utf8')
  expect(page).toContain(notCarriedOutTable())
})

test('nothing is said of what the API itself adds to a job that is read back', () => {
  const scheduler = { id: -1, name: 'default', caption: 'Default Scheduler', disabled: false }
  expect(notCarriedOut(aJob({}, { scheduler, priority: 0 }))).toEqual({ warnings: [], refusals: [] })
})

test('nothing is refused for what was left out of a copy', () => {
  const read = readJob(
    aDocument({ filter: null, permissions: null, performance: null }, { schedule: null, retention: null }),
  )
  if (!read.ok) throw new Error('does not read')
  expect(notCarriedOut(read.job)).toEqual({ warnings: [], refusals: [] })
})

/** Of a session; of one that needs a server, as it would have them. */
async function marksOf(connector: Connector): Promise<Capabilities['marks']> {
  if (connector.io === 'async') return bestOf[connector.platform]!.marks
  const session = await connector.open({ root: mkdtempSync(join(tmpdir(), 'stevedore-marks-')) })
  await session.close()
  return session.capabilities.marks
}
