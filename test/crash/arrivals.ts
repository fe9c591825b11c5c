import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const tickNs = 50_000_000n

interface Folder {
  path: string
  /** Nanoseconds; a folder that did not change since is not read again. */
  seenAt: bigint
  arrived: number
}

/**
 * How many files have arrived, asked many times a second: only folders whose modification time moved are read again.
 * Names that no source file has are not counted.
 */
export class Arrivals {
  readonly #folders: Folder[]
  readonly #isFinal: (name: string) => boolean

  constructor(root: string, folders: readonly string[], isFinal: (name: string) => boolean) {
    this.#folders = folders.map((name) => ({ path: join(root, name), seenAt: -1n, arrived: 0 }))
    this.#isFinal = isFinal
  }

  count(): number {
    let all = 0
    for (const folder of this.#folders) {
      this.#look(folder)
      all += folder.arrived
    }
    return all
  }

  #look(folder: Folder): void {
    const modified = statSync(folder.path, { bigint: true, throwIfNoEntry: false })?.mtimeNs
    if (modified === undefined || modified === folder.seenAt) return
    // Two changes within one tick of the file system's clock look like one: a folder changed just now is read again.
    folder.seenAt = BigInt(Date.now()) * 1_000_000n - modified > tickNs ? modified : -1n
    folder.arrived = readdirSync(folder.path).filter(this.#isFinal).length
  }
}
