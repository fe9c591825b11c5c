import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  lstatSync,
  type BigIntStats,
} from 'node:fs'
import { join } from 'node:path'

interface Comparison {
  files: number
  folders: number
  bytes: bigint
  /** What is not the same, in words, with the path; at most `most` of them. */
  differences: string[]
  /** All of them, also those not in `differences`. */
  differing: number
}

interface CompareOptions {
  /** Modification times of folders too. */
  folderTimes?: boolean
  /** How far modification times may be apart. Node sets times from a double: less than a microsecond is lost. */
  toleranceNs?: bigint
  most?: number
  /** What may be on the right alone, by its path: there on purpose, and looked at elsewhere. */
  mayBeExtra?: (path: string) => boolean
  /** As `mayBeExtra`, on the left. */
  mayBeMissing?: (path: string) => boolean
}

/**
 * Whether two folders hold the same: names, kinds, sizes, modification times and every byte. It shares no code with the
 * product and believes neither ledger nor hashes: both sides are read.
 */
export function compareTrees(left: string, right: string, options: CompareOptions = {}): Comparison {
  const {
    folderTimes = true,
    toleranceNs = 1_000n,
    most = 20,
    mayBeExtra = () => false,
    mayBeMissing = () => false,
  } = options
  const result: Comparison = { files: 0, folders: 0, bytes: 0n, differences: [], differing: 0 }
  const differ = (path: string, what: string): void => {
    result.differing++
    if (result.differences.length < most) result.differences.push(`${path}: ${what}`)
  }
  const sameTime = (path: string, a: BigIntStats, b: BigIntStats): void => {
    const apart = a.mtimeNs - b.mtimeNs
    if (apart > toleranceNs || apart < -toleranceNs) differ(path, `modified ${apart} ns apart`)
  }

  const both = (path: string): void => {
    const [a, b] = [namesIn(join(left, path)), namesIn(join(right, path))]
    for (const name of b.keys())
      if (!a.has(name) && !mayBeExtra(join(path, name))) differ(join(path, name), 'is only on the right')
    for (const name of a.keys()) {
      if (b.has(name)) pair(join(path, name))
      else if (!mayBeMissing(join(path, name))) differ(join(path, name), 'is only on the left')
    }
  }

  const pair = (path: string): void => {
    const a = lstatSync(join(left, path), { bigint: true })
    const b = lstatSync(join(right, path), { bigint: true })
    const kind = kindOf(a)
    if (kind !== kindOf(b)) return differ(path, `${kind} on the left, ${kindOf(b)} on the right`)
    switch (kind) {
      case 'folder':
        result.folders++
        both(path)
        if (folderTimes) sameTime(path, a, b)
        return
      case 'file':
        result.files++
        result.bytes += a.size
        if (a.size !== b.size) differ(path, `${a.size} bytes on the left, ${b.size} on the right`)
        else if (!sameBytes(join(left, path), join(right, path))) differ(path, 'the bytes differ')
        return sameTime(path, a, b)
      case 'link':
        if (readlinkSync(join(left, path)) !== readlinkSync(join(right, path))) differ(path, 'leads elsewhere')
        return
      case 'special':
        return
    }
  }

  both('')
  return result
}

function namesIn(folder: string): Set<string> {
  return new Set(readdirSync(folder))
}

function kindOf(stats: BigIntStats): 'file' | 'folder' | 'link' | 'special' {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'folder'
  return stats.isSymbolicLink() ? 'link' : 'special'
}

const room = [Buffer.allocUnsafeSlow(1 << 20), Buffer.allocUnsafeSlow(1 << 20)] as const

function sameBytes(left: string, right: string): boolean {
  // O_NOATIME would need ownership; reading leaves modification times alone, which is what counts here.
  const a = openSync(left, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const b = openSync(right, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      for (;;) {
        const n = fill(a, room[0])
        const m = fill(b, room[1])
        if (n !== m || room[0].compare(room[1], 0, m, 0, n) !== 0) return false
        if (n < room[0].length) return true
      }
    } finally {
      closeSync(b)
    }
  } finally {
    closeSync(a)
  }
}

/** A read may come back short; the end of the file is where nothing comes. */
function fill(fd: number, into: Buffer): number {
  let filled = 0
  while (filled < into.length) {
    const n = readSync(fd, into, filled, into.length - filled, null)
    if (n === 0) break
    filled += n
  }
  return filled
}

/** One line per difference; empty when there is none. */
export function sayDifferences({ differences, differing }: Comparison): string {
  if (differing === 0) return ''
  const rest = differing - differences.length
  return differences.join('\n') + (rest > 0 ? `\n… and ${rest} more` : '')
}
