import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { bytesOfName, nameOfBytes } from '../../../src/connector/local/escape.ts'

const raw = fc.uint8Array({ minLength: 1, maxLength: 40 })
/** Bytes that are often nearly UTF-8, and often nearly our escape. */
const tricky = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }).map((s) => Buffer.from(s)),
      fc.constantFrom('\uFFFD', '\uFFFDE9', '\uFFFDe9', '\uFFFD\uFFFD', 'EF').map((s) => Buffer.from(s)),
      fc.uint8Array({ maxLength: 3 }).map((b) => Buffer.from(b)),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts))

test('every name of bytes comes back as the same bytes, by way of well-formed text', () => {
  fc.assert(
    fc.property(fc.oneof(raw, tricky), (bytes) => {
      const name = nameOfBytes(bytes)
      expect(name.isWellFormed()).toBe(true)
      expect(bytesOfName(name).equals(Buffer.from(bytes))).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('two names of bytes are never one text', () => {
  fc.assert(
    fc.property(tricky, tricky, (a, b) => {
      expect(nameOfBytes(a) === nameOfBytes(b)).toBe(a.equals(b))
    }),
    { numRuns: 2000 },
  )
})

test('text without U+FFFD is its own name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      fc.pre(!text.includes('\uFFFD'))
      expect(nameOfBytes(Buffer.from(text))).toBe(text)
    }),
  )
})

test.each(['\uFFFD', 'a\uFFFDb', '\uFFFD41', '\uFFFDe9', '\uFFFDC3\uFFFDA9', '\uFFFDE'])(
  'text that only looks like an escape (%j) is refused, as it would meet another name',
  (name) => {
    expect(() => bytesOfName(name)).toThrow(expect.objectContaining({ code: 'NameInvalid' }))
  },
)
