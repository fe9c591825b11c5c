import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Item } from '../../src/connector/item.ts'
import { compileFilters } from '../../src/filter/compile.ts'
import { filterGroups } from '../../src/filter/filter_group.ts'
import { unanswerable } from '../../src/filter/unanswerable.ts'
import type { DateTarget, FilterRule, FilterSetting } from '../../src/job/settings.ts'
import { aFile, aFolder } from '../policy/build.ts'

const second = 1_000_000_000n
const now = BigInt(Date.UTC(2024, 2, 31, 12)) * 1_000_000n

function judged(filters: FilterSetting[], item: Item, path = `/${item.name}`) {
  return compileFilters({ source: filters, destination: [] }, 'source', { nowNs: now }).judge(item, path)
}
function excluded(rule: FilterRule, item: Item, path?: string): boolean {
  return judged([{ action: 'exclude', rules: [rule] }], item, path) !== undefined
}
function included(rule: FilterRule, item: Item, path?: string): boolean {
  return judged([{ action: 'include', rules: [rule] }], item, path) === undefined
}
const file = (name: string, more: Partial<Item> = {}) => aFile({ name, ...more })
const folder = (name: string, more: Partial<Item> = {}) => aFolder({ name, ...more })
const pattern = (text: string, targets: readonly ('container' | 'item')[] = ['container', 'item']): FilterRule => ({
  type: 'filter_pattern',
  text,
  targets,
})

