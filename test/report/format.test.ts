import { describe, expect, test } from '@jest/globals'
import { bytes, columns, count, duration, printable, shorten, table } from '../../src/report/format.ts'

describe('numbers for people', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [9.94 * 1024, '9.9 KiB'],
    [9.96 * 1024, '10 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [12_400_000, '12 MiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [2 ** 60, '1,024 PiB'],
  ])('%p bytes are %p', (n, said) => expect(bytes(n)).toBe(said))

  test.each([
    [0, '0.0 s'],
    [410, '0.4 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
  ])('%p ms are %p', (ms, said) => expect(duration(ms)).toBe(said))

  test('large counts are grouped', () => expect(count(1_234_567)).toBe('1,234,567'))
})

describe('names for people', () => {
  test('control characters and direction overrides show as codes, letters and emoji as they are', () => {
    expect(printable('a\nb\u202Ec\u0000')).toBe('a\\u{a}b\\u{202e}c\\u{0}')
    expect(printable('Überblick 計画 👩‍🚀')).toBe('Überblick 計画 👩‍🚀')
  })

  test('what is too long loses its middle, never half of a letter', () => {
    const path = 'Projects/👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀/Größe.txt'
    for (let width = 1; width < 60; width++) {
      const cut = shorten(path, width)
      expect(columns(cut)).toBeLessThanOrEqual(width)
      expect(cut.isWellFormed()).toBe(true)
      expect(cut).not.toMatch(/\u200D(?!🚀)/u)
    }
    expect(shorten('abc', 3)).toBe('abc')
  })

  test('columns line up by their width on a terminal', () => {
    expect(
      table(
        [
          ['計画', '1'],
          ['abcdef', '22'],
        ],
        [1],
      ),
    ).toEqual(['計画     1', 'abcdef  22'])
  })
})
