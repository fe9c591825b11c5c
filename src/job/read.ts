import type { z } from 'zod'
import { maxDepth } from '../json/json.ts'
import { holdsSecret } from '../secret/secret_text.ts'
import { shown, withoutUserInfo } from '../secret/shown.ts'
import { keyPath, pathText, type Path, type Problem } from './problem.ts'
import { isSecretPath } from './redact.ts'
import type { UnknownKey } from './wire.ts'

type Read<T> = { ok: true; value: T; warnings: Problem[] } | { ok: false; problems: Problem[] }

export interface ReadOptions {
  /** Unknown keys are problems, not warnings. */
  strict?: boolean
}

const maxValues = 2_000_000
const maxProblems = 1_000

/**
 * Reads what somebody wrote by a schema: all problems at once. Unknown keys are warnings, and are kept where they were;
 * a null under a known key that takes none means the key was left out. Never throws, whatever is given.
 */
export function read<T>(schema: z.ZodType<T>, input: unknown, { strict = false }: ReadOptions = {}): Read<T> {
  const unreadable = refuseHostile(input)
  if (unreadable) return { ok: false, problems: [unreadable] }

  const unknown = new Map<string, Kept>()
  let current = input
  for (;;) {
    const parsed = schema.safeParse(current)
    const found = parsed.success ? [] : parsed.error.issues
    const removals: Path[] = []
    for (const issue of found) {
      const path = placeOf(issue.path, current)
      if (issue.code === 'unrecognized_keys') {
        const said = JSON.parse(issue.message) as UnknownKey[]
        issue.keys.forEach((key, i) => {
          const given = [...path.given, key]
          const value = (path.value as Record<string, unknown>)[key]
          removals.push(given)
          unknown.set(pathText(given), {
            read: [...issue.path, key],
            value,
            problem: unknownKeyProblem(given, value, said[i]!),
          })
        })
      } else if (path.value === null && typeof path.given.at(-1) === 'string') removals.push(path.given)
    }
    if (removals.length > 0) {
      current = without(current, removals)
      continue
    }
    const warnings = [...unknown.values()].map(({ problem }) => problem)
    const problems = found.map((issue) => problemOf(issue, current)).map((problem) => hinted(problem, unknown))
    if (strict) problems.push(...warnings)
    if (problems.length > 0 || !parsed.success) return { ok: false, problems: capped(problems) }
    for (const { read: at, value } of unknown.values()) putBack(parsed.data, at, value)
    return { ok: true, value: parsed.data, warnings: capped(warnings) }
  }
}

/** An unknown key, out of the way while the rest is read. */
interface Kept {
  /** Where it goes in what was read, which is where it was unless a single value became a list. */
  read: Path
  value: unknown
  problem: Problem
}

function unknownKeyProblem(path: Path, value: unknown, { sentence, here, there }: UnknownKey): Problem {
  const around = keyPath(path.slice(0, -1))
  const meant = here === undefined ? there : around === '' ? here : `${around}.${here}`
  return {
    path: pathText(path),
    message: sentence,
    unknown: { in: around, key: String(path.at(-1)), value, ...(meant === undefined ? {} : { meant }) },
  }
}

function problemOf(issue: z.core.$ZodIssue, input: unknown): Problem {
  const { given: path, value } = placeOf(issue.path, input)
  const params = issue.code === 'custom' ? issue.params : undefined
  if (params?.['sentence'] === true) return { path: pathText(path), message: issue.message }
  const allowed = (params?.['allowed'] as string | readonly string[] | undefined) ?? issue.message
  if (value === undefined) return { path: pathText(path), message: `is missing; it takes ${issue.message}`, allowed }
  if (isSecretPath(path) && !isIdInPlace(path, value))
    return { path: pathText(path), message: `what was given is not ${issue.message}`, allowed }
  const text = typeof value === 'string' ? withoutUserInfo(value) : ''
  const short = typeof value !== 'object' && text.length <= 200 && !holdsSecret(text)
  return {
    path: pathText(path),
    message: `${shown(value)} is not ${issue.message}`,
    ...(short ? { given: typeof value === 'string' ? text : value } : {}),
    allowed,
  }
}

