import { expect, test } from '@jest/globals'
import { warningsOf } from '../../src/intake/changed_meanwhile.ts'
import { changes, sayChange, sayOpenChange, sayValues } from '../../src/intake/changes.ts'

const large = { path: 'transfer.large_item', before: 'skip', after: 'fail' }

test('two documents differ where their values do, path by path', () => {
  const before = { same: [1, { a: 1 }], list: [1, 2], grown: [1], object: { a: 1, gone: true } }
  const after = { same: [1, { a: 1 }], list: [1, 3], grown: [1, 2], object: { a: [1], come: null } }
  expect(changes(before, after)).toEqual([
    { path: 'list[1]', before: 2, after: 3 },
    { path: 'grown', before: [1], after: [1, 2] },
    { path: 'object.a', before: 1, after: [1] },
    { path: 'object.gone', before: true, after: undefined },
    { path: 'object.come', before: undefined, after: null },
  ])
  expect(changes(before, structuredClone(before))).toEqual([])
})

test('a change is said with its path and without', () => {
  expect(sayChange(large)).toBe('transfer.large_item: "skip" → "fail"')
  expect(sayValues(large)).toBe('"skip" → "fail"')
  expect(sayValues({ ...large, before: undefined })).toBe('(absent) → "fail"')
  expect(sayValues({ ...large, after: 'x'.repeat(100) })).toBe(`"skip" → "${'x'.repeat(78)}…`)
})

test('of what may be a secret only that it changed, unless it is known to be none', () => {
  const secret = { path: 'transfer.source.connection.auth.password', before: 'hush', after: 'hush hush' }
  expect(sayValues(secret)).toBe('changed, and not shown')
  expect(sayChange(secret)).toBe(`${secret.path}: changed, and not shown`)
  const id = { path: 'transfer.source.connection', before: 'a', after: 'b' }
  expect(sayChange(id)).toBe('transfer.source.connection: changed, and not shown')
  expect(sayOpenChange(id)).toBe('transfer.source.connection: "a" → "b"')
})

test('a warning of the wire has the path as its property and does not repeat it', () => {
  const consequence =
    'what execution 3 has decided stays so; a worker that has it open goes on as before, any other by what the document says now'
  expect(warningsOf({ execution: 3, changes: [large] })).toEqual([
    { code: 'changed', property: 'transfer.large_item', description: `"skip" → "fail"; ${consequence}` },
  ])
  expect(warningsOf(undefined)).toEqual([])
})
