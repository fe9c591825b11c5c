import type { Facts, Item } from '../item.ts'

const second = 1_000_000_000n

/** What the server tells of one item. */
export interface Entry {
  name: string
  isContainer: boolean
  sizeBytes: bigint
  modifiedNs: bigint | undefined
  etag: string | undefined
  /** `oc:fileid`: stays through renames. */
  fileId: string | undefined
  sha1: string | undefined
}

export function itemOf(id: string, entry: Entry): Item {
  const { name, isContainer, fileId } = entry
  const identity = fileId === undefined ? {} : { identity: fileId }
  if (isContainer) return { id, name, kind: 'container', sizeBytes: 0n, ...identity }
  return { id, name, kind: 'item', ...factsOf(entry) }
}

/**
 * The etag of Infinite Scale is made of id and time alone, so that a content with the time of the former has its etag, too:
 * the checksum tells them apart.
 */
export function factsOf({ etag, sha1, fileId, sizeBytes, modifiedNs }: Omit<Entry, 'name' | 'isContainer'>): Facts {
  return {
    ...(fileId === undefined ? {} : { identity: fileId }),
    ...(etag === undefined ? {} : { version: sha1 === undefined ? etag : `${etag} ${sha1}` }),
    sizeBytes,
    ...(modifiedNs === undefined ? {} : { modifiedNs }),
  }
}

export function etagOf({ version }: Facts): string | undefined {
  return version?.split(' ', 1)[0]
}

export function sha1Of({ version }: Facts): string | undefined {
  return version?.split(' ')[1]
}

/** Whether an item is still what was planned against. */
export function isAsExpected(now: Facts, expected: Facts): boolean {
  if (now.identity !== expected.identity || now.sizeBytes !== expected.sizeBytes) return false
  return now.version !== undefined && expected.version !== undefined
    ? now.version === expected.version
    : now.modifiedNs === expected.modifiedNs
}

/** Whole seconds, which is what is told again. */
export function secondsOf(ns: bigint): bigint {
  return (ns - (((ns % second) + second) % second)) / second
}