/** An id, or a name, where an object that holds it belongs: too plain for a connection string, too short for a key. */
function isIdInPlace(path: Path, value: unknown): boolean {
  if (path.at(-1) !== 'connection' || typeof value !== 'string') return false
  return /^[\w-]{1,16}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
}

/** What is missing may be there under a mistyped name. */
function hinted(problem: Problem, unknown: ReadonlyMap<string, Kept>): Problem {
  if (!problem.message.startsWith('is missing')) return problem
  const at = problem.path.replace(/\[\d+\]/g, '')
  const mistyped = [...unknown.values()].find((kept) => kept.problem.unknown?.meant === at)
  return mistyped ? { ...problem, message: `${problem.message}; was it meant by ${mistyped.problem.path}?` } : problem
}

/**
 * The path of an issue as it stands in what was given: a single value that was read as a list has no index, a short form
 * no keys inside.
 */
function placeOf(path: Path, input: unknown): { given: Path; value: unknown } {
  const given: PropertyKey[] = []
  let at: unknown = input
  for (const step of path) {
    if (typeof step === 'number' && !Array.isArray(at)) continue
    if (typeof at !== 'object' || at === null) break
    given.push(step)
    at = Object.hasOwn(at, step) ? (at as Record<PropertyKey, unknown>)[step] : undefined
    if (at === undefined) break
  }
  return { given, value: at }
}

/** A copy that lacks those keys; only what leads to them is copied. */
function without(input: unknown, paths: readonly Path[]): unknown {
  const copied = new Map<unknown, object>()
  const copyOf = (value: object): object => {
    const there = copied.get(value)
    if (there) return there
    const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...value }
    copied.set(value, copy).set(copy, copy)
    return copy
  }
  const root = copyOf(input as object)
  for (const path of paths) {
    let at = root as Record<PropertyKey, unknown>
    for (const step of path.slice(0, -1)) at = (at[step] = copyOf(at[step] as object)) as Record<PropertyKey, unknown>
    delete at[path.at(-1)!]
  }
  return root
}

/** A key inside an old name that moved away stays out: nothing there reads it, and what was posted is kept as posted. */
function putBack(root: unknown, path: Path, value: unknown): void {
  let at = root
  for (const step of path.slice(0, -1)) {
    if (typeof at !== 'object' || at === null) return
    at = (at as Record<PropertyKey, unknown>)[step]
  }
  if (typeof at === 'object' && at !== null && !Object.hasOwn(at, path.at(-1)!))
    (at as Record<PropertyKey, unknown>)[path.at(-1)!] = value
}

function capped(problems: Problem[]): Problem[] {
  if (problems.length <= maxProblems) return problems
  const more = problems.length - maxProblems
  return [...problems.slice(0, maxProblems), { path: '', message: `and ${more} more of the kind` }]
}

/** What no schema should have to look at: too deep, too much, circular, or not JSON at all. */
function refuseHostile(input: unknown): Problem | undefined {
  const waiting: { value: unknown; path: Path }[] = [{ value: input, path: [] }]
  let values = 0
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, path } = next
    if (++values > maxValues) return { path: '', message: `holds more than ${maxValues} values` }
    if (path.length > maxDepth)
      return { path: pathText(path.slice(0, 8)), message: `is nested deeper than ${maxDepth} levels` }
    if (typeof value === 'number' && !Number.isFinite(value))
      return { path: pathText(path), message: `${value} is not a number of JSON` }
    if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
      return { path: pathText(path), message: `a ${typeof value} is not JSON` }
    if (typeof value !== 'object' || value === null) continue
    const isList = Array.isArray(value)
    if (!isList && !isPlain(value)) return { path: pathText(path), message: 'is not a plain JSON object' }
    if (isList) for (const [i, inner] of value.entries()) waiting.push({ value: inner, path: [...path, i] })
    else
      for (const [key, inner] of Object.entries(value)) {
        if (key === '__proto__') return { path: pathText([...path, key]), message: 'no key may be called "__proto__"' }
        waiting.push({ value: inner, path: [...path, key] })
      }
  }
  return undefined
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype as object) === null
}
