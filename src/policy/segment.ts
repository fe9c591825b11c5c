import type { Limit, NameRules } from '../connector/capabilities.ts'
import type { ItemKind } from '../connector/item.ts'
import type { Settings } from '../job/settings.ts'
import { conflictSuffix, nameHash } from './conflict_name.ts'
import type { Processing } from './decision.ts'
import { duplicateSuffix } from './duplicate_names.ts'
import { splitName } from './extension.ts'
import { nameKey, type NameKey } from './same_name.ts'
import { quoted, segmentRules } from './segment_transform.ts'
import { fits, segmentTruncate, taken } from './segment_truncate.ts'
import { fail, type Verdict } from './verdict.ts'

export type NameSettings = Pick<
  Settings,
  'segmentTransform' | 'encodeInvalidCharacters' | 'segmentTruncate' | 'duplicateNames'
> &
  Partial<Pick<Settings, 'transferType'>>

/** The name an item would have at the destination if it were alone there. */
export interface Segment {
  name: string
  processing?: Processing[]
  /** It has no name there; `name` is the source's. */
  verdict?: Verdict
}

/** Names of one destination, compiled from its rules and the job's settings. */
export interface Namer {
  readonly settings: NameSettings
  /** Equal for two names exactly when they are one at the destination. */
  readonly key: NameKey
  /** Whether a name needs nothing at all in a container with that much room. The fast path. */
  plain(name: string, room?: Room): boolean
  segment(name: string, kind: ItemKind, room?: Room): Segment
  /** The n-th duplicate of a name that the destination takes; undefined when it can't be made to fit. */
  duplicate(name: string, kind: ItemKind, n: number, room?: Room): string | undefined
  /** What a destination item is kept as when its name is taken from it; see `conflictName`. */
  conflict(name: string, modifiedNs: bigint | undefined, n: number, room?: Room): string | undefined
}

/** What a path's parents leave to its last segment. */
export interface Room {
  /** Undefined: as much as the segment's own limit. */
  path?: Limit
  /** The container itself is at the greatest depth. */
  tooDeep?: string
}

/** @param parents names above, as many as count towards the destination's path length and depth */
export function roomIn(rules: NameRules, parents: readonly string[]): Room | undefined {
  const { maxPath, maxDepth } = rules
  const tooDeep = maxDepth !== undefined && parents.length + 1 > maxDepth
  if (maxPath === undefined && !tooDeep) return undefined
  const room: Room = {}
  if (maxPath) {
    let n = maxPath.n
    for (const parent of parents) n -= taken(parent, maxPath) + 1
    room.path = { ...maxPath, n }
  }
  if (tooDeep) room.tooDeep = `it would be ${parents.length + 1} levels deep; the destination takes ${maxDepth}`
  return room
}

const compiled = new WeakMap<NameRules, WeakMap<NameSettings, Namer>>()

/** Compiled once for each pair of rules and settings. */
export function namerOf(rules: NameRules, settings: NameSettings): Namer {
  let bySettings = compiled.get(rules)
  if (!bySettings) compiled.set(rules, (bySettings = new WeakMap()))
  let namer = bySettings.get(settings)
  if (!namer) bySettings.set(settings, (namer = compileNamer(rules, settings)))
  return namer
}

/** The name of one segment at the destination, its siblings apart: `nameContainer` settles those. */
export function transformSegment(
  name: string,
  rules: NameRules,
  settings: NameSettings,
  kind: ItemKind = 'item',
): Segment {
  return namerOf(rules, settings).segment(name, kind)
}

