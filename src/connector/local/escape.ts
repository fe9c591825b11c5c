/**
 * File names are bytes; ours are well-formed Unicode. A byte that is not part of valid UTF-8 becomes U+FFFD and two
 * upper-case hex digits (`caf\uFFFDE9`), and so do the three bytes of a U+FFFD that really is in the name. So the escape is
 * injective, every name round-trips, and a name needs a second look only when it contains U+FFFD.
 */
import { ConnectorError } from '../errors.ts'

export const leadIn = '\uFFFD'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const hexDigits = /^[0-9A-F]{2}$/

/** The name of these bytes. Total and injective. */
export function nameOfBytes(bytes: Uint8Array): string {
  let name = ''
  for (let at = 0; at < bytes.length;) {
    const length = validSequence(bytes, at)
    if (length === 0) {
      name += escaped(bytes, at, 1)
      at += 1
      continue
    }
    const text = strict.decode(bytes.subarray(at, at + length))
    name += text === leadIn ? escaped(bytes, at, length) : text
    at += length
  }
  return name
}

/**
 * The bytes of a name that contains {@link leadIn}.
 *
 * @throws ConnectorError `NameInvalid` when the name is not one that {@link nameOfBytes} gives: a U+FFFD of its own would
 *   come back as another name, and two names could meet in one file
 */
export function bytesOfName(name: string): Buffer {
  const parts: Buffer[] = []
  const pieces = name.split(leadIn)
  parts.push(Buffer.from(pieces[0] ?? ''))
  for (const piece of pieces.slice(1)) {
    const hex = piece.slice(0, 2)
    if (!hexDigits.test(hex)) throw notAnEscape(name)
    parts.push(Buffer.from(hex, 'hex'), Buffer.from(piece.slice(2)))
  }
  const bytes = Buffer.concat(parts)
  if (nameOfBytes(bytes) !== name) throw notAnEscape(name)
  return bytes
}

function notAnEscape(name: string): ConnectorError {
  return new ConnectorError('NameInvalid', `${JSON.stringify(name)} contains U+FFFD, which marks escaped bytes here`)
}

function escaped(bytes: Uint8Array, at: number, length: number): string {
  let text = ''
  for (let i = at; i < at + length; i++) text += leadIn + (bytes[i] ?? 0).toString(16).toUpperCase().padStart(2, '0')
  return text
}

/** Length of the valid UTF-8 sequence at `at`; 0 when there is none. */
function validSequence(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (at + length > bytes.length) return 0
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if (first === 0xe0 && second < 0xa0) return 0
  if (first === 0xed && second > 0x9f) return 0
  if (first === 0xf0 && second < 0x90) return 0
  if (first === 0xf4 && second > 0x8f) return 0
  return length
}
