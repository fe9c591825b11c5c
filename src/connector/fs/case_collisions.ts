import { fstatSync, lstatSync, statSync } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import type { Folder } from './folders.ts'
import { join } from './ids.ts'
import { namesIn } from './names_in.ts'
import { foldCase } from '../local/names.ts'

interface Known {
  modifiedNs: bigint
  readAtMs: number
  /** How long it took. */
  readMs: number
  /** A number for each folded name: a million of them are to fit. */
  folded: Set<number>
}

const foldersKept = 16
const namesKept = 500_000
/** Reading the names of a folder with more than these again may take this part of the time. */
const wide = 1_000
const share = 1 / 20

/**
 * Where names that differ only by case are one name, over a file system that tells them apart. Remembers the names of a few
 * folders, as long as the folders are not modified. Of a wide folder that others write into all the time, what they made since
 * it was last read is not known at once: the longer reading takes, the later it is read again. Nothing is lost by that; two
 * names are there which the system meant by the setting could not tell apart.
 */
export class CaseCollisions {
  readonly #known = new Map<string, Known>()

  /** @throws ConnectorError `Conflict` when another spelling of `name` is there, `except` aside */
  refuse(folder: Folder, name: string, except?: string): void {
    if (!this.#of(folder).folded.has(keyOf(name))) return
    // Mostly it is the name itself, which is about to be replaced.
    if (lstatSync(join(folder.base, name), { throwIfNoEntry: false })) return
    const there = otherSpelling(folder, name)
    if (there === undefined || there === except) return
    throw new ConnectorError('Conflict', `${JSON.stringify(there)} exists, which is the same name here`)
  }

  /** To be told of each name this session makes, right afterwards. */
  made(folder: Folder, name: string): void {
    const known = this.#known.get(folder.id)
    if (!known) return
    known.folded.add(keyOf(name))
    known.modifiedNs = modified(folder)
  }

  #of(folder: Folder): Known {
    const now = modified(folder)
    const known = this.#known.get(folder.id)
    if (known && (known.modifiedNs === now || isRecent(known))) return known
    const began = performance.now()
    const folded = new Set<number>()
    for (const names of namesIn(folder)) for (const name of names) folded.add(keyOf(name))
    const readAtMs = performance.now()
    const fresh = { modifiedNs: now, readAtMs, readMs: readAtMs - began, folded }
    this.#known.delete(folder.id)
    this.#known.set(folder.id, fresh)
    this.#forget()
    return fresh
  }

  /** The oldest, until few enough are left; the last one stays in any case. */
  #forget(): void {
    let names = 0
    for (const { folded } of this.#known.values()) names += folded.size
    for (const [id, { folded }] of this.#known) {
      if (this.#known.size <= 1 || (this.#known.size <= foldersKept && names <= namesKept)) return
      this.#known.delete(id)
      names -= folded.size
    }
  }
}

function isRecent({ folded, readAtMs, readMs }: Known): boolean {
  return folded.size > wide && performance.now() - readAtMs < readMs / share
}

function otherSpelling(folder: Folder, name: string): string | undefined {
  const folded = foldCase(name)
  for (const names of namesIn(folder)) {
    const there = names.find((other) => other !== name && foldCase(other) === folded)
    if (there !== undefined) return there
  }
  return undefined
}

/** 53 bits of hash; where two names share one, a second look tells them apart. */
function keyOf(name: string): number {
  const folded = foldCase(name)
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let i = 0; i < folded.length; i++) {
    const unit = folded.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x9e3779b1)
    b = Math.imul(b ^ unit, 0x5f356495)
    a ^= a >>> 15
    b ^= b >>> 13
  }
  return (b & 0x1fffff) * 0x1_0000_0000 + (a >>> 0)
}

function modified(folder: Folder): bigint {
  if (folder.handle === undefined) return statSync(folder.base, { bigint: true }).mtimeNs
  return fstatSync(folder.handle, { bigint: true }).mtimeNs
}
