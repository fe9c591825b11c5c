import { closeSync, openSync, readFileSync, unlinkSync, type BigIntStats } from 'node:fs'
import { basename } from 'node:path'
import { ConnectorError } from '../errors.ts'
import { flags } from '../local/flags.ts'
import type { Folder } from './folders.ts'
import { childId, join } from './ids.ts'
import { statsOf } from './look.ts'
import type { Place } from './place.ts'
import { stagingName, writeAll } from './stage.ts'
import { errno } from '../local/trouble.ts'

/**
 * How a name is claimed where there are no hard links: a placeholder is made exclusively, so that who comes later finds the
 * name taken, and what was staged is renamed over it.
 *
 * A death leaves the placeholder. Its content, the name of the staging, says whose it is; but nothing that Node can call
 * makes a file together with its content, and an empty one may be somebody's. So the claim is announced first, in a file that
 * says which name, and an empty file is ours when it was made right after that, by the same account and as closed, and what
 * was staged is still there to be renamed over it.
 *
 * What remains: a death between the announcement and the placeholder, together with somebody who makes an empty file of that
 * name and mode in the next second (FAT: three) and leaves it empty. That file would be replaced. And of a process that is
 * stopped at this point for longer, and then killed, an empty file stays, which is a conflict like any file of somebody's.
 */
export interface Claim {
  folder: Folder
  name: string
  /** Of the staging that is to have the name. */
  key: string
}

/** The longest name a file system takes, each byte of it escaped. */
const longestName = 4096n
const rightAfterNs = 1_000_000_000n
/** Nobody is to read it; and most files that others make are more open than that. */
const mode = 0o600

/**
 * Takes the name, or finds that a process which died had taken it for this staging.
 *
 * @throws ConnectorError `Conflict`; `EEXIST` when somebody was quicker
 */
export function claim(place: Place, { folder, name, key }: Claim): void {
  const there = statsOf(folder, name)
  if (there) {
    if (isPlaceholder(place, { folder, name, key }, there)) return
    throw new ConnectorError('Conflict', 'something of that name exists', { id: childId(folder.id, name) })
  }
  announce(folder, name, key)
  let fd: number
  try {
    fd = openSync(join(folder.base, name), flags.create, mode)
  } catch (error) {
    retract(folder, key)
    throw error
  }
  fill(fd, stagingName(key))
}

export function isClaimed(place: Place, claim: Claim): boolean {
  const there = statsOf(claim.folder, claim.name)
  return there !== undefined && isPlaceholder(place, claim, there)
}

/** The name is free again if it is claimed, whatever name that is; and nothing is announced any more. */
export function unclaim(place: Place, folder: Folder, key: string): void {
  if (!announcementOf(folder, key)) return
  const name = announced(folder, key)
  // Anybody may have written into the folder: a name, and no way out of it.
  const inside = name === basename(name) && !name.includes('\0')
  if (inside && isClaimed(place, { folder, name, key })) remove(join(folder.base, name))
  retract(folder, key)
}

/** After what was staged has its name. */
export function retract(folder: Folder, key: string): void {
  if (announcementOf(folder, key)) remove(folder.base + announcementName(key))
}

export function remove(path: string | Buffer): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error
  }
}

function isPlaceholder(place: Place, { folder, name, key }: Claim, there: BigIntStats): boolean {
  if (!there.isFile()) return false
  const mark = stagingName(key)
  if (there.size > 0n) return there.size === BigInt(mark.length) && contentOf(folder, name) === mark
  const announcement = announcementOf(folder, key)
  // Without the staging it has been renamed already, and the empty file may be just that.
  if (!announcement || announced(folder, key) !== name || !statsOf(folder, mark)?.isFile()) return false
  const afterNs = there.mtimeNs - announcement.mtimeNs
  const rightAfter = afterNs >= 0n && afterNs <= rightAfterNs + place.shape.precisionNs
  return rightAfter && there.uid === announcement.uid && there.mode === announcement.mode
}

/** Beside the staging. No key has a tilde in it, so it is no other staging's name. */
function announcementName(key: string): string {
  return `${stagingName(key)}~`
}

function announcementOf(folder: Folder, key: string): BigIntStats | undefined {
  const stats = statsOf(folder, announcementName(key))
  return stats?.isFile() && stats.size <= longestName ? stats : undefined
}

function announced(folder: Folder, key: string): string {
  return contentOf(folder, announcementName(key))
}

function announce(folder: Folder, name: string, key: string): void {
  // One of a former death tells of then, and its time is what counts.
  retract(folder, key)
  fill(openSync(folder.base + announcementName(key), flags.create, mode), name)
}

function fill(fd: number, text: string): void {
  try {
    writeAll(fd, Buffer.from(text), 0)
  } finally {
    closeSync(fd)
  }
}

function contentOf(folder: Folder, name: string): string {
  const fd = openSync(join(folder.base, name), flags.read)
  try {
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}
