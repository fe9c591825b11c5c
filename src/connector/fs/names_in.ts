import { opendirSync, readdirSync, statfsSync, statSync, type Dir } from 'node:fs'
import { leadIn, nameOfBytes } from '../local/escape.ts'
import type { Folder } from './folders.ts'

const pageSize = 1000
/** Folders with at most this many bytes of names are read at once, which is three times faster for a few files. */
const atOnceBytes = 1n << 20n

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
export function* namesIn(folder: Folder): Generator<string[]> {
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
