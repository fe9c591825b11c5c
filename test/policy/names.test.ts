import { describe, expect, test } from '@jest/globals'
import type { NameRules } from '../../src/connector/capabilities.ts'
import { conflictName } from '../../src/policy/conflict_resolution.ts'
import { isConflictCopy } from '../../src/policy/conflict_name.ts'
import { nameContainer, type Sibling } from '../../src/policy/name_container.ts'
import { nameKey } from '../../src/policy/same_name.ts'
import { transformSegment } from '../../src/policy/segment.ts'
import { lengthOf } from '../../src/policy/segment_truncate.ts'
import { posixNames, someSettings, windowsNames } from './build.ts'

const settings = someSettings()
const encode = someSettings({ encodeInvalidCharacters: true })
const off = someSettings({ segmentTransform: false })
const cut = someSettings({ segmentTruncate: true })

function named(
  names: readonly string[],
  rules: NameRules = windowsNames,
  change = settings,
  before: [string, string][] = [],
) {
  const siblings: Sibling[] = names.map((name) => ({ key: name, name, kind: 'item' }))
  const plan = nameContainer(siblings, new Map(before), rules, change)
  return Object.fromEntries(names.map((name) => [name, plan.of(name, name).name]))
}

describe('segment_transform', () => {
  test.each([
    ['Congrats?.txt', 'Congrats_.txt', 'Congrats3F.txt'],
    ['a<b>c', 'a_b_c', 'a3Cb3Ec'],
    [' lead', '_lead', '20lead'],
    ['tail.', 'tail_', 'tail2E'],
    ['tail ', 'tail_', 'tail20'],
    ['con', 'con_', 'con_'],
    ['Con.tar.gz', 'Con_.tar.gz', 'Con_.tar.gz'],
    ['nul .txt', 'nul _.txt', 'nul _.txt'],
    ['line\nbreak', 'line_break', 'line0Abreak'],
    ['..', '__', '2E2E'],
    ['', '_', '_'],
    ['\ud800half', '_half', 'EFBFBDhalf'],
  ])('makes %j into %j or, encoded, %j', (name, underscored, encoded) => {
    expect(transformSegment(name, windowsNames, settings)).toEqual({ name: underscored, processing: ['renamed'] })
    expect(transformSegment(name, windowsNames, encode)).toEqual({ name: encoded, processing: ['renamed'] })
  })

  test('encodes as upper-case hex of the UTF-8 bytes', () => {
    const rules = { ...windowsNames, invalid: '白雜' }
    expect(transformSegment('123白雜.txt', rules, encode).name).toBe('123E799BDE99B9C.txt')
  })

  test.each([
    ['a?b', 'Segment "a?b" contains ?'],
    ['tail.', 'Segment "tail." ends with a period'],
    [' lead', 'Segment " lead" starts with a space'],
    ['..', 'Segment ".." contains double period'],
    ['con', 'Segment "con" is in the list of excluded constants'],
    ['bell\x07', 'Segment "bell\\u0007" contains U+0007'],
  ])('switched off, flags %j and says why', (name, why) => {
    expect(transformSegment(name, windowsNames, off)).toEqual({
      name,
      verdict: { action: 'fail', reason: 'name_refused', why },
    })
  })

  test('leaves alone what the destination takes', () => {
    for (const name of ['a_b', 'é', '…', '白雜.txt', '.profile', 'a.b.c', 'CONSOLE', 'con-1.txt']) {
      expect(transformSegment(name, windowsNames, settings)).toEqual({ name })
    }
  })

  test('replaces a U+FFFD that stands for no byte, where others do', () => {
    const rules = { ...posixNames, escapes: true }
    expect(transformSegment('a\ufffdb\ufffdE9', rules, settings)).toEqual({
      name: 'a_b\ufffdE9',
      processing: ['renamed'],
    })
    expect(transformSegment('a\ufffdb', posixNames, settings)).toEqual({ name: 'a\ufffdb' })
  })

  test('finds another stand-in where the underscore is refused too', () => {
    const rules = { ...windowsNames, invalid: '?_', trailing: '-' }
    expect(transformSegment('a?b', rules, settings).name).toBe('axb')
  })
})

