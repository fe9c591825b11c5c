import { closeSync, fstatSync, lstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { sep } from 'node:path'
import { ConnectorError } from '../errors.ts'
import { bytesOfName, leadIn, nameOfBytes } from '../local/escape.ts'
import { flags } from '../local/flags.ts'
import { checkSegment, idOfPath, join, parentOf } from './ids.ts'
import type { Root } from './root.ts'
import { errno } from '../local/trouble.ts'

/** A folder inside the root that can be worked in: `base + name` reaches its children and nothing else. */
export interface Folder {
  readonly id: string
  /** Ends with a slash. */
  readonly base: string
  /** Known while it was reached through descriptors. */
  readonly handle?: number
  readonly above: Folder | undefined
  /** Which folder it is; known when links are followed, to see one that leads in circles. */
  readonly dev?: bigint
  readonly ino?: bigint
}

/** The way to folders by id that never leaves the root, whatever is renamed or swapped meanwhile. */
export interface Folders {
  /**
   * Good until the next look for any folder, which may end the trust in the way to this one: whoever works in it holds it.
   *
   * @throws ConnectorError or a system error: not there, not a folder, outside the root, root gone
   */
  get(id: string): Folder
  /** Walked anew, whatever is remembered. */
  fresh(id: string): Folder
  /** Forgets `id` and all below it: it was renamed, removed, or is suspected to be. */
  forget(id: string): void
  /** Keeps a folder usable over other calls; each `hold` has its `release`. */
  hold(folder: Folder): void
  release(folder: Folder): void
  close(): void
}

/** How long a way that was walked is trusted. A folder moved meanwhile is still the folder it was, and inside the root when it was walked. */
const trustMs = 1000
const capacity = 128

interface Handle extends Folder {
  readonly handle: number
  readonly above: Handle | undefined
  walkedMs: number
  holds: number
  forgotten: boolean
}

/**
 * Linux: one descriptor per folder, each opened through its parent's (`/proc/<pid>/fd/<n>/<segment>`) without following
 * links, which is what `openat` would do and Node has not.
 */
export class HandleFolders implements Folders {
  readonly #root: Root
  readonly #follow: boolean
  readonly #proc: string
  /** In order of last use, oldest first. */
  readonly #known = new Map<string, Handle>()
  #last: Handle | undefined

  constructor(root: Root, follow: boolean) {
    this.#root = root
    this.#follow = follow
    this.#proc = procDirectory()
    this.get('')
  }

  get(id: string): Folder {
    const last = this.#last
    const now = performance.now()
    if (last !== undefined && last.id === id && now - last.walkedMs < trustMs) return last
    return (this.#last = this.#walk(id, now))
  }

  fresh(id: string): Folder {
    this.#drop(id)
    return this.get(id)
  }

  forget(id: string): void {
    const below = `${id}/`
    for (const known of this.#known.keys()) if (known === id || id === '' || known.startsWith(below)) this.#drop(known)
  }

  hold(folder: Folder): void {
    ;(folder as Handle).holds++
  }

  release(folder: Folder): void {
    const handle = folder as Handle
    if (--handle.holds === 0 && handle.forgotten) closeSync(handle.handle)
  }

  close(): void {
    for (const id of [...this.#known.keys()]) this.#drop(id)
  }

  #walk(id: string, now: number): Handle {
    const missing: string[] = []
    let at = id
    let folder: Handle | undefined
    while (!(folder = this.#fresh(at, now))) {
      if (at === '') {
        folder = this.#openRoot(now)
        break
      }
      const name = at.slice(at.lastIndexOf('/') + 1)
      checkSegment(name, id)
      missing.push(name)
      at = parentOf(at)
    }
    for (let name = missing.pop(); name !== undefined; name = missing.pop())
      folder = this.#openChild(folder, name, folder.id === '' ? name : `${folder.id}/${name}`, now)
    return folder
  }

  #fresh(id: string, now: number): Handle | undefined {
    const known = this.#known.get(id)
    if (!known || now - known.walkedMs >= trustMs) return undefined
    this.#known.delete(id)
    this.#known.set(id, known)
    return known
  }

  #openRoot(now: number): Handle {
    this.#root.check()
    const handle = openSync(this.#root.path, flags.rootHandle)
    const { dev, ino } = fstatSync(handle, { bigint: true })
    if (dev === this.#root.dev && ino === this.#root.ino) return this.#remember('', handle, undefined, now)
    closeSync(handle)
    throw new ConnectorError('RootReplaced', `the root ${this.#root.path} was replaced just now`)
  }

  #openChild(above: Handle, name: string, id: string, now: number): Handle {
    const path = join(above.base, name)
    try {
      return this.#remember(id, openSync(path, flags.folderHandle), above, now)
    } catch (error) {
      const number = errno(error)
      if (number !== 'ENOTDIR' && number !== 'ELOOP') throw error
      const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
      if (link && this.#follow) return this.#through(path, id, above, now)
      if (link) throw new ConnectorError('Escapes', 'a symbolic link is in the way', { id })
      throw error
    }
  }

  /** Where a link leads is walked from the root like any id, so it ends inside or not at all. */
  #through(link: string | Buffer, id: string, above: Handle, now: number): Handle {
    const real = idInside(this.#root, link)
    if (real === undefined) throw new ConnectorError('Escapes', 'a symbolic link leads outside the root', { id })
    this.hold(above)
    try {
      const target = this.#walk(real, now)
      return this.#remember(id, openSync(`${target.base}.`, flags.rootHandle), above, now)
    } finally {
      this.release(above)
    }
  }

  #remember(id: string, handle: number, above: Handle | undefined, now: number): Handle {
    this.#drop(id)
    const base = `${this.#proc}${handle}/`
    const folder: Handle = {
      id,
      base,
      handle,
      above,
      // No longer than the way to it: one step after another would be trusted for ever.
      walkedMs: above?.walkedMs ?? now,
      holds: 0,
      forgotten: false,
      ...this.#which(handle),
    }
    this.#known.set(id, folder)
    if (this.#known.size > capacity) {
      for (const oldest of this.#known.keys()) {
        if (oldest === id || oldest === above?.id) continue
        this.#drop(oldest)
        break
      }
    }
    return folder
  }

  #which(handle: number): { dev?: bigint; ino?: bigint } {
    if (!this.#follow) return {}
    const { dev, ino } = fstatSync(handle, { bigint: true })
    return { dev, ino }
  }

  #drop(id: string): void {
    const folder = this.#known.get(id)
    if (!folder) return
    this.#known.delete(id)
    if (this.#last === folder) this.#last = undefined
    folder.forgotten = true
    if (folder.holds === 0) closeSync(folder.handle)
  }
}

/** Where there is no /proc: paths, looked at again each time. Between the look and the use somebody can still swap a link in. */
export class PathFolders implements Folders {
  readonly #root: Root
  readonly #follow: boolean
  readonly #real: string
  /** Ends with a separator, also when the root is the system's own. */
  readonly #prefix: string

  constructor(root: Root, follow: boolean) {
    this.#root = root
    this.#follow = follow
    this.#real = textOf(realpathSync.native(root.path, 'buffer'), '')
    this.#prefix = this.#real.endsWith(sep) ? this.#real : this.#real + sep
  }

  get(id: string): Folder {
    if (id !== '') for (const segment of id.split('/')) checkSegment(segment, id)
    this.#root.check()
    const path = id === '' ? this.#real : this.#prefix + textOf(bytesOfName(id), id).split('/').join(sep)
    const real = textOf(realpathSync.native(path, 'buffer'), id)
    const inside = this.#follow ? real === this.#real || real.startsWith(this.#prefix) : real === path
    if (!inside) throw new ConnectorError('Escapes', 'a symbolic link is in the way', { id })
    const stats = statSync(real, { bigint: true })
    if (!stats.isDirectory()) throw new ConnectorError('NotAContainer', 'is not a folder', { id })
    const above = this.#follow && id !== '' ? this.get(parentOf(id)) : undefined
    return { id, base: real.endsWith(sep) ? real : real + sep, above, dev: stats.dev, ino: stats.ino }
  }

  fresh(id: string): Folder {
    return this.get(id)
  }

  forget(): void {}
  hold(): void {}
  release(): void {}
  close(): void {}
}

/** A path of a folder is text, for names are put after it; of one that is not, something else would be found, or nothing. */
function textOf(path: Buffer, id: string): string {
  const text = path.toString()
  if (!text.includes(leadIn) || Buffer.from(text).equals(path)) return text
  throw new ConnectorError('Unsupported', 'a folder whose name is no UTF-8 needs Linux and its /proc', { id })
}

/** The id of what a path leads to; undefined outside the root. */
export function idInside(root: Root, path: string | Buffer): string | undefined {
  const base = nameOfBytes(realpathSync.native(root.path, 'buffer'))
  const real = nameOfBytes(realpathSync.native(path, 'buffer'))
  if (real === base) return ''
  const prefix = base === '/' ? '/' : base + sep
  return real.startsWith(prefix) ? idOfPath(real.slice(prefix.length).split(sep).join('/')) : undefined
}

/** True when a folder is `from` or above it on the way it was reached: following a link to it would never end. */
export function leadsUp(from: Folder, dev: bigint, ino: bigint): boolean {
  for (let at: Folder | undefined = from; at; at = at.above) if (at.dev === dev && at.ino === ino) return true
  return false
}

/** Whether this system has descriptors as paths. */
export function hasHandles(root: string): boolean {
  if (process.platform !== 'linux') return false
  try {
    const handle = openSync(root, flags.rootHandle)
    try {
      const direct = fstatSync(handle, { bigint: true })
      const through = statSync(`${procDirectory()}${handle}/`, { bigint: true })
      return direct.ino === through.ino && direct.dev === through.dev
    } finally {
      closeSync(handle)
    }
  } catch {
    return false
  }
}

/** By number is a microsecond faster per call than by `self`. */
function procDirectory(): string {
  return `/proc/${process.pid}/fd/`
}
