import { z } from 'zod'
import { nearest } from './nearest.ts'
import { shown } from '../secret/shown.ts'

/**
 * The pieces the schema is made of. A leaf reads every lenient wire form of one kind of value and says in words what is
 * allowed; a block is an object whose keys are known.
 */

export type JsonSchema = Record<string, unknown>

/** What the JSON Schema says of a piece beyond what zod knows: see `json_schema.ts`. */
interface Note {
  /** Keywords of this schema. */
  json?: JsonSchema
  /** A short form taken besides. */
  also?: JsonSchema
  /** A list that takes a single element too. */
  single?: boolean
}

export const notes = z.registry<Note>()

export type Leaf<T> = z.ZodTransform<T, unknown>

/** @param read answers undefined when the value is none of what is allowed; `undefined` given means the key is missing */
export function leaf<T>(allowed: Allowed, json: JsonSchema, read: (given: unknown) => T | undefined): Leaf<T> {
  const schema = z.transform((given: unknown, ctx): T => {
    const value = read(given)
    if (value !== undefined) return value
    ctx.issues.push({ code: 'custom', message: phrase(allowed), params: { allowed }, input: given })
    return z.NEVER
  })
  notes.add(schema, { json })
  return schema
}

type Allowed = string | readonly string[]

function phrase(allowed: Allowed): string {
  if (typeof allowed === 'string') return allowed
  return allowed.length === 1 ? allowed[0]! : `one of ${allowed.join(', ')}`
}

/** A word out of several. `aliases` are taken and turned into the word they stand for. */
export function choice<const W extends string>(
  words: readonly W[],
  aliases: Readonly<Record<string, W>> = {},
): Leaf<W> {
  const byWord = new Map<string, W>([...words.map((word) => [word, word] as const), ...Object.entries(aliases)])
  return leaf(words, { type: 'string', enum: [...byWord.keys()] }, (given) =>
    typeof given === 'string' ? byWord.get(given) : undefined,
  )
}

export function flag(): Leaf<boolean> {
  const json = { anyOf: [{ type: 'boolean' }, { type: 'string', enum: ['true', 'false'] }] }
  return leaf(['true', 'false'], json, (given) => {
    if (given === 'true') return true
    if (given === 'false') return false
    return typeof given === 'boolean' ? given : undefined
  })
}

/** A whole number, or the digits of one as text. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Leaf<number> {
  const allowed =
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`
  const limits = most === Number.MAX_SAFE_INTEGER ? { minimum: least } : { minimum: least, maximum: most }
  const json = {
    anyOf: [
      { type: 'integer', ...limits },
      { type: 'string', pattern: '^-?[0-9]+$' },
    ],
  }
  return leaf(allowed, json, (given) => {
    const number = typeof given === 'string' && /^-?\d{1,16}$/.test(given) ? Number(given) : given
    return Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most
      ? (number as number) + 0
      : undefined
  })
}

/** Bytes, also beyond what a JSON number holds exactly: then as text. */
export function bytes(): Leaf<number | string> {
  const json = {
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: '^[0-9]+$' },
    ],
  }
  return leaf('a whole number of bytes from 0', json, (given) => {
    if (typeof given === 'string' && /^\d{1,30}$/.test(given)) {
      const exact = BigInt(given)
      return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact.toString()
    }
    return Number.isSafeInteger(given) && (given as number) >= 0 ? (given as number) + 0 : undefined
  })
}

export function text({ most = 1_000, oneLine = false } = {}): Leaf<string> {
  const allowed = `a text of 1 to ${most} characters${oneLine ? ' on one line' : ''}`
  return leaf(allowed, { type: 'string', minLength: 1, maxLength: most }, (given) =>
    isText(given, most) && given.trim() !== '' && !(oneLine && hasControls(given)) ? given : undefined,
  )
}

/** Text that may also be empty. */
export function anyText(most = 10_000): Leaf<string> {
  return leaf(`a text of at most ${most} characters`, { type: 'string', maxLength: most }, (given) =>
    isText(given, most) ? given : undefined,
  )
}

/** Text on one line, which may also be empty. */
export function anyLine(most: number): Leaf<string> {
  return leaf(`a text of at most ${most} characters on one line`, { type: 'string', maxLength: most }, (given) =>
    isText(given, most) && !hasControls(given) ? given : undefined,
  )
}

function isText(given: unknown, most: number): given is string {
  return typeof given === 'string' && given.length <= most && given.isWellFormed() && !given.includes('\0')
}

function hasControls(given: string): boolean {
  return /[\u0000-\u001f\u007f\u0080-\u009f\u2028\u2029]/.test(given)
}

/** The id of something stored. */
export function id(): Leaf<string> {
  const allowed = 'the id of something stored (a placeholder in braces has to be filled in first)'
  return leaf(allowed, { type: 'string', minLength: 1, maxLength: 128 }, (given) =>
    typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : undefined,
  )
}

