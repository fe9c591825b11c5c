import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { childId, encodeKey, Keys, looksEscaped, nameOf, twinNameOf } from '../../../src/connector/s3/keys.ts'

const keys = new Keys('')
const idOf = (segments: readonly string[]): string => segments.map(nameOf).reduce(childId, '')

test('a key of names is its own id, below the prefix of the connection', () => {
  expect(idOf(['a', 'b c', 'ü.txt'])).toBe('a/b c/ü.txt')
  expect(new Keys('share/').keyOf('a/b.txt')).toBe('share/a/b.txt')
  expect(new Keys('share/').prefixOf('')).toBe('share/')
  expect(new Keys('share/').prefixOf('a')).toBe('share/a/')
})

test.each(['a//b', '/x', '//', 'a/./b', '..', '../../x', 'a/', '.', 'end\uFFFD', 'end\uFFFD2', '\uFFFD'])(
  'the key %j, which is no path, has an id that leads back to it, of names that are names',
  (key) => {
    const id = idOf(key.split('/'))
    expect(keys.keyOf(id)).toBe(key)
    for (const name of id.split('/')) expect(['', '.', '..']).not.toContain(name)
  },
)

test('no two keys share an id, whatever is in them', () => {
  const segment = fc.oneof(
    fc.constantFrom('', '.', '..', '\uFFFD', '2', 'a\uFFFD', 'a\uFFFD2', '\uFFFD\uFFFD'),
    fc.string(),
  )
  const clean = segment.map((text) => text.replaceAll('/', '').toWellFormed())
  fc.assert(
    fc.property(fc.array(clean, { minLength: 1 }), (segments) => {
      expect(keys.keyOf(idOf(segments))).toBe(segments.join('/'))
    }),
  )
})

test('a folder beside a file of one name has another name, which leads into the folder', () => {
  const id = childId('', twinNameOf('x'))
  expect(id).not.toBe(childId('', nameOf('x')))
  expect(keys.prefixOf(id)).toBe('x/')
  expect(keys.keyOf(childId(id, 'y'))).toBe('x/y')
  expect(looksEscaped(id)).toBe(true)
})

test('keys stand in a request as they are signed', () => {
  expect(encodeKey('a b/ü+%&=?#\'()*!~"')).toBe('a%20b/%C3%BC%2B%25%26%3D%3F%23%27%28%29%2A%21~%22')
})
