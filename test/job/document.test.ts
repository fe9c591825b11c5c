import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { readJob, readMap } from '../../src/job/document.ts'
import { aDocument, aJob, problemsOf, warningsOf } from './a_job.ts'

const sample = readFileSync(new URL('../../scripts/demo/all-features.json', import.meta.url), 'utf8')

describe('the job with all features', () => {
  test('reads without a problem or a warning once its placeholders are filled', () => {
    const filled = JSON.parse(sample.replace(/\{\{(\w+)\}\}/g, '$1')) as unknown
    expect(readJob(filled)).toEqual({ ok: true, job: filled, warnings: [] })
  })

  test('says of each placeholder that it has to be filled', () => {
    expect(problemsOf(JSON.parse(sample))).toEqual([
      expect.stringMatching(/^transfer\.account_map\.id: "{{account_map_id}}" .*placeholder/),
      expect.stringMatching(/^transfer\.group_map\.id: /),
      expect.stringMatching(/^transfer\.source\.connection\.id: /),
      expect.stringMatching(/^transfer\.destination\.connection\.id: /),
    ])
  })
})

describe('a wrong value', () => {
  test('is reported with its path, what was given and what is allowed, all of them at once', () => {
    const found = problemsOf(
      aDocument(
        {
          large_item: 'maybe',
          timestamps: 'yes',
          max_items_per_container: 0,
          performance: { parallel_writes: { requested: 1.5 } },
          filter: {
            source: [
              { rules: [{ type: 'filter_hidden' }] },
              { action: 'drop', rules: [{ type: 'filter_hidden' }, { type: 'filter_owner' }, 7] },
            ],
          },
          source: { connection: { id: 'a' }, target: { path: '/a/../b' } },
        },
        { schedule: { mode: 'hourly' }, stop_policy: { on_execute: 'five' }, priority: null, kind: ['transfer'] },
      ),
    )
    expect(found.sort()).toEqual([
      'kind: a list is not one of transfer, folder_mapping, personal_drive, policy',
      'schedule.mode: "hourly" is not one of manual, auto, ad-hoc',
      'stop_policy.on_execute: "five" is not a whole number from 1',
      'transfer.filter.source[1].action: "drop" is not one of exclude, include',
      'transfer.filter.source[1].rules[1].type: "filter_owner" is not one of filter_shared, filter_hidden, filter_pattern, filter_extension, filter_group, filter_size, filter_date, filter_path, filter_metadata, filter_rule',
      'transfer.filter.source[1].rules[2]: 7 is not a rule, which is an object with type',
      'transfer.large_item: "maybe" is not one of fail, skip',
      'transfer.max_items_per_container: 0 is not a whole number from 1',
      'transfer.performance.parallel_writes.requested: 1.5 is not a whole number from 1 to 1000',
      'transfer.source.target.path: "/a/../b" is not a path such as /a/b, without .. in it',
      'transfer.timestamps: "yes" is not one of true, false',
    ])
  })

  test.each([
    ['of no type there is', { type: 'filter_owner' }, '.type: "filter_owner"'],
    ['that is a rule itself', { type: 'filter_pattern', text: '*.tmp' }, '.type: "filter_pattern"'],
    ['whose type is no word', { type: 7 }, '.type: 7'],
  ])('as a filter %s names the one type that a filter has', (_, filter, given) => {
    const found = problemsOf(aDocument({ filter: { source: [{ rules: [{ type: 'hidden' }], ...filter }] } }))
    expect(found).toEqual([
      `transfer.filter.source[0]${given} is not filter_rule; rules of other types go into its rules`,
    ])
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'the unit of a length of time',
      aDocument({}, { schedule: { mode: 'auto', repeat_interval: { value: '30', unit: 'min' } } }),
      ['schedule.repeat_interval.unit: "min" is not one of ns, us, ms, s, m, h, d'],
    ],
    [
      'the number of one, and what is missing',
      aDocument({}, { schedule: { mode: 'auto', repeat_interval: { value: 'half' } } }),
      [
        'schedule.repeat_interval.value: "half" is not a number above 0',
        'schedule.repeat_interval.unit: is missing; it takes one of ns, us, ms, s, m, h, d',
      ],
    ],
    [
      'a length of time that is too short',
      aDocument({}, { schedule: { mode: 'auto', max_execution: { value: 5, unit: 'ms' } } }),
      ['schedule.max_execution: 5 ms is not between 1 s and 10 years'],
    ],
    [
      'a word in place of a connection',
      aDocument({ source: { connection: 'old-share' } }),
      ['transfer.source.connection: "old-share" is not an object with id, platform, auth, name, disabled, type, …'],
    ],
    [
      'several values where one is taken',
      aDocument({ delete_propagation: ['mirror', 'ignore_both'] }),
      [
        'transfer.delete_propagation: mirror, ignore_both: it takes one of mirror, ignore_source, ignore_destination, ignore_both',
      ],
    ],
    [
      'none where one is taken',
      aDocument({ delete_propagation: [] }),
      [
        'transfer.delete_propagation: an empty list: it takes one of mirror, ignore_source, ignore_destination, ignore_both',
      ],
    ],
  ])('names %s', (_what, document, problems) => {
    expect(problemsOf(document)).toEqual(problems)
  })

  test('comes with what was given and the list of what is allowed, for programs', () => {
    const result = readJob(aDocument({ large_item: 'maybe' }))
    expect(result).toMatchObject({
      ok: false,
      problems: [{ path: 'transfer.large_item', given: 'maybe', allowed: ['fail', 'skip'] }],
    })
  })

  test.each([
    ['missing sides', { transfer: { transfer_type: 'copy' } }, ['transfer.source', 'transfer.destination']],
    ['no transfer', {}, ['transfer']],
    ['no connection', aDocument({ source: { connection: {} } }), ['transfer.source.connection']],
    [
      'both an id and a connection',
      aDocument({ source: { connection: { id: 'a', auth: {} } } }),
      ['transfer.source.connection'],
    ],
    [
      'nobody to impersonate',
      aDocument({ source: { connection: { id: 'a' }, impersonate_as: {} } }),
      ['transfer.source.impersonate_as'],
    ],
    ['a filter without rules', aDocument({ filter: { source: [{ rules: [] }] } }), ['transfer.filter.source[0].rules']],
    [
      'two delete policies',
      aDocument({ delete_propagation: ['mirror', 'ignore_both'] }),
      ['transfer.delete_propagation'],
    ],
    ['a map of both kinds', aDocument({ account_map: { id: 'a', map_by: { id: true } } }), ['transfer.account_map']],
    ['a map by nothing', aDocument({ account_map: { map_by: { id: false } } }), ['transfer.account_map.map_by']],
    [
      'the other type of map',
      aDocument({ account_map: { id: 'a', type: 'group_map' } }),
      ['transfer.account_map.type'],
    ],
    [
      'a group among accounts, which nobody would be',
      aDocument({
        account_map: { map_by: { id: true }, source: { exclusions: { sid: { name: 'x', type: 'group' } } } },
      }),
      ['transfer.account_map.source.exclusions.sid.type'],
    ],
    [
      'one person sent to two',
      aDocument({
        account_map: {
          exceptions: [
            { source: { email: 'a@x' }, destination: { email: 'b@y' } },
            { source: { email: 'c@x' }, destination: { email: 'b@y' } },
            { source: { email: 'A@x', type: 'account' }, destination: { email: 'c@y' } },
            { source: { email: 'c@x' }, destination: { email: 'B@y' } },
          ],
        },
      }),
      ['transfer.account_map.exceptions[2].destination'],
    ],
    ['a paused manual job', aDocument({}, { status: 'paused' }), ['status']],
    ['never and a limit', aDocument({}, { stop_policy: { policy: 'never', on_execute: 1 } }), ['stop_policy.policy']],
    [
      'a zone nobody knows',
      aDocument({}, { schedule: { mode: 'auto', time_zone: 'Mars/Base' } }),
      ['schedule.time_zone'],
    ],
    [
      'a window beside run_at',
      aDocument({}, { schedule: { mode: 'auto', run_at: '02:00', end_window: '03:00' } }),
      ['schedule.end_window'],
    ],
    [
      'an end before the start',
      aDocument({}, { schedule: { mode: 'auto', start_date: 2, end_date: 1 } }),
      ['schedule.end_date'],
    ],
    [
      'milliseconds for a date',
      aDocument({}, { schedule: { mode: 'auto', start_date: 1_566_360_000_000 } }),
      ['schedule.start_date'],
    ],
    ['30 February', aDocument({}, { schedule: { mode: 'auto', start_date: '2026-02-30' } }), ['schedule.start_date']],
    [
      'no time between runs',
      aDocument({}, { schedule: { mode: 'auto', repeat_interval: '5 ms' } }),
      ['schedule.repeat_interval'],
    ],
    ['a name on two lines', aDocument({}, { name: 'a\nb' }), ['name']],
    ['half a character', aDocument({}, { name: '\ud800' }), ['name']],
    [
      'a NUL in a path',
      aDocument({ source: { connection: { id: 'a' }, target: { path: '/\0' } } }),
      ['transfer.source.target.path'],
    ],
  ])('%s: refused, saying where', (_what, document, paths) => {
    const result = readJob(document)
    expect(result.ok ? [] : result.problems.map(({ path }) => path)).toEqual(paths)
  })

  test('of a rule is reported inside that rule', () => {
    const rules = [
      { type: 'filter_size' },
      { type: 'filter_size', min: 10, max: 5 },
      { type: 'filter_date', range: { type: 'range' } },
      { type: 'filter_date', range: { type: 'week' } },
      { type: 'filter_pattern', text: '' },
      { type: 'filter_pattern', text: ' ; ;' },
      { type: 'filter_extension', extensions: [] },
      { type: 'filter_group', groups: ['Poems'] },
      { type: 'filter_path', path: 'relative' },
      { type: 'filter_metadata' },
      { type: 'filter_extension', extensions: ['gz,txt'] },
      { type: 'filter_extension', extensions: ['txt', '*', ' md'] },
      { type: 'filter_path', path: '/**' },
    ]
    const result = readJob(aDocument({ filter: { source: [{ rules }] } }))
    expect(result.ok ? [] : result.problems.map(({ path }) => path.replace('transfer.filter.source[0].', ''))).toEqual([
      'rules[0]',
      'rules[1].min',
      'rules[2].range',
      'rules[3].range.value',
      'rules[4].text',
      'rules[5].text',
      'rules[6].extensions',
      'rules[7].groups[0]',
      'rules[8].path',
      'rules[9]',
      'rules[10].extensions[0]',
      'rules[11].extensions[1]',
      'rules[11].extensions[2]',
      'rules[12].path',
    ])
  })

  test('never shows a credential', () => {
    const secret = 'tops3cret'
    const inline = (auth: unknown) => ({ connection: { platform: { id: 'fs' }, auth } })
    const documents = [
      aDocument({ source: inline(secret) }),
      aDocument({ source: inline([secret]) }),
      aDocument({
        account_map: { map_by: { ldap: true }, ldap: { servers: [{ name: 'x', password: { of: secret } }] } },
      }),
      aDocument({ source: { connection: `sftp://me:${secret}@host` } }),
      aDocument({ source: { connection: `${secret}${secret}` } }),
      aDocument({ source: { connection: `Password=${secret}` } }),
    ]
    for (const document of documents) {
      const result = readJob(document)
      expect(result.ok).toBe(false)
      expect(JSON.stringify(result)).not.toContain(secret)
    }
  })
})

