import type { Capabilities } from '../../connector/capabilities.ts'
import type { Facts, Item } from '../../connector/item.ts'
import type { ChildRow } from '../../ledger/sqlite/reader_types.ts'
import { carriedTimes, timeLeftOut, timesPreserved } from '../../policy/timestamps.ts'
import type { Settings } from '../../job/settings.ts'
import type { Finding } from './difference.ts'

/** What both sides can hold of a modified time; undefined when it is not carried. */
export interface ComparableTimes {
  itemsNs: bigint | undefined
  containersNs: bigint | undefined
  /** Of the destination. */
  range: Capabilities['times']['range'] | undefined
}

/** Times are compared only where the job carries them, and no finer than the coarser of both sides keeps them. */
export function comparableTimes(
  settings: Pick<Settings, 'timestamps'>,
  source: Capabilities['times'],
  destination: Capabilities['times'],
): ComparableTimes {
  if (!timesPreserved(settings.timestamps, source, destination))
    return { itemsNs: undefined, containersNs: undefined, range: undefined }
  const coarser = source.precisionNs > destination.precisionNs ? source.precisionNs : destination.precisionNs
  return {
    itemsNs: coarser,
    containersNs: carriedTimes(settings.timestamps, destination).containers ? coarser : undefined,
    range: destination.range,
  }
}

/** Content, times and permissions at the destination are of our making: not adopted, nor merged with. */
export function isOurs(row: ChildRow): boolean {
  if (row.kind === 'container') return row.madeIn !== undefined
  return (row.action !== 'adopt' && row.action !== 'none') || (row.hash !== undefined && row.hash !== '')
}

/** Owner and permissions of both sides are those of when it was transferred. */
export function hasAccessOf({ source, destination }: ChildRow, from: Item, to: Item): boolean {
  return source.facets !== undefined && source.facets === from.facets && destination?.facets === to.facets
}

/** Everything that two listings and a row tell of a pair without opening it. */
export function pairFindings(row: ChildRow, from: Item, to: Item, times: ComparableTimes): Finding[] {
  if (from.kind !== to.kind)
    return [{ kind: 'kind', message: `${words[from.kind]} at the source, ${words[to.kind]} at the destination` }]
  const findings = [...sizeFindings(from, to), ...linkFindings(from, to)]
  if (isOurs(row)) findings.push(...timeFindings(from, to, times))
  // A change of the destination that shows already needs no second line.
  return findings.length > 0 ? findings : destinationFindings(row, to)
}

/** @returns nothing when the source is as it was when it was transferred */
export function sourceFindings(row: ChildRow, from: Item): Finding[] {
  if (row.kind !== from.kind) return [sinceThen('source', [`was ${words[row.kind]}, is ${words[from.kind]}`])]
  if (row.kind === 'container') return []
  const changes = changesOf(row.source, from)
  return changes.length === 0 ? [] : [sinceThen('source', changes)]
}

function destinationFindings({ destination, kind }: ChildRow, to: Item): Finding[] {
  if (!destination || kind === 'container') return []
  const changes = changesOf(destination, to)
  return changes.length === 0 ? [] : [sinceThen('destination', changes)]
}

function sinceThen(side: 'source' | 'destination', changes: readonly string[]): Finding {
  return { kind: 'ledger', message: `changed at the ${side} since it was transferred: ${changes.join(', ')}` }
}

/** Facts that both state; identities may change when a volume is mounted anew, change times when nothing else does. */
function changesOf(then: Facts, now: Facts): string[] {
  const changes: string[] = []
  if (then.sizeBytes !== now.sizeBytes) changes.push(`size ${then.sizeBytes}, now ${now.sizeBytes}`)
  if (differs(then.modifiedNs, now.modifiedNs))
    changes.push(`modified ${moment(then.modifiedNs)}, now ${moment(now.modifiedNs)}`)
  if (differs(then.hash, now.hash)) changes.push(`SHA-256 ${then.hash}, now ${now.hash}`)
  if (differs(then.version, now.version)) changes.push(`version ${then.version}, now ${now.version}`)
  return changes
}

function differs<T>(then: T | undefined, now: T | undefined): boolean {
  return then !== undefined && now !== undefined && then !== now
}

function sizeFindings(from: Item, to: Item): Finding[] {
  if (from.kind !== 'item' || from.sizeBytes === to.sizeBytes) return []
  return [{ kind: 'size', message: `${from.sizeBytes} bytes at the source, ${to.sizeBytes} at the destination` }]
}

function linkFindings(from: Item, to: Item): Finding[] {
  if (from.kind !== 'link' || from.linkTarget === to.linkTarget) return []
  const [a, b] = [JSON.stringify(from.linkTarget), JSON.stringify(to.linkTarget)]
  return [{ kind: 'link', message: `leads to ${a} at the source, to ${b} at the destination` }]
}

export function timeFindings(from: Item, to: Item, { itemsNs, containersNs, range }: ComparableTimes): Finding[] {
  const precisionNs = from.kind === 'container' ? containersNs : itemsNs
  if (precisionNs === undefined || from.modifiedNs === undefined || to.modifiedNs === undefined) return []
  if (timeLeftOut(range, from.modifiedNs) !== undefined) return []
  const apart = from.modifiedNs - to.modifiedNs
  if (apart <= precisionNs && -apart <= precisionNs) return []
  const [a, b] = [moment(from.modifiedNs), moment(to.modifiedNs)]
  return [{ kind: 'times', message: `modified ${a} at the source, ${b} at the destination` }]
}

const words = { item: 'a file', container: 'a folder', link: 'a symbolic link', special: 'a special file' } as const

function moment(ns: bigint | undefined): string {
  if (ns === undefined) return 'at no known time'
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const date = new Date(Number((ns - fraction) / 1_000_000n))
  if (Number.isNaN(date.getTime())) return `${ns} ns after 1970`
  return `${date.toISOString().slice(0, -5)}.${String(fraction).padStart(9, '0')}Z`
}