describe('segment_truncate', () => {
  const bytes = { ...posixNames, maxSegment: { n: 10, unit: 'bytes' as const } }

  test('keeps the extension and never cuts through a character', () => {
    expect(transformSegment('abcdefghij.txt', bytes, cut)).toEqual({ name: 'abcdef.txt', processing: ['truncated'] })
    expect(transformSegment('ééééé.txt', bytes, cut).name).toBe('ééé.txt')
    expect(transformSegment('😀😀😀.t', bytes, cut).name).toBe('😀😀.t')
  })

  test('leaves at worst one character and the extension', () => {
    expect(transformSegment('ab.longtext', bytes, cut).name).toBe('a.longtext')
    expect(transformSegment('a.toolongext', bytes, cut)).toMatchObject({ verdict: { reason: 'name_too_long' } })
  })

  test('does not bare a space or period at the end', () => {
    const rules = { ...windowsNames, maxSegment: { n: 4, unit: 'utf16' as const } }
    expect(transformSegment('abc def', rules, cut, 'container').name).toBe('abc_')
  })

  test('fits both limits where the storage counts otherwise than the rules', () => {
    const rules = { ...windowsNames, maxStoredSegment: { n: 255, unit: 'bytes' as const } }
    const name = `${'é'.repeat(200)}.txt`
    expect(transformSegment(name, rules, cut)).toEqual({ name: `${'é'.repeat(125)}.txt`, processing: ['truncated'] })
    expect(transformSegment(name, rules, settings).verdict?.why).toMatch(/exceeds maximum total length of 255 bytes$/)
    const long = `${'a'.repeat(300)}.txt`
    expect(transformSegment(long, rules, cut).name).toBe(`${'a'.repeat(251)}.txt`)
    expect(transformSegment(long, rules, settings).verdict?.why).toMatch(/exceeds maximum total length of 255 utf16$/)
  })

  test('switched off, flags', () => {
    expect(transformSegment('abcdefghij.txt', bytes, settings).verdict).toMatchObject({
      action: 'fail',
      reason: 'name_too_long',
    })
  })

  test('counts bytes that are no UTF-8 as what they are, and never cuts through one', () => {
    const rules = { ...posixNames, maxSegment: { n: 10, unit: 'bytes' as const, escapes: true } }
    const bytes = (n: number) => '\ufffdC4'.repeat(n)
    expect(transformSegment(bytes(10), rules, settings)).toEqual({ name: bytes(10) })
    expect(transformSegment(bytes(12), rules, { ...settings, segmentTruncate: true })).toEqual({
      name: bytes(10),
      processing: ['truncated'],
    })
    expect(transformSegment(`é${bytes(10)}.c`, rules, { ...settings, segmentTruncate: true }).name).toBe(
      `é${bytes(6)}.c`,
    )
    expect(transformSegment(bytes(11), rules, settings).verdict?.reason).toBe('name_too_long')
  })

  test('counts in the platform’s unit', () => {
    expect([lengthOf('é😀', 'bytes'), lengthOf('é😀', 'utf16'), lengthOf('é😀', 'codepoints')]).toEqual([6, 3, 2])
    expect(lengthOf('白\u007f\u0080', 'bytes')).toBe(new TextEncoder().encode('白\u007f\u0080').length)
  })

  test('shortens a file to fit the path, never a folder', () => {
    const rules = { ...posixNames, maxPath: { n: 12, unit: 'bytes' as const } }
    const plan = (kind: 'item' | 'container') =>
      nameContainer([{ key: 'k', name: 'abcdefgh.txt', kind }], new Map(), rules, cut, { parents: ['abc'] }).of(
        'k',
        'abcdefgh.txt',
      )
    expect(plan('item')).toEqual({ name: 'abcd.txt', processing: ['truncated'] })
    expect(plan('container').verdict).toMatchObject({ reason: 'name_too_long' })
  })

  test('flags what would be too deep', () => {
    const plan = nameContainer(
      [{ key: 'k', name: 'x', kind: 'item' }],
      new Map(),
      { ...posixNames, maxDepth: 2 },
      cut,
      {
        parents: ['a', 'b'],
      },
    )
    expect(plan.of('k', 'x').verdict).toMatchObject({ action: 'fail', reason: 'name_too_long' })
  })
})

