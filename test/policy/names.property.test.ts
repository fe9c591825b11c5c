import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Limit, NameRules } from '../../src/connector/capabilities.ts'
import type { ItemKind } from '../../src/connector/item.ts'
import { nameContainer, type NamePlan, type Sibling } from '../../src/policy/name_container.ts'
import { nameKey } from '../../src/policy/same_name.ts'
import { namerOf, type NameSettings } from '../../src/policy/segment.ts'
import { posixNames, windowsNames } from './build.ts'

/** Few letters, so that names meet; and what has hurt others: rclone's set, reserved words, both forms of é, halves, controls. */
const piece = fc.constantFrom(
  ...[
    'a',
    'A',
    'b',
    '_',
    '?',
    '*',
    ':',
    ' ',
    '.',
    '~',
    '(1)',
    ' (1)',
    '\u00e9',
    'e\u0301',
    'E\u0301',
    'ß',
    'ẞ',
    '\u212a',
    'k',
  ],
  ...[
    'con',
    'NUL',
    '.txt',
    '.TXT',
    '\n',
    '\x7f',
    '\u0000',
    '/',
    '\\',
    '\ud83d\ude00',
    '\ud800',
    '%46',
    '3F',
    '白',
    '..',
    '-',
  ],
)
const name = fc.oneof(
  { weight: 8, arbitrary: fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('aux.c', 'desktop.ini', '~$x.docx', 'x'.repeat(300), `${'é'.repeat(200)}.txt`),
  },
)
const kind = fc.constantFrom<ItemKind>('item', 'item', 'container', 'link')

const rules: fc.Arbitrary<NameRules> = fc
  .record({
    base: fc.constantFrom(posixNames, windowsNames),
    unicode: fc.constantFrom<NameRules['unicode']>('bytes', 'nfc'),
    caseSensitive: fc.boolean(),
    invalid: fc.constantFrom('/\0', '?*:/\0', '<>:"/\\|?*\0', '()/\0', ' _/\0', '_-x/\0', '(0123456789)/\0'),
    trailing: fc.constantFrom('', ' .', '_', ')'),
    leading: fc.constantFrom('', ' ', '~_'),
    controls: fc.boolean(),
    maxSegment: fc.constantFrom(
      { n: 255, unit: 'bytes' as const },
      { n: 8, unit: 'bytes' as const },
      { n: 6, unit: 'utf16' as const },
      { n: 3, unit: 'codepoints' as const },
    ),
    maxStoredSegment: fc.constantFrom<(Limit | undefined)[]>(undefined, undefined, { n: 10, unit: 'bytes' }),
  })
  .map(({ base, maxStoredSegment, ...change }) => ({
    ...base,
    ...change,
    ...(maxStoredSegment ? { maxStoredSegment } : {}),
  }))

const settings: fc.Arbitrary<NameSettings> = fc.record({
  segmentTransform: fc.boolean(),
  encodeInvalidCharacters: fc.boolean(),
  segmentTruncate: fc.boolean(),
  duplicateNames: fc.constantFrom('rename', 'warn'),
})

/** Siblings known by an id, so that names may repeat. */
const siblings: fc.Arbitrary<Sibling[]> = fc
  .array(fc.record({ name, kind }), { maxLength: 14 })
  .map((all) => all.map((one, i) => ({ ...one, key: `id${i}` })))

const runs = { numRuns: 400 }

function written(plan: NamePlan, all: readonly Sibling[]): string[] {
  return all.flatMap(({ key, name }) => {
    const named = plan.of(key, name)
    return named.verdict ? [] : [named.name]
  })
}

function expectInjective(plan: NamePlan, all: readonly Sibling[], at: NameRules): void {
  const names = written(plan, all)
  expect(new Set(names.map((n) => nameKey(at)(n))).size).toBe(names.length)
}

function shuffled<T>(list: readonly T[], by: readonly number[]): T[] {
  return list
    .map((value, i) => ({ value, at: by[i % Math.max(1, by.length)] ?? 0 }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}

describe('whatever the siblings are called', () => {
  test('two never meet at one destination name, and every name is one the destination takes', () => {
    fc.assert(
      fc.property(siblings, rules, settings, (all, at, how) => {
        const plan = nameContainer(all, new Map(), at, how)
        expectInjective(plan, all, at)
        const { plain } = namerOf(at, how)
        for (const n of written(plan, all)) expect(plain(n)).toBe(true)
      }),
      runs,
    )
  })

  test('a name the destination takes is kept by somebody who has it', () => {
    fc.assert(
      fc.property(siblings, rules, settings, (all, at, how) => {
        const plan = nameContainer(all, new Map(), at, how)
        const names = new Map(all.map(({ key, name }) => [nameKey(at)(plan.of(key, name).name), name]))
        for (const { name: own } of all) {
          if (!namerOf(at, how).plain(own)) continue
          expect(nameKey(at)(names.get(nameKey(at)(own)) ?? '')).toBe(nameKey(at)(own))
        }
      }),
      runs,
    )
  })

  test('the order of the listing makes no difference', () => {
    fc.assert(
      fc.property(siblings, rules, settings, fc.array(fc.nat(99), { minLength: 1 }), (all, at, how, order) => {
        const one = nameContainer(all, new Map(), at, how)
        const other = nameContainer(shuffled(all, order), new Map(), at, how)
        for (const { key, name: own } of all) expect(other.of(key, own)).toEqual(one.of(key, own))
      }),
      runs,
    )
  })

  test('names stay from run to run, while siblings come and go', () => {
    const presence = fc.array(fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }), { minLength: 2, maxLength: 5 })
    fc.assert(
      fc.property(siblings, rules, settings, presence, (all, at, how, executions) => {
        const remembered = new Map<string, string>()
        for (const present of executions) {
          const here = all.filter((_, i) => present[i])
          const before = new Map(remembered)
          const plan = nameContainer(here, before, at, how)
          expectInjective(plan, here, at)
          const backwards = nameContainer(here.toReversed(), before, at, how)
          for (const { key, name: own } of here) {
            expect(backwards.of(key, own)).toEqual(plan.of(key, own))
            const { name: given, displaced, verdict } = plan.of(key, own)
            const last = before.get(key)
            // Displaced only by a native that took the place of somebody who was away; said, so that nobody is overwritten.
            if (last !== undefined && !displaced && !verdict) expect(nameKey(at)(given)).toBe(nameKey(at)(last))
            remembered.set(key, given)
          }
          const again = nameContainer(here, new Map(remembered), at, how)
          for (const { key, name: own } of here) {
            expect(again.of(key, own).name).toBe(plan.of(key, own).name)
            expect(again.of(key, own).displaced).toBeUndefined()
            expect(again.of(key, own).verdict).toEqual(plan.of(key, own).verdict)
          }
        }
      }),
      runs,
    )
  })

  test('nobody who stays loses a name while nobody returns', () => {
    fc.assert(
      fc.property(siblings, rules, settings, fc.nat(14), (all, at, how, firstFew) => {
        const here = all.slice(0, firstFew)
        const first = nameContainer(here, new Map(), at, how)
        const remembered = new Map(here.map(({ key, name: own }) => [key, first.of(key, own).name]))
        const second = nameContainer(all, remembered, at, how)
        for (const { key, name: own } of here) expect(second.of(key, own).name).toBe(first.of(key, own).name)
      }),
      runs,
    )
  })
})