describe('an unknown key', () => {
  const document = {
    ...aDocument({
      large_itme: 'skip',
      stop_policy: {},
      colour: 'blue',
      permissions: { polcy: 'add' },
      filter: { source: { rules: { type: 'pattern', text: '*', targts: 'item' } } },
    }),
    largeItem: 'skip',
  }

  test('is a warning at every depth, with the nearest known key', () => {
    expect(warningsOf(document).sort()).toEqual([
      'largeItem: "largeItem" is not a known key here and has no effect; did you mean transfer.large_item?',
      'transfer.colour: "colour" is not a known key here and has no effect',
      'transfer.filter.source.rules.targts: "targts" is not a known key here and has no effect; did you mean targets?',
      'transfer.large_itme: "large_itme" is not a known key here and has no effect; did you mean large_item?',
      'transfer.permissions.polcy: "polcy" is not a known key here and has no effect; did you mean policy?',
      'transfer.stop_policy: "stop_policy" is not a known key here and has no effect; it belongs at stop_policy, beside transfer',
    ])
  })

  test('is kept in the document', () => {
    const result = readJob(document)
    expect(result).toMatchObject({
      job: {
        largeItem: 'skip',
        transfer: {
          large_itme: 'skip',
          colour: 'blue',
          permissions: { polcy: 'add' },
          filter: { source: [{ rules: [{ type: 'filter_pattern', targts: 'item' }] }] },
        },
      },
    })
  })

  test('is pointed at where the key that was meant is missing', () => {
    expect(
      problemsOf({ transfer: { transfer_type: 'copy', source: { conection: { id: 'a' } }, destnation: {} } }),
    ).toEqual([
      expect.stringMatching(
        /^transfer\.source\.connection: is missing; .*was it meant by transfer\.source\.conection\?$/,
      ),
      expect.stringMatching(/^transfer\.destination: is missing; .*was it meant by transfer\.destnation\?$/),
    ])
  })

  test('is an error when read strictly, beside the wrong values', () => {
    const found = problemsOf({ ...document, priority: 'high' }, { strict: true })
    expect(found).toHaveLength(7)
    expect(found).toContainEqual(expect.stringMatching(/^priority: /))
  })

  test('does not hide what else is wrong in its neighbourhood', () => {
    const rule = { type: 'filter_size', min: 2, max: 1, mni: 1 }
    expect(problemsOf(aDocument({ filter: { source: [{ rules: [rule] }] } }))).toEqual([
      expect.stringMatching(/^transfer\.filter\.source\[0\]\.rules\[0\]\.min: 2 is more than max/),
    ])
  })
})

