import type { Attributes } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'
import type { Headers } from './client.ts'
import { splitId } from './keys.ts'
import type { S3Settings } from './settings.ts'
import { textOf, type Xml } from './xml.ts'

/** Seconds since 1970 with a fraction: as rclone and others keep times, so each reads what the other wrote. */
const timeKey = 'x-amz-meta-mtime'
/** The staging that an object was published from; tells after a death whose it is. */
const markKey = 'x-amz-meta-stevedore-staging'
const second = 1_000_000_000n

export function container(id: string): Item {
  return { id, name: splitId(id).name, kind: 'container', sizeBytes: 0n }
}

/** Something whose name the server cannot tell: there, and out of reach. */
export function unnameable(id: string): Item {
  const special = 'a key that the server cannot tell in a listing'
  return { id, name: splitId(id).name, kind: 'special', special, sizeBytes: 0n }
}

export function itemOf(id: string, facts: Facts): Item {
  return { id, name: splitId(id).name, kind: 'item', ...facts }
}

/** What an answer to HEAD or GET says of an object. */
export function factsOf(headers: Headers, { times }: Pick<S3Settings, 'times'>): Facts {
  const stored = headers['last-modified']
  const carried = times === 'metadata' ? timeOf(headers[timeKey]) : undefined
  // Of a part of it, the size of the whole stands behind the range.
  const size = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? headers['content-length'] ?? '0'
  return facts(headers['etag'], BigInt(size), carried ?? (stored === undefined ? undefined : wholeSeconds(stored)))
}

/** What a listing says of one. */
export interface Listed {
  key: string
  sizeBytes: bigint
  facts: Facts
}

export function listedOf(entry: Xml, key: string): Listed {
  const sizeBytes = BigInt(textOf(entry, 'Size') ?? '0')
  const stored = textOf(entry, 'LastModified')
  return {
    key,
    sizeBytes,
    facts: facts(textOf(entry, 'ETag'), sizeBytes, stored === undefined ? undefined : wholeSeconds(stored)),
  }
}

/** Of an object that was written just now. */
export function writtenFacts(etag: string | undefined, sizeBytes: bigint, modifiedNs: bigint): Facts {
  return facts(etag, sizeBytes, modifiedNs)
}

function facts(etag: string | undefined, sizeBytes: bigint, modifiedNs: bigint | undefined): Facts {
  const version = etag?.replaceAll('"', '')
  return {
    ...(version ? { version } : {}),
    sizeBytes,
    ...(modifiedNs === undefined ? {} : { modifiedNs }),
  }
}

/** Answers to HEAD know no fractions; listings of some servers do. */
function wholeSeconds(date: string): bigint | undefined {
  const ms = Date.parse(date)
  return Number.isNaN(ms) ? undefined : BigInt(Math.floor(ms / 1000)) * second
}

export function timeOf(text: string | undefined): bigint | undefined {
  const [, sign, seconds, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d{1,18}))?$/.exec(text ?? '') ?? []
  if (seconds === undefined) return undefined
  const ns = BigInt(seconds) * second + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return sign === '-' ? -ns : ns
}

export function textOfTime(ns: bigint): string {
  const [sign, value] = ns < 0n ? ['-', -ns] : ['', ns]
  return `${sign}${value / second}.${String(value % second).padStart(9, '0')}`
}

/** The headers that carry attributes along, and the mark. */
export function metadataHeaders({ modifiedNs }: Attributes, mark: string): Headers {
  return { [markKey]: mark, ...(modifiedNs === undefined ? {} : { [timeKey]: textOfTime(modifiedNs) }) }
}

export function markOf(headers: Headers): string | undefined {
  return headers[markKey]
}

/** What has to be said again when an object is written over itself: it is all or nothing. */
export function keptHeaders(headers: Headers, { modifiedNs }: Attributes): Headers {
  const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-') || alongside.has(name))
  return { ...Object.fromEntries(kept), ...(modifiedNs === undefined ? {} : { [timeKey]: textOfTime(modifiedNs) }) }
}

const alongside = new Set([
  ...['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires'],
  ...['x-amz-website-redirect-location', 'x-amz-storage-class', 'x-amz-server-side-encryption'],
  'x-amz-server-side-encryption-aws-kms-key-id',
])

/** Whether an item is still what was planned against; by its etag when both are known. */
export function isAsExpected(now: Facts, expected: Facts): boolean {
  if (now.version !== undefined && expected.version !== undefined) return now.version === expected.version
  return now.sizeBytes === expected.sizeBytes && now.modifiedNs === expected.modifiedNs
}

export function refuseAttributes(attributes: Attributes, { times }: Pick<S3Settings, 'times'>): void {
  const lacking = (['createdNs', 'accessedNs', 'owner', 'group', 'permissions', 'metadata'] as const).find(
    (part) => attributes[part] !== undefined,
  )
  if (lacking) throw new ConnectorError('Unsupported', `S3 keeps no ${lacking}`)
  if (attributes.modifiedNs !== undefined && times === 'stored')
    throw new ConnectorError('Unsupported', 'this connection takes the times when things were stored for theirs')
}
