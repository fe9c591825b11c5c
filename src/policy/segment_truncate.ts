import type { Limit } from '../connector/capabilities.ts'

/** How long a text is, in the unit a platform counts in. */
export function lengthOf(text: string, unit: Limit['unit']): number {
  switch (unit) {
    case 'utf16':
      return text.length
    case 'codepoints': {
      let n = 0
      for (const _ of text) n += 1
      return n
    }
    case 'bytes': {
      let n = text.length
      for (let i = 0; i < text.length; i += 1) {
        const unitAt = text.charCodeAt(i)
        // Each half of a surrogate pair counts two of its four bytes.
        if (unitAt > 0x7f) n += unitAt > 0x7ff && (unitAt < 0xd800 || unitAt > 0xdfff) ? 2 : 1
      }
      return n
    }
    default:
      return unit satisfies never
  }
}

const anyCharacter = /./gsu
const escapeOrCharacter = /\uFFFD[0-9A-F]{2}|./gsu
const escape = /\uFFFD[0-9A-F]{2}/g

/** How much of a limit a text takes up. */
export function taken(text: string, { unit, escapes }: Limit): number {
  const length = lengthOf(text, unit)
  if (escapes !== true || !text.includes('\uFFFD')) return length
  return length - (text.match(escape)?.length ?? 0) * (escapedLength - 1)
}

/** Of the three characters in UTF-8 that stand for a byte. */
const escapedLength = 5

/** Whether a text fits, without counting when it can't be otherwise: no UTF-16 unit takes more than three bytes. */
export function fits(text: string, limit: Limit | undefined): boolean {
  if (limit === undefined || text.length * 3 <= limit.n) return true
  return taken(text, limit) <= limit.n
}

/**
 * Cuts characters from the right end of the stem until the whole fits every limit, keeping what follows the stem; never
 * through a character, nor through what stands for a byte. At worst one character is left of the stem.
 *
 * @param after the extension, with a number before it where there is one
 * @returns the whole name; undefined when even one character is too much
 * @see reference: job-policies 16
 */
export function segmentTruncate(
  stem: string,
  after: string,
  limits: readonly (Limit | undefined)[],
): string | undefined {
  let end = stem.length
  for (const limit of limits) {
    if (limit === undefined) continue
    let room = limit.n - taken(after, limit)
    let at = 0
    for (const [character] of stem.matchAll(limit.escapes === true ? escapeOrCharacter : anyCharacter)) {
      room -= taken(character, limit)
      if (room < 0) break
      at += character.length
    }
    end = Math.min(end, at)
  }
  return end === 0 ? undefined : stem.slice(0, end) + after
}