describe('lenient forms', () => {
  test('booleans and numbers may be text', () => {
    const { transfer } = aJob({ timestamps: 'true', segment_transform: 'false', max_items_per_container: '500' })
    expect(transfer).toMatchObject({ timestamps: true, segment_transform: false, max_items_per_container: 500 })
  })

  test('delete_propagation is a word or a list of one, as it is read back', () => {
    expect(aJob({ delete_propagation: ['ignore_source'] }).transfer.delete_propagation).toBe('ignore_source')
    expect(aJob({ delete_propagation: 'ignore_source' }).transfer.delete_propagation).toBe('ignore_source')
  })

  test('permissions may be its policy alone, with the import beside it', () => {
    const file = { source: { text: { target: { path: '/p.csv' } }, delimiter: ';' } }
    expect(aJob({ permissions: 'add', permissions_import: file }).transfer.permissions).toEqual({
      policy: 'add',
      import: file,
    })
  })

  test('moments are seconds, their digits, or ISO 8601', () => {
    const read = (start_date: unknown) => aJob({}, { schedule: { mode: 'auto', start_date } }).schedule?.start_date
    expect(read(1_566_360_000)).toBe(1_566_360_000)
    expect(read('1566360000')).toBe(1_566_360_000)
    expect(read('2019-08-21T04:00:00Z')).toBe(1_566_360_000)
    expect(read('2019-08-21T06:00:00+02:00')).toBe(1_566_360_000)
    expect(read('2019-08-21 04:00')).toBe(1_566_360_000)
    expect(read('2019-08-21')).toBe(1_566_345_600)
  })

  test('a schedule takes one day, "end", short times and short durations', () => {
    const schedule = { mode: 'auto', days: 'Monday', end: 5, start_window: '8:30', repeat_interval: '30m' }
    expect(aJob({}, { schedule }).schedule).toEqual({
      mode: 'auto',
      days: ['monday'],
      end_date: 5,
      start_window: { hr: 8, min: 30 },
      repeat_interval: { value: 30, unit: 'm' },
    })
  })

  test('rules go by either of their names, alone or in a list', () => {
    const rules = ['shared', 'filter_shared', 'hidden', 'filter_hidden'].map((type) => ({ type }))
    const size = { type: 'size', min: '99999999999999999999' }
    const nested = { rules: { type: 'extension', extensions: '.txt' } }
    const { filter } = aJob({ filter: { source: { rules: [...rules, size, nested] } } }).transfer
    expect(filter?.source?.[0]?.rules).toEqual([
      { type: 'filter_shared' },
      { type: 'filter_shared' },
      { type: 'filter_hidden' },
      { type: 'filter_hidden' },
      { type: 'filter_size', min: '99999999999999999999' },
      { type: 'filter_rule', rules: [{ type: 'filter_extension', extensions: ['.txt'] }] },
    ])
  })

  test('"default" is a name of sync', () => {
    expect(aJob({ transfer_type: 'default' }).transfer.transfer_type).toBe('sync')
  })

  test('without a transfer type it is sync, with a warning', () => {
    expect(warningsOf(aDocument({ transfer_type: undefined }))).toEqual([
      'transfer.transfer_type: is missing and so means sync, which also writes to the source; say it, or copy',
    ])
  })

  test('null under a known key means that it was left out', () => {
    const job = aJob({ filter: null, performance: { retries: null } }, { schedule: { mode: 'auto', days: null } })
    expect(job.transfer).not.toHaveProperty('filter')
    expect(job.schedule).toEqual({ mode: 'auto' })
    expect(problemsOf(aDocument({ source: null }))).toEqual([expect.stringMatching(/^transfer\.source: is missing/)])
  })

  test('connections and maps come by reference or inline', () => {
    const inline = { platform: 'fs', auth: { root: '/data', deep: { nothing: null } } }
    const account_map = {
      map_by: { externalpassthrough: 'true', displayname: true },
      exceptions: { source: { id: 1000 }, destination: { email: 'a@b' } },
      source: { exclusions: [{ sid: { name: 'root' } }] },
    }
    const { transfer } = aJob({ source: { connection: inline, target: '/x' }, account_map, group_map: { id: 'g' } })
    expect(transfer.source).toEqual({
      connection: { platform: { id: 'fs' }, auth: { root: '/data', deep: { nothing: null } } },
      target: { path: '/x' },
    })
    expect(transfer.account_map).toEqual({
      type: 'account_map',
      map_by: { external_passthrough: true, caption: true },
      exceptions: [{ source: { id: '1000' }, destination: { email: 'a@b' } }],
      source: { exclusions: [{ sid: { name: 'root' } }] },
    })
    expect(transfer.group_map).toEqual({ id: 'g', type: 'group_map' })
  })

  test('what is read back from the API can be posted again', () => {
    const readBack = {
      ...aDocument({
        delete_propagation: ['ignore_both'],
        source: {
          connection: { id: 'a' },
          target: { path: '/a', item: { name: 'a', parent: { name: '', root: true } } },
          event_position: 'x',
        },
      }),
      $schema: './job.schema.json',
      id: 'c4d8',
      type: 'job',
      status: 'idle',
      health: 'healthy',
      disabled: false,
      execute_on: null,
      execution: null,
      previous_execution: { id: 1 },
      scheduler: { id: -1 },
      category: { id: -1, name: 'Default' },
      stop_policy: { executions: 3, completions: 0, failures: 1 },
      created_on: 1,
      links: { self: { href: '/v1/jobs/c4d8' } },
    }
    expect(warningsOf(readBack)).toEqual([])
  })
})