describe('filter rules', () => {
  test('a rule on shared or hidden leaves out exactly what the platform marks so', () => {
    expect(excluded({ type: 'filter_shared' }, file('a', { shared: true }))).toBe(true)
    expect(excluded({ type: 'filter_shared' }, file('a'))).toBe(false)
    expect(excluded({ type: 'filter_hidden' }, folder('a', { hidden: true }))).toBe(true)
    expect(excluded({ type: 'filter_hidden' }, folder('a'))).toBe(false)
  })

  test.each([
    ['*.TMP', 'x.tmp', true],
    ['draft*', 'Draft 1.doc', true],
    ['*secret*', 'my Secrets.txt', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'acb', false],
    ['~$*.docx', '~$x.docx', true],
    ['*.tmp; *.bak', 'x.bak', true],
    ['report', 'report.txt', false],
    ['*ab*ab', 'ab', false],
    ['?.txt', 'a.txt', false],
    ['.*', 'visible.txt', false],
    ['É*', 'e\u0301a', true],
    [';', 'a', false],
  ])('pattern %j on %j: %j', (text, name, matches) => {
    expect(excluded(pattern(text), file(name))).toBe(matches)
  })

  test('a pattern full of stars takes no time on a hostile name', () => {
    const started = performance.now()
    expect(excluded(pattern(`${'*a'.repeat(40)}*b`), file('a'.repeat(20_000)))).toBe(false)
    expect(performance.now() - started).toBeLessThan(200)
  })

  test('a pattern looks only at its targets', () => {
    expect(excluded(pattern('x*', ['item']), folder('x1'))).toBe(false)
    expect(excluded(pattern('x*', ['container']), file('x1'))).toBe(false)
    expect(excluded(pattern('x*', []), file('x1'))).toBe(false)
  })

  test('extensions, with or without dot, in any case, also compound ones', () => {
    const rule: FilterRule = { type: 'filter_extension', extensions: ['.TXT', 'tar.gz', '*.bak'] }
    expect(['a.txt', 'b.Tar.GZ', 'c.gz', 'txt', 'd.txt.x', 'e.bak'].map((name) => excluded(rule, file(name)))).toEqual([
      true,
      true,
      false,
      false,
      false,
      true,
    ])
    expect(excluded(rule, folder('a.txt'))).toBe(false)
  })

  test('every group knows its files, and nobody guesses at an unknown one', () => {
    const examples = {
      Audio: 'a.MP3',
      Windows: 'a.lnk',
      Executables: 'a.exe',
      Movies: 'a.mkv',
      Images: 'a.jpeg',
      Documents: 'a.pdf',
    }
    for (const [group, name] of Object.entries(examples))
      expect(excluded({ type: 'filter_group', groups: [group] }, file(name))).toBe(true)
    expect(excluded({ type: 'filter_group', groups: ['temporary'] }, file('~$Report.docx'))).toBe(true)
    expect(excluded({ type: 'filter_group', groups: ['Temporary'] }, file('a.docx'))).toBe(false)
    expect(Object.keys(filterGroups)).toHaveLength(7)
    expect(() => excluded({ type: 'filter_group', groups: ['Music'] }, file('a'))).toThrow('Audio, Windows')
  })

  test('sizes: what is wanted is the same, whichever way it is said', () => {
    const range: FilterRule = { type: 'filter_size', minBytes: 10n, maxBytes: 20n }
    const carried = [9n, 10n, 20n, 21n].map((sizeBytes) => [
      !excluded(range, file('a', { sizeBytes })),
      included(range, file('a', { sizeBytes })),
    ])
    expect(carried).toEqual([
      [false, false],
      [true, true],
      [true, true],
      [false, false],
    ])
    expect(excluded({ type: 'filter_size', minBytes: 10n }, folder('a'))).toBe(false)
  })

  test('dates: sliding by the calendar, or between two moments', () => {
    const at = (iso: string) => BigInt(Date.parse(iso)) * 1_000_000n
    const within = (type: 'day' | 'week' | 'month' | 'year', value: number, iso: string) =>
      excluded(
        { type: 'filter_date', targets: ['modified_on'], range: { type, value } },
        file('a', { modifiedNs: at(iso) }),
      )
    expect(within('day', 1, '2024-03-30T12:00:00Z')).toBe(true)
    expect(within('day', 1, '2024-03-30T11:59:59Z')).toBe(false)
    expect(within('week', 1, '2024-03-24T12:00:00Z')).toBe(true)
    expect(within('month', 1, '2024-02-29T12:00:00Z')).toBe(true)
    expect(within('month', 1, '2024-02-29T11:59:59Z')).toBe(false)
    expect(within('year', 1, '2023-03-31T12:00:00Z')).toBe(true)
    expect(within('day', 1, '2030-01-01T00:00:00Z')).toBe(true)
    const range: FilterRule = {
      type: 'filter_date',
      targets: ['created_on', 'modified_on'],
      range: { type: 'range', fromSeconds: 10, toSeconds: 20 },
    }
    expect(excluded(range, file('a', { createdNs: 15n * second, modifiedNs: 99n * second }))).toBe(true)
    expect(excluded(range, file('a', { modifiedNs: 20n * second + 999_999_999n }))).toBe(true)
    expect(excluded(range, file('a', { modifiedNs: 21n * second }))).toBe(false)
    expect(excluded(range, folder('a', { modifiedNs: 15n * second }))).toBe(false)
  })

  test('paths: exact, case-sensitive, with everything below', () => {
    const rule: FilterRule = { type: 'filter_path', paths: ['/a/b/', 'c.txt'] }
    expect(
      ['/a/b', '/a/b/x/y.txt', '/a/bc', '/A/b', '/a', '/c.txt', '/a/c.txt'].map((path) =>
        excluded(rule, file('x'), path),
      ),
    ).toEqual([true, true, false, false, false, true, false])
  })

  test('a path is the same in either Unicode form', () => {
    const rule: FilterRule = { type: 'filter_path', paths: ['/Lo\u0308hne/x', '/\u00e9'] }
    expect(excluded(rule, file('x'), '/L\u00f6hne/x/y')).toBe(true)
    expect(excluded(rule, file('x'), '/e\u0301')).toBe(true)
    expect(included(rule, folder('x'), '/L\u00f6hne')).toBe(true)
    expect(included(rule, file('y'), '/Lo\u0308hne/x/y')).toBe(true)
  })

  test('metadata rules are refused, not forgotten', () => {
    expect(() => excluded({ type: 'filter_metadata', text: '[a]=1' }, file('a'))).toThrow('filter_metadata')
  })
})

