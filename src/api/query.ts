import type { FastifyRequest } from 'fastify'
import { nearest } from '../job/nearest.ts'
import { pathText } from '../job/problem.ts'
import { holdsSecret } from '../secret/secret_text.ts'
import { shown } from '../secret/shown.ts'
import { Unacceptable, type Problem } from '../problem.ts'

export type Query = Record<string, string | string[] | undefined>

/** Parameters that take several values: with commas, by repeating them, or both (reference: jobs-api 1). */
const lists = ['status', 'item_status', 'reason', 'id', 'fields', 'include']

/**
 * The parameters of a request. One that is passed over could be the one that matters: a list would show what it was not
 * asked for.
 *
 * @throws Unacceptable naming each that is not known, with those that are, and each that is given twice and takes one value
 */
export function queryOf(request: FastifyRequest, known: readonly string[]): Query {
  const query = request.query as Query
  const problems: Problem[] = []
  for (const [property, given] of Object.entries(query)) {
    if (!known.includes(property))
      problems.push({
        code: 'invalid',
        property: holdsSecret(property) ? pathText([property]) : property,
        description: unknown(property, known),
      })
    else if (Array.isArray(given) && !lists.includes(property))
      problems.push({ code: 'invalid', property, description: `is given ${given.length} times, and takes one value` })
  }
  if (problems.length > 0) throw new Unacceptable(problems)
  return query
}

function unknown(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'is no parameter here: there are none'
  const meant = nearest(name, known)
  return `is no parameter here${meant === undefined ? '' : `, did you mean ${meant}?`}; there are ${known.join(', ')}`
}

/** What was read, without what was absent. */
type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/**
 * Reads several parameters.
 *
 * @throws Unacceptable with all that is wrong with any of them
 */
export function together<T>(readings: { [K in keyof T]: () => T[K] }): Given<T> {
  const given: Partial<Record<keyof T, unknown>> = {}
  const problems: Problem[] = []
  for (const name in readings) {
    try {
      const value = readings[name]()
      if (value !== undefined) given[name] = value
    } catch (error) {
      if (!(error instanceof Unacceptable)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new Unacceptable(problems)
  return given as unknown as Given<T>
}

/**
 * The one value of a parameter; undefined when it is absent.
 *
 * @throws Unacceptable when it is empty: taken for absent, a list would show what it was not asked for
 */
export function text(query: Query, name: string): string | undefined {
  const value = single(query, name)
  if (value !== '') return value
  throw new Unacceptable([
    { code: 'invalid', property: name, description: 'is empty; it takes a text, or is left out' },
  ])
}

/** As it was given, empty too; {@link queryOf} has refused a second one. */
export function single(query: Query, name: string): string | undefined {
  return [query[name]].flat().at(-1)
}

/** Values given with commas, by repeating the parameter, or both; an empty one only where there is no other. */
export function list(query: Query, name: string): string[] {
  const given = query[name]
  if (given === undefined) return []
  const values = [given]
    .flat()
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')
  return values.length === 0 ? [''] : values
}

export function ifGiven<T, R>(value: T | undefined, then: (value: T) => R): R | undefined {
  return value === undefined ? undefined : then(value)
}

/** True when bare, `1` or `true`; false when absent, `0` or `false`. */
export function flag(query: Query, name: string): boolean {
  return maybeFlag(query, name) ?? false
}

/** The same; undefined when it is absent. */
export function maybeFlag(query: Query, name: string): boolean | undefined {
  const value = single(query, name)
  if (value === undefined) return undefined
  if (['', '1', 'true'].includes(value)) return true
  if (['0', 'false'].includes(value)) return false
  throw new Unacceptable([
    { code: 'invalid', property: name, description: `${shown(value)} is not one of 1, 0, true, false` },
  ])
}

/** @throws Unacceptable when it is given, and none of them */
export function oneOf<T extends string>(query: Query, name: string, allowed: readonly T[]): T | undefined {
  const value = single(query, name)
  return value === undefined ? undefined : wordOf(value, allowed, name)
}

/** @throws Unacceptable when it is none of them */
export function wordOf<T extends string>(value: string, allowed: readonly T[], property: string): T {
  const found = allowed.find((a) => a === value)
  if (found !== undefined) return found
  throw new Unacceptable([
    { code: 'invalid', property, description: `${shown(value)} is not one of ${allowed.join(', ')}` },
  ])
}

/** Limits of {@link whole}; none: 0 and more. */
interface Bounds {
  least?: number
  most?: number
}

/** A whole number. */
export function whole(query: Query, name: string, bounds: Bounds = {}): number | undefined {
  const value = single(query, name)
  return value === undefined ? undefined : wholeOf(value, name, bounds)
}

/** @throws Unacceptable when it is none, or out of bounds */
export function wholeOf(value: string, property: string, { least = 0, most }: Bounds = {}): number {
  const n = /^\d{1,15}$/.test(value) ? Number(value) : NaN
  if (n >= least && n <= (most ?? Infinity)) return n
  const allowed = most === undefined ? `${least} or more` : `${least} to ${most}`
  throw new Unacceptable([
    { code: 'invalid', property, description: `${shown(value)} is not a whole number, ${allowed}` },
  ])
}
