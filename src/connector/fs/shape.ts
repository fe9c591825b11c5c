import { statfsSync, type BigIntStats, type Stats } from 'node:fs'
import type { Facts, Item, ItemKind } from '../item.ts'
import { ConnectorError } from '../errors.ts'
import type { Root } from './root.ts'
import { precisionOn } from './times.ts'

const typeMask = 0o170000n
const specials: ReadonlyMap<bigint, string> = new Map([
  [0o010000n, 'fifo'],
  [0o140000n, 'socket'],
  [0o020000n, 'character device'],
  [0o060000n, 'block device'],
])

/** overlayfs, FUSE: a birth time there may change with the first write, so it identifies nothing. */
const bornAgain: ReadonlySet<number> = new Set([0x794c7630, 0x65735546])

/** Turns what the system says of a file into facts. */
export class Shape {
  /** Of the times stated here. */
  readonly precisionNs: bigint
  readonly #dev: bigint
  readonly #device: number
  readonly #births: boolean
  /** Of the person whose place it is. */
  readonly #uid: bigint | undefined
  #mode = -1n
  #owner = -1n
  #group = -1n
  #facets = ''

  constructor(root: Root, uid?: bigint) {
    this.#dev = root.dev
    this.#device = Number(root.dev)
    const fileSystem = statfsSync(root.path).type
    this.precisionNs = precisionOn(fileSystem)
    this.#births = !bornAgain.has(fileSystem)
    this.#uid = uid
  }

  kind(stats: BigIntStats): ItemKind {
    switch (stats.mode & typeMask) {
      case 0o100000n:
        return 'item'
      case 0o040000n:
        return 'container'
      case 0o120000n:
        return 'link'
      default:
        return 'special'
    }
  }

  /**
   * Inode and birth time on the root's own file system: device numbers change with a reboot, inodes are reused. Elsewhere
   * (a mount below the root, no birth times) device and inode.
   */
  identity(stats: BigIntStats): string {
    if (stats.dev === this.#dev && this.#births && stats.birthtimeNs > 0n) return `${stats.ino}.${stats.birthtimeNs}`
    return `${stats.dev}:${stats.ino}`
  }

  /** `<mode>:<uid>:<gid>`; neighbours mostly share one. */
  facets(stats: BigIntStats): string {
    const { mode, uid, gid } = stats
    if (mode !== this.#mode || uid !== this.#owner || gid !== this.#group) {
      this.#mode = mode
      this.#owner = uid
      this.#group = gid
      this.#facets = `${(mode & 0o7777n).toString(8)}:${uid}:${gid}`
    }
    return this.#facets
  }

  item(id: string, name: string, stats: BigIntStats): Item {
    const kind = this.kind(stats)
    const item: Item = {
      id,
      name,
      kind,
      identity: this.identity(stats),
      sizeBytes: kind === 'item' ? stats.size : 0n,
      modifiedNs: stats.mtimeNs,
      changedNs: stats.ctimeNs,
      facets: this.facets(stats),
      accessedNs: stats.atimeNs,
      hidden: name.charCodeAt(0) === 46,
    }
    if (this.#uid !== undefined) item.shared = stats.uid !== this.#uid
    if (stats.birthtimeNs > 0n) item.createdNs = stats.birthtimeNs
    if (kind === 'item') {
      if (stats.nlink > 1n) item.linkCount = Number(stats.nlink)
      if (stats.blocks * 512n < stats.size) item.sparse = true
    } else if (kind === 'special') item.special = specials.get(stats.mode & typeMask) ?? 'unknown kind of file'
    return item
  }

  /**
   * What is no longer as expected, in words; undefined when all is. Size and times of a container change with its
   * children, so it is only asked who it is.
   */
  difference(expected: Facts, stats: BigIntStats): string | undefined {
    if ((stats.mode & typeMask) !== 0o040000n) {
      const size = (stats.mode & typeMask) === 0o100000n ? stats.size : 0n
      if (expected.sizeBytes !== size) return `${size} bytes, not ${expected.sizeBytes}`
      if (expected.modifiedNs !== undefined && expected.modifiedNs !== stats.mtimeNs) return 'another modification time'
      if (expected.changedNs !== undefined && expected.changedNs !== stats.ctimeNs) return 'another change time'
    }
    if (expected.identity !== undefined && expected.identity !== this.identity(stats)) return 'another file'
    return undefined
  }

  /**
   * True when a file is certain to be as expected; else `difference` says. Times in milliseconds are good to a microsecond,
   * and of what changed less than that ago nobody takes the facts for settled.
   */
  isStill({ sizeBytes, modifiedNs, changedNs, identity }: Facts, stats: Stats): boolean {
    return (
      stats.isFile() &&
      stats.size === Number(sizeBytes) &&
      changedNs !== undefined &&
      isAt(stats.ctimeMs, changedNs) &&
      modifiedNs !== undefined &&
      isAt(stats.mtimeMs, modifiedNs) &&
      identity !== undefined &&
      stats.dev === this.#device &&
      identity.startsWith(`${stats.ino}.`)
    )
  }

  /** @throws ConnectorError `PreconditionFailed` */
  require(expected: Facts, stats: BigIntStats | undefined, id: string): asserts stats is BigIntStats {
    if (!stats) throw new ConnectorError('PreconditionFailed', 'is no longer there', { id })
    const difference = this.difference(expected, stats)
    if (difference !== undefined)
      throw new ConnectorError('PreconditionFailed', `is no longer what was planned against: ${difference}`, { id })
  }
}

function isAt(ms: number, ns: bigint): boolean {
  return Math.abs(ms - Number(ns) / 1e6) < 0.001
}
