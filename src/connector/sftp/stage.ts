import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { modeToMake } from '../fs/at_most.ts'
import { childId } from '../fs/ids.ts'
import { asRequest, planOf, type Plan } from './attributes.ts'
import type { Channel } from './channel.ts'
import { ifNotFound, pathOf, type Place } from './place.ts'

/** A request must fit into a packet of the server's. */
const blockBytes = 32 * 1024
const inFlight = 64

/**
 * The name a content has until it is published, in the folder it will be in: `.~` and the key. Only whoever recorded the key
 * may take a file of such a name for a staging.
 *
 * @throws ConnectorError `NameInvalid` when the key could not name a file everywhere
 */
export function stagingId(container: string, key: string): string {
  if (/^[a-z0-9.-]{1,38}$/.test(key) && !key.endsWith('.')) return childId(container, `.~${key}`)
  throw new ConnectorError('NameInvalid', `${JSON.stringify(key)} is no staging key: 1 to 38 of a-z, 0-9, ".", "-"`)
}

export async function stage(place: Place, spec: StageSpec): Promise<SftpStaging> {
  const { container, key, attributes, resumeAt = 0n } = spec
  const id = stagingId(container, key)
  const path = pathOf(place, id)
  const plan = planOf(place, attributes, { container: false, directory: place.directory })
  const channel = await place.channel()
  // Nobody may read before the permissions are those asked for.
  const closed = plan.mode !== undefined || spec.replaces === true
  const mode = closed ? 0o600 : plan.atMost && modeToMake(plan.atMost, false)
  const handle =
    resumeAt > 0n ? await reopen(channel, { id, path, resumeAt }) : await create(channel, { id, path, mode })
  place.stagings.set(key, {
    access: plan.mode !== undefined,
    owner: plan.uid !== undefined || plan.gid !== undefined,
  })
  return new SftpStaging(channel, { spec, id, handle, plan })
}

async function create(
  channel: Channel,
  { id, path, mode }: { id: string; path: string; mode: number | undefined },
): Promise<Buffer> {
  const open = (): Promise<Buffer> => channel.open(path, 'wx', id, mode === undefined ? {} : { mode })
  try {
    return await open()
  } catch (error) {
    // The protocol has no word for "exists"; our own, of a process that died: the key is recorded for this item alone.
    const there = await channel.lstat(path, id).catch(ifNotFound(undefined))
    if (!there) throw error
    await channel.unlink(path, id)
    return open()
  }
}

async function reopen(
  channel: Channel,
  { id, path, resumeAt }: { id: string; path: string; resumeAt: bigint },
): Promise<Buffer> {
  const handle = await channel.open(path, 'r+', id)
  try {
    const { size } = await channel.fstat(handle, id)
    if (BigInt(size) < resumeAt)
      throw new ConnectorError('PreconditionFailed', `only ${size} of ${resumeAt} staged bytes are there`, { id })
    if (BigInt(size) > resumeAt) await channel.fsetstat(handle, { size: Number(resumeAt) }, id)
    return handle
  } catch (error) {
    await channel.closeHandle(handle, id)
    throw error
  }
}

interface Opened {
  spec: StageSpec
  id: string
  handle: Buffer
  plan: Plan
}

/** Writes go out side by side; `finish` waits for all of them. */
export class SftpStaging implements Staging {
  readonly #channel: Channel
  readonly #spec: StageSpec
  readonly #id: string
  readonly #handle: Buffer
  readonly #plan: Plan
  readonly #writing = new Set<Promise<void>>()
  #failed: unknown
  #open = true

  constructor(channel: Channel, { spec, id, handle, plan }: Opened) {
    this.#channel = channel
    this.#spec = spec
    this.#id = id
    this.#handle = handle
    this.#plan = plan
  }

  async write(chunk: Uint8Array, at: bigint): Promise<void> {
    for (let from = 0; from < chunk.length; from += blockBytes)
      this.#send(chunk.subarray(from, from + blockBytes), Number(at) + from)
    while (this.#writing.size > inFlight) await Promise.race(this.#writing)
    this.#throwFailed()
  }

  async read(into: Uint8Array, at: bigint): Promise<number> {
    if (this.#spec.resumeAt === undefined) throw new ConnectorError('Unsupported', 'was not resumed', { id: this.#id })
    await this.written()
    return this.#channel.read(this.#handle, into.subarray(0, blockBytes), Number(at), this.#id)
  }

  async finish(hash: string): Promise<Staged> {
    const { container, key, sizeBytes, durability } = this.#spec
    try {
      await this.written()
      const stats = await this.#channel.fstat(this.#handle, this.#id)
      if (BigInt(stats.size) !== sizeBytes)
        throw new ConnectorError('IntegrityMismatch', `${stats.size} bytes were staged, not ${sizeBytes}`, {
          id: this.#id,
        })
      const request = asRequest(this.#plan, stats)
      if (request) await this.#channel.fsetstat(this.#handle, request, this.#id)
      if (durability === 'power' && this.#channel.has('fsync@openssh.com'))
        await this.#channel.fsync(this.#handle, this.#id)
      return { container, key, hash, sizeBytes }
    } finally {
      await this.suspend()
    }
  }

  async suspend(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await Promise.allSettled(this.#writing)
    await this.#channel.closeHandle(this.#handle, this.#id)
  }

  #send(block: Uint8Array, position: number): void {
    const sent = this.#channel
      .write(this.#handle, block, position, this.#id)
      .catch((error: unknown) => {
        this.#failed ??= asWriteTrouble(error, this.#id)
      })
      .finally(() => this.#writing.delete(sent))
    this.#writing.add(sent)
  }

  async written(): Promise<void> {
    await Promise.all(this.#writing)
    this.#throwFailed()
  }

  #throwFailed(): void {
    if (this.#failed !== undefined) throw this.#failed
  }
}

/** A file that was opened for writing and takes nothing more: version 3 has no other way to tell of a full disk or quota. */
function asWriteTrouble(error: unknown, id: string): unknown {
  if (!(error instanceof ConnectorError) || error.code !== 'ItemFailed') return error
  const why = 'the server takes no more of an open file: its disk or the account’s quota is full'
  return new ConnectorError('QuotaExceeded', why, { id, cause: error })
}