function compileNamer(rules: NameRules, settings: NameSettings): Namer {
  const { problem, transform, filler } = segmentRules(rules)
  const style = settings.encodeInvalidCharacters ? 'encode' : 'underscore'
  const { maxSegment, maxStoredSegment } = rules

  const fitsAll = (name: string, room: Room | undefined): boolean =>
    fits(name, maxSegment) && fits(name, maxStoredSegment) && fits(name, room?.path)
  const plain = (name: string, room?: Room): boolean =>
    room?.tooDeep === undefined && problem(name) === undefined && fitsAll(name, room)

  const segment = (name: string, kind: ItemKind, room?: Room): Segment => {
    if (room?.tooDeep !== undefined) return { name, verdict: fail('name_too_long', room.tooDeep) }
    const wrong = problem(name)
    if (wrong === undefined && fitsAll(name, room)) return { name }
    if (wrong !== undefined && !settings.segmentTransform) return { name, verdict: fail('name_refused', wrong) }
    const right = wrong === undefined ? name : transform(name, style)
    if (right === undefined) return { name, verdict: fail('name_refused', wrong ?? '') }
    if (fitsAll(right, room)) return { name: right, processing: ['renamed'] }

    // A folder's name is never shortened to help the paths below it, only when it is too long itself.
    const mayCut = settings.segmentTruncate && (kind !== 'container' || fits(right, room?.path))
    const cut = mayCut ? shorten(right, kind, '', room) : undefined
    if (cut === undefined) return { name, verdict: fail('name_too_long', tooLong(right, room)) }
    return { name: cut, processing: right === name ? ['truncated'] : ['renamed', 'truncated'] }
  }

  const shorten = (name: string, kind: ItemKind, suffix: string, room: Room | undefined): string | undefined => {
    const [stem, extension] = kind === 'container' ? [name, ''] : splitName(name)
    const short = segmentTruncate(stem, suffix + extension, [maxSegment, maxStoredSegment, room?.path])
    if (short === undefined) return undefined
    // The cut may bare a space or period, or leave a reserved word.
    const right = problem(short) === undefined ? short : transform(short, 'underscore')
    return right !== undefined && fitsAll(right, room) ? right : undefined
  }

  const tooLong = (name: string, room: Room | undefined): string => {
    const segment = [maxSegment, maxStoredSegment].find((limit) => !fits(name, limit))
    const what = segment ? 'Segment' : 'Path'
    const limit = segment ?? (room?.path && rules.maxPath)
    return `${what} ${quoted(name)} exceeds maximum total length of ${limit?.n} ${limit?.unit}`
  }

  /** A suffix of ours may hold characters the destination refuses. */
  const clean = (suffix: string): string => {
    if (problem(`x${suffix}x`) === undefined) return suffix
    let out = ''
    for (const character of suffix) out += problem(`x${character}x`) === undefined ? character : filler
    return out
  }

  const withSuffix = (name: string, kind: ItemKind, suffix: string, room: Room | undefined): string | undefined => {
    const [stem, extension] = kind === 'container' ? [name, ''] : splitName(name)
    const whole = stem + suffix + extension
    if (plain(whole, room)) return whole
    const right = problem(whole) === undefined ? whole : transform(whole, 'underscore')
    if (right === undefined) return undefined
    return fitsAll(right, room) ? right : shorten(name, kind, suffix, room)
  }

  const countable = clean(duplicateSuffix(1)) !== clean(duplicateSuffix(2))
  const duplicate = (name: string, kind: ItemKind, n: number, room?: Room): string | undefined => {
    if (!countable) return undefined
    const suffix = duplicateSuffix(n)
    const named = withSuffix(name, kind, clean(suffix), room)
    // Cutting somebody's name to number it needs the same permission as cutting it at all.
    const cut = named !== undefined && named.length < name.length + suffix.length
    return cut && !settings.segmentTruncate ? undefined : named
  }

  const conflict = (name: string, modifiedNs: bigint | undefined, n: number, room?: Room): string | undefined => {
    const number = n === 1 ? '' : `${n}`
    const suffix = conflictSuffix(modifiedNs, number)
    const named = withSuffix(name, 'item', clean(suffix), room)
    if (named === undefined || named.length >= name.length + suffix.length) return named
    return withSuffix(name, 'item', clean(conflictSuffix(modifiedNs, `${nameHash(name)} ${number}`.trim())), room)
  }

  return { settings, key: nameKey(rules), plain, segment, duplicate, conflict }
}