describe('the names of one container', () => {
  test('a?b, a*b and a native a_b never meet', () => {
    expect(named(['a?b', 'a*b', 'a_b'])).toEqual({ a_b: 'a_b', 'a*b': 'a_b (1)', 'a?b': 'a_b (2)' })
    expect(named(['a_b', 'a?b', 'a*b'])).toEqual({ a_b: 'a_b', 'a*b': 'a_b (1)', 'a?b': 'a_b (2)' })
  })

  test('case and Unicode twins get a number before the extension', () => {
    expect(named(['Case.txt', 'case.TXT'])).toEqual({ 'Case.txt': 'Case.txt', 'case.TXT': 'case (1).TXT' })
    expect(Object.values(named(['e\u0301.txt', '\u00e9.txt']))).toEqual(['e\u0301.txt', '\u00e9 (1).txt'])
    expect(named(['Case.txt', 'case.TXT'], posixNames)).toEqual({ 'Case.txt': 'Case.txt', 'case.TXT': 'case.TXT' })
  })

  test('a number of ours steps aside for a native of that name', () => {
    expect(named(['a', 'A', 'A (1)'])).toEqual({ A: 'A', 'A (1)': 'A (1)', a: 'a (2)' })
  })

  test('files and folders share one name space', () => {
    const plan = nameContainer(
      [
        { key: '1', name: 'a.b', kind: 'container' },
        { key: '2', name: 'a.b', kind: 'item' },
      ],
      new Map(),
      posixNames,
      settings,
    )
    expect([plan.of('1', 'a.b').name, plan.of('2', 'a.b').name]).toEqual(['a.b', 'a (1).b'])
  })

  test('same-name siblings are told apart by their ids, in the same way each time', () => {
    const siblings: Sibling[] = ['c', 'a', 'b'].map((key) => ({ key, name: 'x.txt', kind: 'item' }))
    const of = (order: Sibling[]) => {
      const plan = nameContainer(order, new Map(), posixNames, settings)
      return ['a', 'b', 'c'].map((key) => plan.of(key, 'x.txt').name)
    }
    expect(of(siblings)).toEqual(['x.txt', 'x (1).txt', 'x (2).txt'])
    expect(of(siblings.toReversed())).toEqual(of(siblings))
  })

  test('a newcomer yields to a remembered name, even with the better claim', () => {
    expect(named(['a?b', 'a_b'], windowsNames, settings, [['a?b', 'a_b']])).toEqual({ 'a?b': 'a_b', a_b: 'a_b (1)' })
  })

  test('a number stays when the one it gave way to is gone', () => {
    expect(named(['a*b'], windowsNames, settings, [['a*b', 'a_b (1)']])).toEqual({ 'a*b': 'a_b (1)' })
  })

  test('a number stays when the twin is gone and the name would be free', () => {
    const alone: Sibling[] = [{ key: '2', name: 'x.txt', kind: 'item' }]
    const plan = nameContainer(alone, new Map([['2', 'x (1).txt']]), posixNames, settings)
    expect(plan.of('2', 'x.txt').name).toBe('x (1).txt')
  })

  test('twins are flagged, not counted for ever, where the destination takes no digits', () => {
    const rules = { ...posixNames, invalid: '/()0123456789' }
    const many: Sibling[] = Array.from({ length: 20 }, (_, i) => ({ key: `${i}`, name: 'x', kind: 'item' }))
    const plan = nameContainer(many, new Map(), rules, settings)
    expect(many.filter(({ key }) => plan.of(key, 'x').verdict?.reason === 'name_taken')).toHaveLength(19)
  })

  test('a place is kept for a sibling that is gone, except from a native of that name', () => {
    expect(named(['a*b'], windowsNames, settings, [['a?b', 'a_b']])).toEqual({ 'a*b': 'a_b (1)' })
    expect(named(['a_b'], windowsNames, settings, [['a?b', 'a_b']])).toEqual({ a_b: 'a_b' })
  })

  test('of two who remember one name by turns the same one yields, in any order', () => {
    const before: [string, string][] = [
      ['a', 'a'],
      ['A', 'A'],
    ]
    expect(named(['a', 'A'], windowsNames, settings, before)).toEqual({ A: 'A', a: 'a (1)' })
    expect(named(['A', 'a'], windowsNames, settings, before)).toEqual({ A: 'A', a: 'a (1)' })
  })

  test('whoever can’t keep a remembered name is said to be displaced', () => {
    const siblings: Sibling[] = [{ key: 'a:b', name: 'a:b', kind: 'item' }]
    const plan = nameContainer(siblings, new Map([['a:b', 'a:b']]), windowsNames, settings)
    expect(plan.of('a:b', 'a:b')).toEqual({ name: 'a_b', processing: ['renamed'], displaced: true })
  })

  test('under warn the duplicate is left out, under a name that claims nobody’s', () => {
    const warn = someSettings({ duplicateNames: 'warn' })
    const siblings: Sibling[] = ['a?b', 'a_b'].map((name) => ({ key: name, name, kind: 'item' }))
    const plan = nameContainer(siblings, new Map(), windowsNames, warn)
    expect(plan.of('a_b', 'a_b')).toEqual({ name: 'a_b' })
    expect(plan.of('a?b', 'a?b')).toMatchObject({
      name: 'a_b (1)',
      verdict: { action: 'skip', reason: 'duplicate_name' },
    })
    const cased: Sibling[] = ['Report.txt', 'REPORT.TXT'].map((name) => ({ key: name, name, kind: 'item' }))
    // The other file is named, not the one that gives way.
    expect(nameContainer(cased, new Map(), windowsNames, warn).of('Report.txt', 'Report.txt').verdict?.why).toBe(
      '"REPORT.TXT" of its folder has the name "Report.txt" at the destination',
    )
  })

  test('a move never renames duplicates', () => {
    const plan = nameContainer(
      ['1', '2'].map((key) => ({ key, name: 'x', kind: 'item' as const })),
      new Map(),
      posixNames,
      someSettings({ transferType: 'move' }),
    )
    expect(plan.of('2', 'x').verdict).toMatchObject({ reason: 'duplicate_name' })
  })

  test('a name without room for a number is flagged, unless it may be cut', () => {
    const rules = { ...posixNames, maxSegment: { n: 5, unit: 'bytes' as const } }
    const twice: Sibling[] = ['1', '2'].map((key) => ({ key, name: 'abcde', kind: 'item' }))
    expect(nameContainer(twice, new Map(), rules, settings).of('2', 'abcde').verdict).toMatchObject({
      reason: 'name_taken',
    })
    expect(nameContainer(twice, new Map(), rules, cut).of('2', 'abcde').name).toBe('a (1)')
  })

  test('a wide container can be named in pieces', () => {
    const piece: Sibling[] = [{ key: 'a?b', name: 'a?b', kind: 'item' }]
    const holder = (name: string) => ['a_b', 'a_b (1)'].find((held) => held === name)
    expect(nameContainer(piece, new Map(), windowsNames, settings, { holder }).of('a?b', 'a?b').name).toBe('a_b (2)')
  })
})

