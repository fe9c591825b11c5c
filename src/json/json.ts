import { shown } from '../secret/shown.ts'
import { placeAt, placeOfError } from './json_place.ts'

/** What was given is not JSON that we take; the message says where. */
export class MalformedJson extends Error {
  override readonly name = 'MalformedJson'
}

/** The most that one document may be, from whatever side it comes: they are what people write, and lists of exceptions in maps. */
export const documentBytes = 1024 * 1024

/** Deeper than any document of ours, shallow enough for everything recursive that looks at it afterwards. */
export const maxDepth = 64

/**
 * Parses what somebody else wrote.
 *
 * @throws MalformedJson with line and column; also when nested deeper than {@link maxDepth} levels, when a key stands twice in one object, or
 *   with a key that means a prototype
 */
export function parseJson(text: string): unknown {
  const json = text.replace(/^\uFEFF/, '')
  const repeated = lookThrough(json)
  try {
    const value = JSON.parse(json, refusePrototypes) as unknown
    // Of two filters, or two limits, one would hold and the other be gone without a word.
    if (repeated)
      throw new MalformedJson(
        `has the key ${shown(repeated.key)} twice in one object, again at ${placeAt(json, repeated.at)}`,
      )
    return value
  } catch (error) {
    if (error instanceof MalformedJson) throw error
    const why = json.trim() === '' ? 'is empty' : `is not JSON at ${placeOfError(json)}`
    throw new MalformedJson(why, { cause: error })
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** For a look into what may hold anything: an empty object where there is none. */
export function objectOrEmpty(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

/** JSON for programs; see {@link wireNumber} for big integers. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? wireNumber(v) : v), indent)
}

/** Text when a double can't hold it exactly. */
export function wireNumber(n: bigint): number | string {
  return n <= BigInt(Number.MAX_SAFE_INTEGER) && n >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(n) : n.toString()
}

/**
 * One look at the text, before anything recursive has one.
 *
 * @returns the first key that its object has already, and where it begins; if the text is JSON at all
 * @throws MalformedJson when it is nested too deep
 */
function lookThrough(text: string): { key: string; at: number } | undefined {
  const open: (Set<string> | undefined)[] = []
  let repeated: { key: string; at: number } | undefined
  let textAt = 0
  let textEnd = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case quote:
        textAt = i
        textEnd = i = endOfText(text, i)
        break
      case opening.object:
      case opening.list:
        if (open.length === maxDepth) throw new MalformedJson(`is nested deeper than ${maxDepth} levels`)
        open.push(text.charCodeAt(i) === opening.object ? new Set() : undefined)
        break
      case closing.object:
      case closing.list:
        open.pop()
        break
      case colon: {
        const key = unescaped(text.slice(textAt + 1, textEnd))
        const keys = open.at(-1)
        if (keys?.has(key)) repeated ??= { key, at: textAt }
        keys?.add(key)
      }
    }
  }
  return repeated
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const opening = { object: 0x7b, list: 0x5b } as const
const closing = { object: 0x7d, list: 0x5d } as const

/** Where the quoted text that begins there ends, or the whole does. */
function endOfText(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes += 1
    if (backslashes % 2 === 0) return at
  }
  return text.length
}

function unescaped(inner: string): string {
  if (!inner.includes('\\')) return inner
  try {
    return JSON.parse(`"${inner}"`) as string
  } catch {
    return inner
  }
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new MalformedJson('has a key "__proto__"')
  return value
}
