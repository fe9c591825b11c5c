import type { NameRules } from '../connector/capabilities.ts'
import { splitName } from './extension.ts'

/** Tells what is wrong with a segment, and makes one that is right. Compiled once per destination. */
interface SegmentRules {
  /** Nothing when the destination takes the segment as it is, its length apart. */
  problem(name: string): string | undefined
  /** A segment without a problem, deterministic, not injective; undefined when the rules leave none. */
  transform(name: string, style: 'underscore' | 'encode'): string | undefined
  /** Stands in for what may not be there: `_`, unless that is refused too. */
  readonly filler: string
}

/**
 * Characters, edges and reserved words that the destination refuses. `.`, `..` and the empty name are refused everywhere, and
 * so are halves of surrogate pairs, which all become the same bytes.
 *
 * @see reference: job-policies 15
 */
export function segmentRules(rules: NameRules): SegmentRules {
  const controls = rules.controls ? '\\u0000-\\u001f\\u007f' : ''
  // What stands for one byte is replaced as one.
  const byte = rules.invalid.includes('\ufffd') ? '\\ufffd[0-9A-F]{2}|' : ''
  const invalid = `${byte}[${controls}${charClass(rules.invalid)}]`
  const leading = [...rules.leading]
  const trailing = [...rules.trailing]
  const refused = `${invalid}|[\\ud800-\\udfff]${rules.escapes ? '|\\ufffd(?![0-9A-F]{2})' : ''}`
  const anyProblem = new RegExp(
    `${refused}|^[${charClass(rules.leading)}]|[${charClass(rules.trailing)}]$|^\\.{0,2}$`,
    'u',
  )
  const refusedCharacters = new RegExp(refused, 'gu')
  const refusedCharacter = new RegExp(refusedCharacters.source, 'u')
  const reserved = new Set(rules.reserved.map((word) => word.toLowerCase()))
  const filler = ['_', '-', 'x', '0'].find((c) => !anyProblem.test(c)) ?? '_'

  const reservedStem = (name: string): string | undefined => {
    if (reserved.size === 0) return undefined
    const whole = name.toLowerCase()
    if (reserved.has(whole)) return name
    if (!rules.reservedStems) return undefined
    const dot = name.indexOf('.')
    const stem = dot < 0 ? name : name.slice(0, dot)
    return reserved.has(stem.toLowerCase().trimEnd()) ? stem : undefined
  }

  const problem = (name: string): string | undefined => {
    if (anyProblem.test(name)) return describe(name, { refusedCharacter, leading, trailing })
    return reservedStem(name) === undefined ? undefined : `Segment ${quoted(name)} is in the list of excluded constants`
  }

  const transform = (name: string, style: 'underscore' | 'encode'): string | undefined => {
    const substitute = style === 'encode' ? hexOf : () => filler
    let out = name.replace(refusedCharacters, substitute)
    if (out === '') out = filler
    if (out === '.' || out === '..') out = out.replaceAll('.', substitute)
    const first = firstOf(out)
    if (leading.includes(first)) out = substitute(first) + out.slice(first.length)
    const last = lastOf(out)
    if (trailing.includes(last)) out = out.slice(0, out.length - last.length) + substitute(last)
    const stem = reservedStem(out)
    if (stem === out) {
      const [base, extension] = splitName(out)
      out = base + filler + extension
    } else if (stem !== undefined) out = stem + filler + out.slice(stem.length)
    if (problem(out) === undefined) return out
    return style === 'encode' ? transform(name, 'underscore') : undefined
  }

  return { problem, transform, filler }
}

function describe(name: string, rules: { refusedCharacter: RegExp; leading: string[]; trailing: string[] }): string {
  if (name === '') return 'Segment is empty'
  const segment = `Segment ${quoted(name)}`
  if (name === '.') return `${segment} names the folder itself`
  if (name === '..') return `${segment} contains double period`
  const character = rules.refusedCharacter.exec(name)?.[0]
  if (character !== undefined) return `${segment} contains ${nameOf(character)}`
  const first = firstOf(name)
  if (rules.leading.includes(first)) return `${segment} starts with ${nameOf(first)}`
  return `${segment} ends with ${nameOf(lastOf(name))}`
}

const words: Record<string, string> = { ' ': 'a space', '.': 'a period', '~': 'a tilde', _: 'an underscore' }

function nameOf(character: string): string {
  const word = words[character]
  if (word !== undefined) return word
  const code = character.codePointAt(0) ?? 0
  const printable = code > 0x20 && code !== 0x7f && (code < 0xd800 || code > 0xdfff)
  return printable ? character : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

/** For messages: a hostile name can't break a log line, and a very long one is cut. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100).toWellFormed()}…` : name.toWellFormed())
}

const utf8 = new TextEncoder()

/** UTF-8 bytes as upper-case hex: `白` is `E799BD`; what stands for a byte is that byte. */
function hexOf(character: string): string {
  if (character.length === 3 && character.startsWith('\ufffd')) return character.slice(1)
  let hex = ''
  for (const byte of utf8.encode(character)) hex += byte.toString(16).toUpperCase().padStart(2, '0')
  return hex
}

function charClass(characters: string): string {
  let escaped = ''
  for (const character of characters) escaped += `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  return escaped
}

function firstOf(name: string): string {
  return String.fromCodePoint(name.codePointAt(0) ?? 0).slice(0, name.length)
}

function lastOf(name: string): string {
  const code = name.codePointAt(name.length - 2)
  return code !== undefined && code > 0xffff ? name.slice(-2) : name.slice(-1)
}