describe('filters together', () => {
  const txt: FilterRule = { type: 'filter_extension', extensions: ['txt'] }

  test('say which rule left an item out', () => {
    expect(judged([{ action: 'exclude', rules: [txt] }], file('a.txt'))).toEqual({
      rule: 'filter_extension',
      why: 'excluded: extension is one of .txt',
    })
    expect(judged([{ action: 'include', rules: [txt] }], file('a.doc'))?.why).toBe(
      'not included: extension is one of .txt',
    )
  })

  test('rules of one filter are alternatives, several include filters narrow each other', () => {
    const hidden: FilterRule = { type: 'filter_hidden' }
    const either: FilterSetting[] = [{ action: 'include', rules: [txt, hidden] }]
    const both: FilterSetting[] = [
      { action: 'include', rules: [txt] },
      { action: 'include', rules: [hidden] },
    ]
    expect(judged(either, file('a.doc', { hidden: true }))).toBeUndefined()
    expect(judged(both, file('a.doc', { hidden: true }))).toBeDefined()
    expect(judged(both, file('a.txt', { hidden: true }))).toBeUndefined()
  })

  test('an include of files does not close the folders they lie in', () => {
    for (const rule of [txt, pattern('*.txt'), pattern('*.txt', ['item']), { type: 'filter_hidden' } as const]) {
      expect(included(rule, folder('docs'))).toBe(true)
    }
  })

  test('a folder included by name or path brings its content', () => {
    expect(included(pattern('Reports'), file('x.bin'), '/2024/Reports/deep/x.bin')).toBe(true)
    expect(included(pattern('Reports'), file('x.bin'), '/2024/Other/x.bin')).toBe(false)
    expect(included(pattern('Reports', ['item']), file('x.bin'), '/Reports/x.bin')).toBe(false)
    const path: FilterRule = { type: 'filter_path', paths: ['/a/b'] }
    expect(included(path, folder('a'), '/a')).toBe(true)
    expect(included(path, file('a'), '/a')).toBe(false)
    expect(included(path, folder('z'), '/z')).toBe(false)
    expect(included(path, file('f'), '/a/b/c/f')).toBe(true)
  })

  test('an excluded folder is left out itself, so nothing in it is looked at', () => {
    expect(excluded(pattern('node_modules', ['container']), folder('node_modules'))).toBe(true)
  })

  test('a group is one rule of alternatives; of the opposite action it means all others', () => {
    const group = (action: 'include' | 'exclude'): FilterRule => ({
      type: 'filter_rule',
      action,
      rules: [txt, pattern('draft*', ['item'])],
    })
    expect(excluded(group('exclude'), file('a.txt'))).toBe(true)
    expect(excluded(group('exclude'), file('draft.doc'))).toBe(true)
    expect(excluded(group('exclude'), file('a.doc'))).toBe(false)
    expect(excluded(group('include'), file('a.txt'))).toBe(false)
    expect(excluded(group('include'), file('a.doc'))).toBe(true)
    expect(excluded(group('include'), folder('any'))).toBe(false)
    expect(included(group('exclude'), file('a.doc'))).toBe(true)
    expect(included(group('exclude'), file('a.txt'))).toBe(false)
    expect(included(group('exclude'), folder('any'))).toBe(true)
  })

  test('an empty include carries nothing, an empty exclude everything', () => {
    expect(judged([{ action: 'include', rules: [] }], file('a'))).toBeDefined()
    expect(judged([{ action: 'exclude', rules: [] }], file('a'))).toBeUndefined()
  })

  test('of the destination have no say in a copy, but in a sync', () => {
    const filters = { source: [], destination: [{ action: 'exclude' as const, rules: [txt] }] }
    expect(compileFilters(filters, 'destination', { nowNs: now }).passesAll).toBe(true)
    expect(
      compileFilters(filters, 'destination', { nowNs: now, transferType: 'sync' }).judge(file('a.txt'), '/a.txt'),
    ).toBeDefined()
  })
})

