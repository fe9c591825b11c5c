import { isSecretPath, redact } from '../job/redact.ts'
import { isObject } from '../json/json.ts'

/** One difference between two documents. */
export interface Change {
  path: string
  before: unknown
  after: unknown
}

/** Where two JSON values differ, path by path; `undefined` where one has no such key. */
export function changes(before: unknown, after: unknown, path = ''): Change[] {
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys.flatMap((key) => changes(before[key], after[key], path === '' ? key : `${path}.${key}`))
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return before.flatMap((value, i) => changes(value, after[i], `${path}[${i}]`))
  return same(before, after) ? [] : [{ path, before, after }]
}

/** `transfer.large_item: "skip" → "fail"`; of what may be a secret only that it changed. */
export function sayChange(change: Change): string {
  return `${change.path}: ${sayValues(change)}`
}

/** The same for where the path stands on its own: `"skip" → "fail"`. */
export function sayValues(change: Change): string {
  return isSecretPath(change.path.split(/[.[\]]+/)) ? 'changed, and not shown' : sayOpenValues(change)
}

/** As `sayChange` does, of a place that is known to hold no secret. */
export function sayOpenChange(change: Change): string {
  return `${change.path}: ${sayOpenValues(change)}`
}

function sayOpenValues({ before, after }: Change): string {
  return `${shown(before)} → ${shown(after)}`
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((v, i) => changes(v, b[i]).length === 0)
  if (isObject(a) || isObject(b) || Array.isArray(a) || Array.isArray(b)) return false
  return a === b
}

function shown(value: unknown): string {
  const text = value === undefined ? '(absent)' : JSON.stringify(redact(value))
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
