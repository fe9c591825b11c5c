import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { apply, justMade, planOf, type Plan } from './attributes.ts'
import { modeToMake } from './at_most.ts'
import { changing } from './changing.ts'
import { flags } from '../local/flags.ts'
import { childId } from './ids.ts'
import type { Place } from './place.ts'
import { errno, troubleOf } from '../local/trouble.ts'

/**
 * The name a content has until it is published, in the folder it will be in: `.~` and the key. Only whoever recorded the key
 * may take a file of such a name for a staging; anybody else's file may be called so and is listed, copied and kept like
 * any other.
 *
 * @throws ConnectorError `NameInvalid` when the key could not name a file everywhere
 */
export function stagingName(key: string): string {
  if (/^[a-z0-9.-]{1,38}$/.test(key) && !key.endsWith('.')) return `.~${key}`
  throw new ConnectorError('NameInvalid', `${JSON.stringify(key)} is no staging key: 1 to 38 of a-z, 0-9, ".", "-"`)
}

export function stage(place: Place, spec: StageSpec): FileStaging {
  const { container, key, sizeBytes, attributes } = spec
  const name = stagingName(key)
  const id = childId(container, name)
  const { maxBytes } = place.settings
  if (maxBytes !== undefined && sizeBytes > maxBytes)
    throw new ConnectorError('TooLarge', `${sizeBytes} bytes; this connection takes at most ${maxBytes}`, { id })
  const plan = planOf(place, attributes, false)
  // Nobody may read before the permissions are those asked for.
  const mode = plan.access || spec.replaces ? 0o600 : plan.atMost ? modeToMake(plan.atMost, false) : 0o666
  const fd = changing(place, container, id, (folder) => {
    const path = folder.base + name
    if (spec.resumeAt !== undefined && spec.resumeAt > 0n) return reopen(path, spec.resumeAt, { id, mode })
    try {
      return openSync(path, flags.create, mode)
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error
    }
    // Our own, of a process that died: the key is recorded for this item alone.
    unlinkSync(path)
    return openSync(path, flags.create, mode)
  })
  place.stagings.set(key, {
    power: spec.durability === 'power',
    owner: plan.uid !== undefined || plan.gid !== undefined,
    access: plan.access !== undefined,
    acl: plan.access?.named !== undefined,
  })
  return new FileStaging(place, spec, fd, plan)
}

/** The content that a suspended or killed staging left, cut to what is known to be right. */
function reopen(path: string, resumeAt: bigint, { id, mode }: { id: string; mode: number }): number {
  const fd = openSync(path, flags.resume)
  try {
    const stats = fstatSync(fd, { bigint: true })
    if (!stats.isFile() || stats.nlink !== 1n || stats.uid !== BigInt(process.geteuid?.() ?? 0))
      throw new ConnectorError('PreconditionFailed', 'what was staged is no longer ours', { id })
    if (stats.size < resumeAt)
      throw new ConnectorError('PreconditionFailed', `only ${stats.size} of ${resumeAt} staged bytes are there`, { id })
    // The source may have been closed, or the job have come to carry permissions, only since it was begun.
    const most = Number(stats.mode & 0o777n) & mode
    if (stats.mode !== (stats.mode & ~0o777n) + BigInt(most)) fchmodSync(fd, most)
    if (stats.size > resumeAt) ftruncateSync(fd, Number(resumeAt))
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

export function writeAll(fd: number, chunk: Uint8Array, from: number): void {
  for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done, chunk.length - done, from + done)
}

export class FileStaging implements Staging {
  readonly #place: Place
  readonly #spec: StageSpec
  readonly #fd: number
  readonly #plan: Plan
  #open = true

  constructor(place: Place, spec: StageSpec, fd: number, plan: Plan) {
    this.#place = place
    this.#spec = spec
    this.#fd = fd
    this.#plan = plan
  }

  write(chunk: Uint8Array, at: bigint): void {
    const from = Number(at)
    try {
      writeAll(this.#fd, chunk, from)
    } catch (error) {
      throw this.#trouble(error)
    }
  }

  read(into: Uint8Array, at: bigint): number {
    if (this.#spec.resumeAt === undefined) throw this.#trouble(new ConnectorError('Unsupported', 'was not resumed'))
    try {
      return readSync(this.#fd, into, 0, into.length, Number(at))
    } catch (error) {
      throw this.#trouble(error)
    }
  }

  finish(hash: string): Staged {
    const { container, key, sizeBytes, durability } = this.#spec
    const fd = this.#fd
    try {
      let stats = fstatSync(fd, { bigint: true })
      if (stats.size < sizeBytes) {
        // Holes are left out; one at the end is made by no write.
        ftruncateSync(fd, Number(sizeBytes))
        stats = fstatSync(fd, { bigint: true })
      }
      if (stats.size !== sizeBytes)
        throw new ConnectorError('IntegrityMismatch', `${stats.size} bytes were staged, not ${sizeBytes}`)
      apply(this.#place, fd, this.#plan, justMade)
      if (durability === 'power') fsyncSync(fd)
      return { container, key, hash, sizeBytes, identity: this.#place.shape.identity(stats) }
    } catch (error) {
      throw this.#trouble(error)
    } finally {
      this.suspend()
    }
  }

  suspend(): void {
    if (!this.#open) return
    this.#open = false
    try {
      closeSync(this.#fd)
    } catch (error) {
      // Over a network a write may fail only now.
      throw this.#trouble(error)
    }
  }

  #trouble(error: unknown): ConnectorError {
    return troubleOf(error, childId(this.#spec.container, stagingName(this.#spec.key)))
  }
}