describe('the destination’s own equality', () => {
  test.each([
    ['README', 'readme', true],
    ['É', 'é', true],
    ['e\u0301', '\u00c9', true],
    ['ς', 'Σ', true],
    ['\u212a', 'k', true],
    ['H\u0331', '\u1e96', true],
    ['straße', 'STRASSE', false],
    ['a', 'b', false],
  ])('takes %j and %j for one: %j', (a, b, same) => {
    expect(nameKey(windowsNames)(a) === nameKey(windowsNames)(b)).toBe(same)
    expect(nameKey(posixNames)(a) === nameKey(posixNames)(b)).toBe(false)
  })
})

describe('conflict copies', () => {
  const naming = { rules: posixNames, settings }
  const free = () => false

  test('are named by the time of the loser, before the extension', () => {
    expect(conflictName('a.tar.gz', 1_709_287_530_999_000_000n, free, naming)).toBe(
      'a.tar (conflict 2024-03-01T100530Z).gz',
    )
    expect(conflictName('a', -1n, free, naming)).toBe('a (conflict 1970-01-01T000000Z)')
    expect(conflictName('a', undefined, free, naming)).toBe('a (conflict)')
    expect(conflictName('a', 2n ** 63n * 10n ** 9n, free, naming)).toContain('(conflict +275760-09-13')
  })

  test('are recognised, also where the destination refuses some of the characters', () => {
    const noBrackets = { rules: { ...posixNames, invalid: '() /' }, settings }
    for (const at of [naming, noBrackets]) {
      const kept = conflictName('report.txt', 10n ** 18n, free, at) ?? ''
      expect(isConflictCopy(kept)).toBe(true)
      expect(conflictName(kept, 2n * 10n ** 18n, free, at)).toBeUndefined()
    }
    for (const name of ['conflict.txt', 'a conflict', 'conflict of interest (1).doc', 'areas in conflict)']) {
      expect(isConflictCopy(name)).toBe(false)
    }
  })

  test('stay two when their long names have to be cut', () => {
    const long = (end: string) => `${'x'.repeat(250)}${end}`
    const [a, b] = ['a', 'b'].map((end) => conflictName(long(end), 0n, free, naming))
    expect(a).not.toBe(b)
    expect(lengthOf(a ?? '', 'bytes')).toBeLessThanOrEqual(255)
  })
})
