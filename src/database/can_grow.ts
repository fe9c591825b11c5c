import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync, unlinkSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

/** More than what fails for want of room: a page of a database, or of the index of its log. */
const growBytes = 64 * 1024

/**
 * Whether files of this folder can grow by 64 KiB. Tried, with a file that has no name any more: an exceeded quota is in no
 * statistics that `statfs` tells. Any other failure is none of room.
 */
export function canGrow(folder: string): boolean {
  try {
    const path = join(folder, `.room-${randomUUID()}`)
    const fd = openSync(path, 'wx')
    try {
      unlinkSync(path)
      writeFileSync(fd, Buffer.alloc(growBytes))
      // Over a network it may turn out only now.
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    return true
  } catch (error) {
    return !isNoRoom(error)
  }
}

/** A call of the file system failed because the disk or the quota is full. By number: Node has no name for EDQUOT. */
export function isNoRoom(error: unknown): boolean {
  const { errno } = (error ?? {}) as { errno?: unknown }
  return errno === -constants.errno.ENOSPC || errno === -constants.errno.EDQUOT
}
