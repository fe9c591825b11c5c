import { opendirSync, readdirSync, statfsSync, statSync, type Dir } from 'node:fs'
import type { Page } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facet, Item } from '../item.ts'
import { leadIn, nameOfBytes } from '../local/escape.ts'
import type { Folder } from './folders.ts'
import { describe, lookAt, statsOf } from './look.ts'
import { isStale, troubleIn, type Place } from './place.ts'
import { errno } from '../local/trouble.ts'

const pageSize = 1000
/** Folders with at most this many bytes of names are read at once, which is three times faster for a few files. */
const atOnceBytes = 1n << 20n

/**
 * Children in pages, in no order. `complete` only when every name was read and looked at, in the folder that still has this
 * id under the root that still is the root. A name that vanishes between the two is no child any more.
 */
export function* list(place: Place, id: string, want: readonly Facet[]): Generator<Page> {
  let folder: Folder
  try {
    folder = place.folders.fresh(id)
  } catch (error) {
    throw troubleIn(place, error, id)
  }
  const { folders } = place
  folders.hold(folder)
  try {
    let page: Item[] | undefined
    for (const names of namesOf(folder)) {
      if (page) yield { items: page, complete: false }
      page = describeAll(place, folder, names, want)
    }
    if (isStale(folder)) throw Object.assign(new Error('removed while it was listed'), { code: 'ENOENT' })
    place.root.check()
    yield { items: page ?? [], complete: true }
  } catch (error) {
    throw troubleIn(place, error, id)
  } finally {
    folders.release(folder)
  }
}

function describeAll(place: Place, folder: Folder, names: readonly string[], want: readonly Facet[]): Item[] {
  const items: Item[] = []
  for (const name of names) {
    const stats = statsOf(folder, name)
    if (!stats) continue
    try {
      items.push(describe(place, { folder, name, stats }, want))
    } catch (error) {
      const item = again(place, folder, name, want, error)
      if (item) items.push(item)
    }
  }
  return items
}

/** Gone, no link any more, without the ACL it had a moment ago, another file. */
const seenElsewhere: ReadonlySet<string> = new Set(['ENOENT', 'EINVAL', 'ENODATA', 'ChangedWhileRead'])

/** A second look at a child that was replaced or removed between two looks; its loss is not the folder's. */
function again(place: Place, folder: Folder, name: string, want: readonly Facet[], error: unknown): Item | undefined {
  const number = errno(error)
  const moved = seenElsewhere.has(number ?? '')
  if (!moved || isStale(folder)) throw error
  try {
    return lookAt(place, folder, name, want)
  } catch (second) {
    if (errno(second) !== 'ENOENT') throw second
    throw new ConnectorError('ItemFailed', `${JSON.stringify(name)} keeps changing while it is listed`, {
      id: folder.id,
    })
  }
}

/**
 * File systems that say how long a folder's list of names is; elsewhere a million may hide behind "4096 bytes". overlayfs
 * only says it of its upper layer.
 */
const saysLength: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x01021994, // tmpfs
  0x58465342, // XFS
  0x9123683e, // Btrfs
])

/** By device: what lies below the root may be mounted from elsewhere. */
const lengthKnown = new Map<bigint, boolean>()

function isSmall(folder: Folder): boolean {
  const { dev, size } = statSync(`${folder.base}.`, { bigint: true })
  if (size > atOnceBytes) return false
  let known = lengthKnown.get(dev)
  if (known === undefined) lengthKnown.set(dev, (known = saysLength.has(statfsSync(folder.base).type)))
  return known
}

/** All names, at most a page at a time; nothing for an empty folder. */
export function* namesOf(folder: Folder): Generator<string[]> {
  if (!isSmall(folder)) return yield* streamed(folder)
  let names = readdirSync(folder.base)
  if (names.some((name) => name.includes(leadIn))) names = readdirSync(folder.base, 'buffer').map(nameOfBytes)
  if (names.length <= pageSize) return names.length > 0 ? yield names : undefined
  for (let from = 0; from < names.length; from += pageSize) yield names.slice(from, from + pageSize)
}

function* streamed(folder: Folder): Generator<string[]> {
  // The types know text names only.
  const directory = opendirSync(folder.base, { encoding: 'buffer' as BufferEncoding, bufferSize: pageSize })
  try {
    for (let names = nextNames(directory); names.length > 0; names = nextNames(directory)) yield names
  } finally {
    directory.closeSync()
  }
}

function nextNames(directory: Dir): string[] {
  const names: string[] = []
  while (names.length < pageSize) {
    const entry = directory.readSync()
    if (!entry) break
    names.push(textOf(entry.name as unknown as Buffer))
  }
  return names
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString()
  return text.includes(leadIn) ? nameOfBytes(bytes) : text
}
