import type { Reading } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts } from '../item.ts'
import { networkTrouble } from './trouble.ts'

/** One content of a server, as requests get at it. */
export interface RangeSource {
  id: string
  /** What it is now; null when nothing is there. */
  look(): Promise<Facts | null>
  /** The content from a byte on; raises `ChangedWhileRead` when the server tells that it is not what was listed. */
  get(from: bigint): Promise<{ facts: Facts; body: AsyncIterable<Uint8Array> }>
  isSame(now: Facts, expected: Facts): boolean
}

/** One content, of the version that was planned. What is read in order comes as one stream, so a long content costs one request. */
export class RangeReading implements Reading {
  readonly sizeBytes: bigint
  readonly #source: RangeSource
  readonly #expected: Facts | undefined
  #stream: AsyncIterator<Uint8Array> | undefined
  /** Where the stream is, and what has come of it beyond. */
  #at = 0n
  #rest: Uint8Array = new Uint8Array()
  #reads = 0

  /** @param expected what it must be, to the end */
  constructor(source: RangeSource, sizeBytes: bigint, expected?: Facts) {
    this.#source = source
    this.sizeBytes = sizeBytes
    this.#expected = expected
  }

  /** Whether it is there as expected; the first bytes are on their way then. */
  async begin(): Promise<void> {
    if (this.sizeBytes > 0n) return this.#openAt(0n)
    await this.#requireStill()
    this.#reads = 1
  }

  async read(into: Uint8Array, at: bigint): Promise<number> {
    if (into.length === 0) return 0
    if (at >= this.sizeBytes) return this.#expected === undefined ? 0 : this.#atEnd(at)
    this.#reads++
    if (this.#stream === undefined || at !== this.#at) await this.#openAt(at)
    let filled = 0
    while (filled < into.length) {
      if (this.#rest.length === 0 && !(await this.#next())) break
      const some = this.#rest.subarray(0, into.length - filled)
      into.set(some, filled)
      filled += some.length
      this.#rest = this.#rest.subarray(some.length)
      this.#at += BigInt(some.length)
    }
    if (filled === 0)
      throw new ConnectorError('ShortRead', `ends after ${at} of ${this.sizeBytes} bytes`, { id: this.#source.id })
    return filled
  }

  /** Bytes that came by one read are of one moment; of more, the item must be now what it was at the first. */
  async close(aborted = false): Promise<void> {
    await this.#let()
    if (aborted || this.#expected === undefined || this.#reads === 1) return
    await this.#requireStill()
  }

  /** The answer to the first request said the whole size; nothing needs to be asked again. */
  #atEnd(at: bigint): number {
    if (at > this.sizeBytes) throw new ConnectorError('ShortRead', `ends before ${at}`, { id: this.#source.id })
    return 0
  }

  async #requireStill(): Promise<void> {
    const now = await this.#source.look()
    if (!now) throw new ConnectorError('NotFound', 'is gone', { id: this.#source.id })
    if (this.#expected) this.#requireSame(now, this.#expected)
  }

  async #openAt(at: bigint): Promise<void> {
    await this.#let()
    const { facts, body } = await this.#source.get(at)
    this.#stream = body[Symbol.asyncIterator]()
    this.#at = at
    this.#rest = new Uint8Array()
    if (this.#expected) this.#requireSame(facts, this.#expected)
  }

  #requireSame(now: Facts, expected: Facts): void {
    const { id } = this.#source
    if (now.sizeBytes < expected.sizeBytes)
      throw new ConnectorError('ShortRead', `has ${now.sizeBytes} of ${expected.sizeBytes} bytes`, { id })
    if (now.sizeBytes > expected.sizeBytes)
      throw new ConnectorError('GrewWhileRead', `goes on after ${expected.sizeBytes} bytes`, { id })
    if (!this.#source.isSame(now, expected))
      throw new ConnectorError('ChangedWhileRead', 'is not what was listed', { id })
  }

  async #next(): Promise<boolean> {
    try {
      const { done, value } = await this.#stream!.next()
      if (done) return false
      this.#rest = value
      return true
    } catch (error) {
      throw networkTrouble(error, this.#source.id)
    }
  }

  async #let(): Promise<void> {
    const stream = this.#stream
    this.#stream = undefined
    await stream?.return?.().catch(() => undefined)
  }
}

/** A content that fits into memory, by one request. */
export async function readWhole(source: RangeSource, expected: Facts, into: Uint8Array): Promise<void> {
  const reading = new RangeReading(source, expected.sizeBytes, expected)
  const size = Number(expected.sizeBytes)
  if (size === 0) return reading.begin()
  try {
    const n = await reading.read(into.subarray(0, size), 0n)
    if (n < size) throw new ConnectorError('ShortRead', `ends after ${n} of ${size} bytes`, { id: source.id })
  } finally {
    await reading.close(true)
  }
}