describe('a rule about a time that the source does not state', () => {
  const date = (...targets: DateTarget[]): FilterRule => ({
    type: 'filter_date',
    targets,
    range: { type: 'day', value: 1 },
  })
  const asked = (rule: FilterRule): string[] =>
    unanswerable([{ action: 'exclude', rules: [rule] }], {
      times: { modified: 'readwrite', created: 'read', accessed: 'none', precisionNs: 1n, containers: true },
    })

  test('can not be answered, however deep it is nested', () => {
    const why = ['filter_date cannot be answered: the source does not state accessed_on']
    expect(asked(date('accessed_on'))).toEqual(why)
    expect(asked(date('modified_on', 'accessed_on'))).toEqual(why)
    expect(asked({ type: 'filter_rule', action: 'include', rules: [date('accessed_on')] })).toEqual(why)
  })

  test('is answered by the others when it speaks of all', () => {
    expect(asked(date('modified_on', 'created_on'))).toEqual([])
    expect(asked(date('modified_on', 'created_on', 'accessed_on'))).toEqual([])
  })
})

describe('whatever the filters are', () => {
  const leaf: fc.Arbitrary<FilterRule> = fc.oneof(
    fc.constant<FilterRule>({ type: 'filter_hidden' }),
    fc.constant<FilterRule>({ type: 'filter_shared' }),
    fc.constantFrom('*a*', 'b*', '*.txt', '*').map((text) => pattern(text)),
    fc
      .constantFrom('txt', 'doc')
      .map((extension): FilterRule => ({ type: 'filter_extension', extensions: [extension] })),
    fc.bigInt({ min: 0n, max: 3n }).map((minBytes): FilterRule => ({ type: 'filter_size', minBytes })),
    fc.constantFrom('/a', '/a/b', '/b.txt').map((path): FilterRule => ({ type: 'filter_path', paths: [path] })),
  )
  const action = fc.constantFrom<'include' | 'exclude'>('include', 'exclude')
  const rule = fc.oneof(
    { weight: 4, arbitrary: leaf },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('filter_rule' as const),
        action,
        rules: fc.array(leaf, { maxLength: 2 }),
      }),
    },
  )
  const filters = fc.array(fc.record({ action, rules: fc.array(rule, { maxLength: 3 }) }), { maxLength: 4 })
  const item = fc
    .record({
      parents: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 }),
      name: fc.constantFrom('a', 'b', 'b.txt', 'a.doc', 'c'),
      kind: fc.constantFrom('item' as const, 'container' as const, 'link' as const),
      sizeBytes: fc.bigInt({ min: 0n, max: 3n }),
      hidden: fc.boolean(),
      shared: fc.boolean(),
    })
    .map(({ parents, ...rest }) => ({ item: aFile(rest), path: `/${[...parents, rest.name].join('/')}` }))

  test('an exclude always beats an include', () => {
    fc.assert(
      fc.property(filters, item, (all, { item: one, path }) => {
        const excludes = all.filter((filter) => filter.action === 'exclude')
        if (judged(excludes, one, path)) expect(judged(all, one, path)).toBeDefined()
      }),
      { numRuns: 500 },
    )
  })

  test('their order makes no difference, and each filter leaves out what it leaves out alone', () => {
    fc.assert(
      fc.property(filters, item, (all, { item: one, path }) => {
        const out = judged(all, one, path) !== undefined
        expect(judged(all.toReversed(), one, path) !== undefined).toBe(out)
        expect(all.some((filter) => judged([filter], one, path) !== undefined)).toBe(out)
      }),
      { numRuns: 500 },
    )
  })

  test('includes never hide a file by leaving out a folder on the way to it', () => {
    fc.assert(
      fc.property(filters, item, (all, { item: one, path }) => {
        const includes = all.filter((filter) => filter.action === 'include')
        if (judged(includes, one, path) || path.lastIndexOf('/') === 0) return
        const parent = path.slice(0, path.lastIndexOf('/'))
        const container = aFolder({ name: parent.slice(parent.lastIndexOf('/') + 1) })
        expect(judged(includes, container, parent)).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })
})