describe('hostile input', () => {
  test.each([[null], [undefined], ['job'], [12], [[]], [[{}]], [true]])('%p is not a job, and says so', (input) => {
    expect(problemsOf(input)).toEqual([expect.stringMatching(/is not an object|is missing/)])
  })

  test('nesting without end, also in a circle, is one problem', () => {
    let deep: unknown = {}
    for (let i = 0; i < 100_000; i++) deep = { rules: [deep] }
    expect(problemsOf(aDocument({ filter: { source: deep } }))).toEqual([
      expect.stringMatching(/nested deeper than 64/),
    ])
    const circle: Record<string, unknown> = aDocument()
    circle.self = circle
    expect(problemsOf(circle)).toEqual([expect.stringMatching(/nested deeper than 64/)])
  })

  test('a key that means the prototype is refused, and changes none', () => {
    const found = problemsOf(JSON.parse('{"transfer": {"__proto__": {"polluted": true}}}'))
    expect(found).toEqual(['transfer.__proto__: no key may be called "__proto__"'])
    expect({}).not.toHaveProperty('polluted')
  })

  test('a megabyte of dots is refused at once', () => {
    const dots = 'a.'.repeat(500_000)
    const started = performance.now()
    expect(problemsOf(aDocument({ large_item: dots, [dots]: 1 }))).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test('keys of Object itself are keys like any other', () => {
    expect(
      warningsOf(JSON.parse(JSON.stringify(aDocument({}, { name: 'x' })).replace('"name"', '"constructor"'))),
    ).toEqual([expect.stringMatching(/^constructor: /)])
  })

  test('a hundred thousand wrong values are a thousand problems and their number', () => {
    const days = Array.from({ length: 100_000 }, () => 'someday')
    const found = problemsOf(aDocument({}, { schedule: { mode: 'auto', days } }))
    expect(found).toHaveLength(1_001)
    expect(found.at(-1)).toBe('and 99000 more of the kind')
  })

  test('what JSON has no word for is one problem', () => {
    for (const value of [() => 1, 1n, Symbol('x'), new Map(), NaN])
      expect(problemsOf(aDocument({}, { priority: value }))).toHaveLength(1)
  })
})

describe('a map on its own', () => {
  test('reads like one in a job, with its type said', () => {
    const read = readMap('group_map', { name: 'Groups', map_by: { default: 'true' }, unmapped_policy: 'warn' })
    expect(read).toEqual({
      ok: true,
      map: { name: 'Groups', map_by: { default: true }, unmapped_policy: 'warn', type: 'group_map' },
      warnings: [],
    })
  })

  test('names every problem', () => {
    const read = readMap('account_map', {
      type: 'group_map',
      map_by: { email: 'yes' },
      exceptions: [{ source: {}, destination: { email: 1 } }],
    })
    expect(read.ok ? [] : read.problems.map(({ path }) => path).sort()).toEqual([
      'exceptions[0].destination.email',
      'exceptions[0].source',
      'map_by.email',
      'type',
    ])
  })
})
