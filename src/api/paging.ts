import type { FastifyRequest } from 'fastify'
import type { Paging } from '../catalog/catalog.ts'
import { nearest } from '../job/nearest.ts'
import { pathText } from '../job/problem.ts'
import { holdsSecret } from '../secret/secret_text.ts'
import { shown } from '../secret/shown.ts'
import { Unacceptable, type Problem } from '../problem.ts'

export type Query = Record<string, string | string[] | undefined>

export interface PageOf {
  offset: number
  limit: number
  total: number
  fields?: string[]
}

const defaultLimit = 100
const maxLimit = 1_000

/** Parameters of {@link paging}. */
export const pages = ['offset', 'limit', 'q']
/** Parameters that take several values: with commas, by repeating them, or both (reference: jobs-api 1). */
const lists = ['status', 'item_status', 'id', 'fields', 'include']

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

/** `offset`, `limit` (100 unless said, 1,000 at most) and `q` of a list. */
export function paging(query: Query): Paging {
  const problems: Problem[] = []
  const offset = whole(query, 'offset', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 }, problems)
  const limit = whole(query, 'limit', { least: 1, most: maxLimit, otherwise: defaultLimit }, problems)
  if (problems.length > 0) throw new Unacceptable(problems)
  const q = text(query, 'q')
  return { offset, limit, ...(q === undefined ? {} : { q }) }
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

/** True when bare, `1` or `true`; false when absent, `0` or `false`. */
export function flag(query: Query, name: string): boolean {
  const value = single(query, name)
  if (value === undefined) return false
  if (['', '1', 'true'].includes(value)) return true
  if (['0', 'false'].includes(value)) return false
  throw new Unacceptable([
    { code: 'invalid', property: name, description: `${shown(value)} is not one of 1, 0, true, false` },
  ])
}

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

interface Bounds {
  least: number
  most: number
  otherwise: number
}

function whole(query: Query, name: string, { least, most, otherwise }: Bounds, problems: Problem[]): number {
  const value = single(query, name)
  if (value === undefined) return otherwise
  const n = /^\d{1,16}$/.test(value) ? Number(value) : NaN
  if (n >= least && n <= most) return n
  const allowed = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
  problems.push({
    code: 'invalid',
    property: name,
    description: `${shown(value)} is not a whole number, ${allowed}`,
  })
  return otherwise
}
