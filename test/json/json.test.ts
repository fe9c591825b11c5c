import { describe, expect, test } from '@jest/globals'
import { MalformedJson, parseJson, toJson } from '../../src/json/json.ts'
import { placeOfError } from '../../src/json/json_place.ts'

describe('JSON that somebody wrote', () => {
  test.each([
    ['{', 'line 1, column 2'],
    ['[1,]', 'line 1, column 4'],
    ['{"a": 1,}', 'line 1, column 9'],
    ['{\n  "a": oops\n}', 'line 2, column 8'],
    ['{"a" 1}', 'line 1, column 6'],
    ['{a: 1}', 'line 1, column 2'],
    ["{'a': 1}", 'line 1, column 2'],
    ['{"a": 01}', 'line 1, column 7'],
    ['{"a": 1} // done', 'line 1, column 10'],
    ['[1 2]', 'line 1, column 4'],
    ['["a\nb"]', 'line 1, column 2'],
    ['"\\x"', 'line 1, column 1'],
    ['{"a": [1, {"b": ]}', 'line 1, column 17'],
    ['nul', 'line 1, column 1'],
  ])('%j stops being JSON at %s', (text, place) => {
    expect(() => parseJson(text)).toThrow(`is not JSON at ${place}`)
  })

  test('what is JSON is never said to stop before its end', () => {
    for (const value of [[], {}, [[], {}], { a: [1, -2.5e-7, true, null, 'x"\\\u2028'] }, 'a', 0])
      expect(placeOfError(JSON.stringify(value, null, 1))).toBe(
        `line ${JSON.stringify(value, null, 1).split('\n').length}, column ${JSON.stringify(value, null, 1).split('\n').at(-1)!.length + 1}`,
      )
  })

  test('a byte order mark is no mistake; emptiness, endless nesting and prototypes are', () => {
    expect(parseJson('\uFEFF{"a": "[[["}')).toEqual({ a: '[[[' })
    expect(() => parseJson('  ')).toThrow('is empty')
    expect(() => parseJson('['.repeat(100_000))).toThrow(MalformedJson)
    expect(() => parseJson('{"a": {"__proto__": {}}}')).toThrow('__proto__')
  })

  test.each([
    ['{"a": 1, "b": {"a": 2}, "a": 3}', 'line 1, column 25'],
    ['{"x": [{"filter": 1,\n  "fil\\u0074er": 2}]}', 'line 2, column 3'],
    ['{"a:": "a", "b": ":", "a:": {}}', 'line 1, column 23'],
  ])('%j is refused: it has a key twice, the second time at %s', (text, place) => {
    expect(() => parseJson(text)).toThrow(`twice in one object, again at ${place}`)
  })

  test('one key in several objects is no mistake', () => {
    const value = { a: { a: [{ a: 'a' }, { a: '{"a": 1, "a": 2}' }] }, b: 'a' }
    expect(parseJson(JSON.stringify(value))).toEqual(value)
  })

  test('numbers that a double cannot hold are written as text', () => {
    expect(toJson({ a: 12n, b: 2n ** 60n, c: -(2n ** 60n) })).toBe(`{"a":12,"b":"${2n ** 60n}","c":"-${2n ** 60n}"}`)
  })
})
