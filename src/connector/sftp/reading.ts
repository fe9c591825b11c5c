import type { Reading } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts } from '../item.ts'
import type { Channel, Stats } from './channel.ts'
import { ifNotFound } from './place.ts'
import type { Shape } from './shape.ts'

/** Servers answer at most this much at once, whatever is asked for. */
const blockBytes = 32 * 1024
/** Requests under way ahead of what was asked for: the line stays full although each answer takes its time. */
const ahead = 64

/** An open file. What is read in order is asked for ahead; nothing read may count before `close` returned. */
export class SftpReading implements Reading {
  readonly sizeBytes: bigint
  readonly #channel: Channel
  readonly #handle: Buffer
  readonly #path: string
  readonly #id: string
  readonly #shape: Shape
  readonly #expected: Facts | undefined
  readonly #size: number
  /** Blocks asked for and not yet used up, by number. */
  readonly #blocks = new Map<number, Promise<Buffer>>()

  private constructor(channel: Channel, handle: Buffer, around: Around & { path: string; size: bigint }) {
    this.#channel = channel
    this.#handle = handle
    this.#path = around.path
    this.#id = around.id
    this.#shape = around.shape
    this.#expected = around.expected
    this.sizeBytes = around.size
    this.#size = Number(around.size)
  }

  static async open(channel: Channel, path: string, around: Around): Promise<SftpReading> {
    const { id, shape, expected } = around
    const handle = await channel.open(path, 'r', id)
    if (expected) return new SftpReading(channel, handle, { ...around, path, size: expected.sizeBytes })
    try {
      const stats = await channel.fstat(handle, id)
      if (shape.kind(stats) !== 'item') throw new ConnectorError('Unsupported', 'is no regular file', { id })
      return new SftpReading(channel, handle, { ...around, path, size: BigInt(stats.size) })
    } catch (error) {
      await channel.closeHandle(handle, id)
      throw error
    }
  }

  async read(into: Uint8Array, at: bigint): Promise<number> {
    const from = Number(at)
    const first = Math.floor(from / blockBytes)
    const last = Math.floor((from + into.length - 1) / blockBytes)
    // One more than the size has: the byte that would show that it grew.
    const end = Math.floor(this.#size / blockBytes)
    for (const number of this.#blocks.keys()) if (number < first) this.#blocks.delete(number)
    for (let number = first; number <= Math.max(last, Math.min(end, first + ahead)); number++) this.#ask(number)
    let filled = 0
    for (let number = first; number <= last; number++) {
      const block = await this.#blocks.get(number)!
      const piece = block.subarray(Math.max(0, from - number * blockBytes))
      const taken = piece.subarray(0, into.length - filled)
      into.set(taken, filled)
      filled += taken.length
      if (block.length < blockBytes) break
    }
    if (this.#expected && from + filled > this.#size)
      this.#raise('GrewWhileRead', `goes on past its ${this.#size} bytes`)
    if (this.#expected && filled === 0 && from < this.#size && into.length > 0)
      this.#raise('ShortRead', `ends at ${from} of ${this.#size} bytes`)
    return filled
  }

  async close(aborted = false): Promise<void> {
    try {
      if (aborted || !this.#expected) return
      // The open file, and what has its name now: a handle goes on with what was removed or replaced.
      const [open, named] = await Promise.all([
        this.#channel.fstat(this.#handle, this.#id),
        this.#channel.lstat(this.#path, this.#id).catch(ifNotFound(undefined)),
      ])
      const why = this.#change(open) ?? (named ? this.#change(named) : 'is no longer there')
      if (why !== undefined) this.#raise('ChangedWhileRead', `changed while it was read: ${why}`)
    } finally {
      await Promise.allSettled(this.#blocks.values())
      await this.#channel.closeHandle(this.#handle, this.#id).catch(ifAborted(aborted))
    }
  }

  #change(stats: Stats): string | undefined {
    if (this.#shape.kind(stats) !== 'item') return 'is no longer a regular file'
    return this.#expected && this.#shape.difference(this.#expected, stats)
  }

  #ask(number: number): void {
    if (this.#blocks.has(number)) return
    const block = this.#whole(number)
    // Whoever comes to need it meets the error.
    block.catch(() => undefined)
    this.#blocks.set(number, block)
  }

  /** A server may answer less than was asked for, in the middle of a file too. */
  async #whole(number: number): Promise<Buffer> {
    const block = Buffer.allocUnsafe(blockBytes)
    let filled = 0
    while (filled < blockBytes) {
      const position = number * blockBytes + filled
      // An answer that ends at the size, where more was asked for, has said that nothing follows.
      if (position > this.#size || (filled > 0 && position === this.#size)) break
      const n = await this.#channel.read(this.#handle, block.subarray(filled), position, this.#id)
      if (n === 0) break
      filled += n
    }
    return block.subarray(0, filled)
  }

  #raise(code: 'GrewWhileRead' | 'ShortRead' | 'ChangedWhileRead', why: string): never {
    throw new ConnectorError(code, why, { id: this.#id })
  }
}

interface Around {
  id: string
  shape: Shape
  expected: Facts | undefined
}

/** Nobody needs what was let go of. */
function ifAborted(aborted: boolean): (error: unknown) => void {
  return (error) => {
    if (!aborted) throw error
  }
}
