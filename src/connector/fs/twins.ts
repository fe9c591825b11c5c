import { fstatSync, readdirSync, statSync } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import type { Folder } from './folders.ts'
import { foldCase } from './names.ts'

interface Known {
  modifiedNs: bigint
  /** Folded → as it is. */
  names: Map<string, string>
}

/**
 * Where names that differ only by case are one name, over a file system that tells them apart. Remembers the names of a few
 * folders, as long as the folders are not modified; two sessions that create twins in the same instant are not told apart.
 */
export class Twins {
  readonly #known = new Map<string, Known>()

  /** @throws ConnectorError `Conflict` when another spelling of `name` is there, `except` aside */
  refuse(folder: Folder, name: string, except?: string): void {
    const known = this.#of(folder)
    const there = known.names.get(foldCase(name))
    if (there === undefined || there === name || there === except) return
    throw new ConnectorError('Conflict', `${JSON.stringify(there)} exists, which is the same name here`)
  }

  /** To be told of each name this session makes, right afterwards. */
  made(folder: Folder, name: string): void {
    const known = this.#known.get(folder.id)
    if (!known) return
    known.names.set(foldCase(name), name)
    known.modifiedNs = modified(folder)
  }

  #of(folder: Folder): Known {
    const now = modified(folder)
    const known = this.#known.get(folder.id)
    if (known?.modifiedNs === now) return known
    const names = new Map(readdirSync(folder.base).map((name) => [foldCase(name), name]))
    const fresh = { modifiedNs: now, names }
    this.#known.delete(folder.id)
    this.#known.set(folder.id, fresh)
    if (this.#known.size > 16) for (const oldest of this.#known.keys()) return (this.#known.delete(oldest), fresh)
    return fresh
  }
}

function modified(folder: Folder): bigint {
  if (folder.handle === undefined) return statSync(folder.base, { bigint: true }).mtimeNs
  return fstatSync(folder.handle, { bigint: true }).mtimeNs
}