/** Something that is kept and shown but means nothing here, or that another part checks. */
export function anything(): Leaf<unknown> {
  return leaf('anything', {}, (given) => given)
}

/** A list; a single value stands for a list of one. */
export function listOf<T extends z.ZodType>(element: T, most = 100_000): z.ZodPipe<z.ZodTransform, z.ZodArray<T>> {
  const allowed = `a list of at most ${most}`
  const list = z.preprocess(
    (given) => (given === undefined || Array.isArray(given) ? given : [given]),
    z.array(element, { error: 'a list' }).max(most, { error: allowed }),
  )
  notes.add(list, { single: true })
  return list as z.ZodPipe<z.ZodTransform, z.ZodArray<T>>
}

/** An object of known keys; any other key is reported with the nearest known one. */
export function block<S extends z.ZodRawShape>(
  shape: S,
  { called, elsewhere = () => ({}), hidden = [] }: BlockOptions = {},
): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape).filter((key) => !hidden.includes(key))
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? JSON.stringify(issue.keys.map((key) => unknownKey(key, known, elsewhere())))
        : (called ?? `an object with ${orList(known)}`),
  })
}

/** What a block says of a key it does not know; the message of its issue is a list of these, as JSON. */
export interface UnknownKey {
  sentence: string
  /** The key of this block that must have been meant. */
  here?: string
  /** Or that of another, by its whole path. */
  there?: string
}

interface BlockOptions {
  /** What is allowed, in words; else the keys are named. */
  called?: string
  /** The whole path where a key belongs that is known, but not here. */
  elsewhere?: () => Readonly<Record<string, string>>
  /** Old names, taken but not recommended. */
  hidden?: readonly string[]
}

function unknownKey(key: string, known: readonly string[], elsewhere: Readonly<Record<string, string>>): UnknownKey {
  const unknown = `${shown(key)} is not a known key here and has no effect`
  const said = (place: string): string => (place.includes('.') ? place : `${place}, beside transfer`)
  const place = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined
  if (place !== undefined) return { sentence: `${unknown}; it belongs at ${said(place)}`, there: place }
  const here = nearest(key, known)
  if (here !== undefined) return { sentence: `${unknown}; did you mean ${here}?`, here }
  const near = nearest(key, Object.keys(elsewhere))
  const there = near === undefined ? undefined : elsewhere[near]
  return there === undefined ? { sentence: unknown } : { sentence: `${unknown}; did you mean ${said(there)}?`, there }
}

function orList(words: readonly string[]): string {
  const most = 6
  return words.length > most ? `${words.slice(0, most).join(', ')}, …` : words.join(', ')
}

/** A key that may be left out. @param byDefault what then holds, for editors; `settings_of.ts` applies it */
export function optional<T extends z.ZodType>(schema: T, meaning: string, byDefault?: unknown): z.ZodOptional<T> {
  const key = z.optional(schema)
  notes.add(key, {
    json: {
      description: byDefault === undefined ? meaning : `${meaning} Default: ${defaultText(byDefault)}.`,
      ...(byDefault === undefined ? {} : { default: byDefault }),
    },
  })
  return key
}

/** A key that is needed. @param schema a piece made for this key alone */
export function needed<T extends z.ZodType>(schema: T, meaning: string): T {
  const note = notes.get(schema)
  notes.remove(schema)
  notes.add(schema, { ...note, json: { ...note?.json, description: meaning } })
  return schema
}

function defaultText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Takes a short form too, which `expand` turns into the long one; what it can't turn it leaves, to be refused. */
export function orShort<T extends z.ZodType>(
  schema: T,
  short: JsonSchema,
  expand: (given: unknown) => unknown,
): z.ZodPipe<z.ZodTransform, T> {
  const both = z.preprocess(expand, schema)
  notes.add(both, { also: short })
  return both as z.ZodPipe<z.ZodTransform, T>
}

/** Keys under an old name move to their own; what stands under the own name wins. */
export function renamed<T extends object, K extends keyof T & string>(
  value: T,
  aliases: Readonly<Record<K, keyof T & string>>,
): Omit<T, K> {
  const result: Record<string, unknown> = { ...(value as Record<string, unknown>) }
  for (const [alias, name] of Object.entries(aliases) as [string, string][]) {
    if (result[alias] !== undefined && result[name] === undefined) result[name] = result[alias]
    delete result[alias]
  }
  return result as Omit<T, K>
}

type Context = z.core.$RefinementCtx

/** A problem between several keys, as a whole sentence. */
export function conflict(ctx: Context, path: PropertyKey[], sentence: string): void {
  ctx.issues.push({ code: 'custom', message: sentence, params: { sentence: true }, path, input: undefined })
}
