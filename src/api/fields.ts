import { isObject } from '../json/json.ts'
import { list, type Query } from './query.ts'

/** Parameters of {@link wanted}. */
export const widening = ['fields', 'include']

/** What `fields=` (or `include=`) asks for: the sparse view, everything, or the sparse view and these besides. */
export function wanted(query: Query): { all: boolean; names: string[] } {
  const names = [...list(query, 'fields'), ...list(query, 'include')].filter((name) => name !== '')
  return { all: names.includes('all'), names }
}

/**
 * Narrows a whole entity to its sparse view, widened by what was asked for. A dotted name (`category.name`) takes one
 * part of a member; a name nobody knows takes nothing.
 */
export function view(
  whole: Record<string, unknown>,
  sparse: readonly string[],
  { all, names }: { all: boolean; names: string[] },
): Record<string, unknown> {
  if (all) return whole
  const out: Record<string, unknown> = Object.fromEntries(
    sparse.filter((name) => whole[name] !== undefined).map((name) => [name, whole[name]]),
  )
  for (const name of names) take(whole, name.split('.'), out)
  return out
}

function take(from: Record<string, unknown>, [first, ...rest]: string[], into: Record<string, unknown>): void {
  if (first === undefined || !Object.hasOwn(from, first)) return
  const value = from[first]
  if (rest.length === 0 || !isObject(value)) {
    into[first] = value
    return
  }
  const part = isObject(into[first]) && into[first] !== value ? into[first] : {}
  if (into[first] === value && value !== undefined) return
  take(value, rest, part)
  into[first] = part
}
