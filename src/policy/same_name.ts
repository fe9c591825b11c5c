import type { NameRules } from '../connector/capabilities.ts'

/** What two names of one container share exactly when the destination takes them for one. */
export type NameKey = (name: string) => string

const ascii = /^[\x00-\x7f]*$/

/**
 * The destination's own equality as a key; compiled once, for many names. Where platforms fold case differently it errs
 * towards equal: that costs a number behind a name, the other way round would cost a file.
 */
export function nameKey(rules: Pick<NameRules, 'unicode' | 'caseSensitive'>): NameKey {
  const normal = rules.unicode === 'nfc'
  if (rules.caseSensitive) return normal ? (name) => (ascii.test(name) ? name : name.normalize('NFC')) : (name) => name
  return (name) => {
    if (ascii.test(name)) return name.toLowerCase()
    const folded = fold(normal ? name.normalize('NFC') : name)
    return normal ? folded.normalize('NFC') : folded
  }
}

/** Simple case folding, by code point: `ß` stays apart from `ss`, as file systems have it. */
function fold(name: string): string {
  let folded = ''
  for (const char of name) {
    const upper = char.toUpperCase()
    folded += (isOneCodePoint(upper) ? upper : char).toLowerCase()
  }
  return folded
}

function isOneCodePoint(text: string): boolean {
  return text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xffff)
}
