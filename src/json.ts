import { placeOfError } from './json_place.ts'

/** What was given is not JSON that we take; the message says where. */
export class MalformedJson extends Error {
  override readonly name = 'MalformedJson'
}

/** Deeper than any document of ours, shallow enough for everything recursive that looks at it afterwards. */
const maxDepth = 64

/**
 * Parses what somebody else wrote.
 *
 * @throws MalformedJson with line and column; also when nested deeper than 64 levels, or with a key that means a prototype
 */
export function parseJson(text: string): unknown {
  refuseDepth(text)
  const json = text.replace(/^\uFEFF/, '')
  try {
    return JSON.parse(json, refusePrototypes) as unknown
  } catch (error) {
    if (error instanceof MalformedJson) throw error
    const why = json.trim() === '' ? 'is empty' : `is not JSON at ${placeOfError(json)}`
    throw new MalformedJson(why, { cause: error })
  }
}

/** JSON for programs; see {@link wireNumber} for big integers. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? wireNumber(v) : v), indent)
}

/** Text when a double can't hold it exactly. */
export function wireNumber(n: bigint): number | string {
  return n <= BigInt(Number.MAX_SAFE_INTEGER) && n >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(n) : n.toString()
}

function refuseDepth(text: string): void {
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted) {
      if (c === '\\') i++
      else if (c === '"') quoted = false
    } else if (c === '"') quoted = true
    else if (c === '{' || c === '[') {
      if (++depth > maxDepth) throw new MalformedJson(`is nested deeper than ${maxDepth} levels`)
    } else if (c === '}' || c === ']') depth--
  }
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new MalformedJson('has a key "__proto__"')
  return value
}
