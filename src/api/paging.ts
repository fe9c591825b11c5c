import type { Paging } from '../catalog/catalog.ts'
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

/** `offset`, `limit` (100 unless said, 1,000 at most) and `q` of a list. */
export function paging(query: Query): Paging {
  const problems: Problem[] = []
  const offset = whole(query, 'offset', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 }, problems)
  const limit = whole(query, 'limit', { least: 1, most: maxLimit, otherwise: defaultLimit }, problems)
  if (problems.length > 0) throw new Unacceptable(problems)
  const q = text(query, 'q')
  return { offset, limit, ...(q === undefined ? {} : { q }) }
}

/** The last of several values given for one parameter; nothing for an absent or empty one. */
export function text(query: Query, name: string): string | undefined {
  const given = query[name]
  const value = Array.isArray(given) ? given.at(-1) : given
  return value === undefined || value === '' ? undefined : value
}

/** Values given with commas, by repeating the parameter, or both. */
export function list(query: Query, name: string): string[] {
  const given = query[name] ?? []
  return [given]
    .flat()
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')
}

/** True when bare, `1` or `true`; false when absent, `0` or `false`. */
export function flag(query: Query, name: string): boolean {
  const given = query[name]
  if (given === undefined) return false
  const value = Array.isArray(given) ? (given.at(-1) ?? '') : given
  if (['', '1', 'true'].includes(value)) return true
  if (['0', 'false'].includes(value)) return false
  throw new Unacceptable([
    { code: 'invalid', property: name, description: `${JSON.stringify(value)} is not one of 1, 0, true, false` },
  ])
}

export function oneOf<T extends string>(query: Query, name: string, allowed: readonly T[]): T | undefined {
  const value = text(query, name)
  if (value === undefined) return undefined
  const found = allowed.find((a) => a === value)
  if (found !== undefined) return found
  throw new Unacceptable([
    { code: 'invalid', property: name, description: `${JSON.stringify(value)} is not one of ${allowed.join(', ')}` },
  ])
}

interface Bounds {
  least: number
  most: number
  otherwise: number
}

function whole(query: Query, name: string, { least, most, otherwise }: Bounds, problems: Problem[]): number {
  const value = text(query, name)
  if (value === undefined) return otherwise
  const n = /^\d{1,16}$/.test(value) ? Number(value) : NaN
  if (n >= least && n <= most) return n
  const allowed = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
  problems.push({
    code: 'invalid',
    property: name,
    description: `${JSON.stringify(value)} is not a whole number, ${allowed}`,
  })
  return otherwise
}
