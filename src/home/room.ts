import { statfsSync } from 'node:fs'

export interface Room {
  freeBytes: bigint
  /** True when the next batches of a job might not be recorded any more. */
  low: boolean
  /** One sentence for the pause reason. */
  sentence: string
}

const mebibyte = 1024n * 1024n

/** Below this a job pauses: the ledger's log must still fit, and the server's database grows beside it. */
const lowBytes = 256n * mebibyte

/** @param path a folder on the file system in question */
export function roomAt(path: string, low = lowBytes): Room {
  const { bavail, bsize, files, ffree } = statfsSync(path, { bigint: true })
  const freeBytes = bavail * bsize
  // Some file systems count no inodes: files is 0 there.
  if (files > 0n && ffree < 100n) {
    return { freeBytes, low: true, sentence: `${path} has room for only ${ffree} more files` }
  }
  const left = `${path} has ${freeBytes / mebibyte} MiB left`
  if (freeBytes < low) return { freeBytes, low: true, sentence: `${left}, at least ${low / mebibyte} are needed` }
  return { freeBytes, low: false, sentence: left }
}
