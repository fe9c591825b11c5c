import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type BigIntStats,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** `'5 KB'`: so many bytes of noise, the same for the same path; other text is the content itself; `null`: an empty folder. */
export type Leaf = string | null | Piece

export interface Piece {
  /** As {@link Leaf}: an amount, or the content itself. */
  is?: string
  /** Makes it a symbolic link. */
  to?: string
  /** ISO, or Unix seconds. Default 2023-06-01 and as many seconds as the entry's number. */
  modified?: string | number
  mode?: number
  uid?: number
  gid?: number
}

export type TreeSpec = Readonly<Record<string, Leaf>>

/** Grows below a folder. Paths that end in `/` are folders; folders on the way need no entry of their own. */
export type Tree = (root: string) => void

const begun = Date.UTC(2023, 5, 1) / 1000

/** `aTree({'a/b.txt': '5 KB', 'empty/': null, 'link': {to: 'a'}})` */
export function aTree(spec: TreeSpec): Tree {
  return (root) => {
    const folders = new Map<string, Piece>()
    mkdirSync(root, { recursive: true })
    for (const [path, leaf] of Object.entries(spec)) {
      const piece = typeof leaf === 'object' && leaf !== null ? leaf : { ...(leaf === null ? {} : { is: leaf }) }
      for (let at = dirname(path); at !== '.'; at = dirname(at)) if (!folders.has(at)) folders.set(at, {})
      if (path.endsWith('/')) folders.set(path.slice(0, -1), piece)
      else growLeaf(root, path, piece)
    }
    for (const path of folders.keys()) mkdirSync(join(root, path), { recursive: true })
    let number = 0
    for (const [path, leaf] of Object.entries(spec)) {
      number += 1
      const piece = typeof leaf === 'object' && leaf !== null ? leaf : {}
      if (!path.endsWith('/')) dress(join(root, path), piece, number)
    }
    // Deepest first: dressing a child moves no time, but a closed parent would hide it.
    for (const [path, piece] of [...folders].sort(([a], [b]) => b.length - a.length)) dress(join(root, path), piece, 0)
  }
}

function growLeaf(root: string, path: string, { is = '', to }: Piece): void {
  const at = join(root, path)
  mkdirSync(dirname(at), { recursive: true })
  if (to === undefined) writeFileSync(at, contentOf(path, is))
  else symlinkSync(to, at)
}

function dress(at: string, { modified, mode, uid, gid, to }: Piece, number: number): void {
  if (uid !== undefined || gid !== undefined) chownSync(at, uid ?? -1, gid ?? -1)
  if (mode !== undefined) chmodSync(at, mode)
  const time = typeof modified === 'string' ? Date.parse(modified) / 1000 : (modified ?? begun + number)
  // A negative number means now; a text is taken as it is.
  const text = String(time)
  if (to === undefined) utimesSync(at, text, text)
  else lutimesSync(at, text, text)
}

/** Noise that is the same for the same seed, or the text itself. */
export function contentOf(seed: string, is: string): Buffer {
  const [, amount, unit] = /^(\d+) (B|KB|MB)$/.exec(is) ?? []
  if (amount === undefined) return Buffer.from(is)
  const size = Number(amount) * (unit === 'MB' ? 1 << 20 : unit === 'KB' ? 1 << 10 : 1)
  const block = Buffer.concat(
    Array.from({ length: 128 }, (_, i) => createHash('sha256').update(`${seed}#${i}`).digest()),
  )
  return Buffer.alloc(size, block)
}

/** `many(300, (n) => `f${n}.txt`, '1 KB')` */
export function many(count: number, path: (n: number) => string, leaf: Leaf = '100 B'): Record<string, Leaf> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [path(n), leaf]))
}

/** What anybody can see of one entry. */
export interface Seen {
  kind: 'file' | 'folder' | 'link' | 'special'
  size: number
  mode: number
  uid: number
  gid: number
  modifiedNs: bigint
  changedNs: bigint
  accessedNs: bigint
  inode: bigint
  target?: string
}

/** Every entry below a folder by its path, links not followed. Names that are no UTF-8 are shown as Latin-1. */
export function look(root: string): Map<string, Seen> {
  const all = new Map<string, Seen>()
  const walk = (at: Buffer, path: string): void => {
    for (const name of namesIn(at)) {
      const child = Buffer.concat([at, Buffer.from('/'), name])
      const shown = path + textOf(name)
      const stats = lstatSync(child, { bigint: true, throwIfNoEntry: false })
      // Gone since its folder was read: somebody is at work.
      if (!stats) continue
      all.set(shown, seen(child, stats))
      if (stats.isDirectory()) walk(child, `${shown}/`)
    }
  }
  walk(Buffer.from(root), '')
  return all
}

function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, 'buffer').sort(Buffer.compare)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function textOf(name: Buffer): string {
  const text = name.toString()
  return Buffer.from(text).equals(name) ? text : name.toString('latin1')
}

function seen(at: Buffer, stats: BigIntStats): Seen {
  const file = stats.isFile()
  const kind = file ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'special'
  return {
    kind,
    size: file ? Number(stats.size) : 0,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
    accessedNs: stats.atimeNs,
    inode: stats.ino,
    ...(kind === 'link' ? { target: readlinkSync(at).toString() } : {}),
  }
}

/** Names below a folder, sorted; folders end in `/`. */
export function paths(root: string): string[] {
  return [...look(root)].map(([path, { kind }]) => (kind === 'folder' ? `${path}/` : path)).sort()
}

/** Which entries anything was written to between two looks; any write at all moves inode or change time. */
export function touched(before: Map<string, Seen>, after: Map<string, Seen>): string[] {
  const all = new Set([...before.keys(), ...after.keys()])
  return [...all]
    .filter((path) => {
      const [a, b] = [before.get(path), after.get(path)]
      return a?.inode !== b?.inode || a?.changedNs !== b?.changedNs
    })
    .sort()
}

export function textAt(...path: string[]): string {
  return readFileSync(join(...path), 'utf8')
}
