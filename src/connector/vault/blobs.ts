import { closeSync, fsyncSync, ftruncateSync, lstatSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConnectorError } from '../errors.ts'
import { flags } from '../local/flags.ts'
import { openRegular } from '../local/open_regular.ts'
import { errno } from '../local/trouble.ts'

/** Contents as files: finished ones named by their SHA-256, unfinished ones by their staging key. */
export class Blobs {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  /** `blobs/ab/abcdef…` */
  path(hash: string): string {
    return join(this.#root, 'blobs', hash.slice(0, 2), hash)
  }

  /** Whoever may write into the vault's folder could lead it elsewhere by a link, or keep it waiting with a pipe. */
  open(hash: string): number {
    return openRegular(this.path(hash), flags.read)
  }

  stagingPath(key: string): string {
    if (!/^[a-z0-9][a-z0-9.-]{0,199}$/.test(key)) {
      throw new ConnectorError('Unsupported', `${JSON.stringify(key)} is no staging key`)
    }
    return join(this.#root, 'staging', key)
  }

  /** Opens the staging of a key for reading and writing, empty. */
  beginStaging(key: string): number {
    const path = this.stagingPath(key)
    return withFolder(path, () => {
      rmSync(path, { force: true })
      return openSync(path, flags.createToRead, 0o600)
    })
  }

  /**
   * Opens what an earlier staging of the key wrote, cut to `bytes`.
   *
   * @throws ConnectorError `PreconditionFailed` when less is there
   */
  resumeStaging(key: string, bytes: bigint): number {
    const path = this.stagingPath(key)
    const there = sizeOf(path) ?? 0n
    if (there < bytes)
      throw new ConnectorError('PreconditionFailed', `only ${there} of ${bytes} staged bytes are there`)
    const fd = openRegular(path, flags.resume)
    if (there > bytes) ftruncateSync(fd, Number(bytes))
    return fd
  }

  /**
   * Gives a staged content its final name. Over an equal one that is there already: should that one be damaged, it is whole now.
   *
   * @returns false when the staging is gone, as after a death right behind this call
   */
  adopt(key: string, hash: string, durable: boolean): boolean {
    const from = this.stagingPath(key)
    const to = this.path(hash)
    try {
      withFolder(to, () => renameSync(from, to), from)
    } catch (error) {
      if (errno(error) === 'ENOENT') return false
      throw error
    }
    if (durable) for (const folder of [dirname(to), dirname(dirname(to))]) flush(folder)
    return true
  }

  hasStaging(key: string, size: bigint): boolean {
    return sizeOf(this.stagingPath(key)) === size
  }

  has(hash: string, size: bigint): boolean {
    return sizeOf(this.path(hash)) === size
  }

  /** @returns true when there was one */
  removeStaging(key: string): boolean {
    const path = this.stagingPath(key)
    const there = sizeOf(path) !== undefined
    if (there) rmSync(path, { force: true })
    return there
  }

  remove(hash: string): void {
    rmSync(this.path(hash), { force: true })
  }
}

export function flush(path: string): void {
  const fd = openSync(path, flags.read)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function sizeOf(path: string): bigint | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats?.isFile() ? stats.size : undefined
}

/** The folder is made when it turns out to be missing: looking each time would cost a call per file. */
function withFolder<T>(path: string, work: () => T, needs?: string): T {
  try {
    return work()
  } catch (error) {
    if (errno(error) !== 'ENOENT' || (needs !== undefined && sizeOf(needs) === undefined)) throw error
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return work()
  }
}
