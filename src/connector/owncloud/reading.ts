import { createHash } from 'node:crypto'
import type { Reading } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { networkTrouble } from '../http/trouble.ts'
import type { Facts, Item } from '../item.ts'
import type { Maybe } from '../maybe.ts'
import { etagOf, factsOf, isAsExpected, sha1Of } from './facts.ts'
import { unquoted, type Server } from './server.ts'

/**
 * One item, as it was planned. What is read in order comes as one stream, so a long content costs one request; the server
 * checks no condition, so the answer's etag and the checksum of what came say whose bytes they are.
 */
export class OwncloudReading implements Reading {
  readonly sizeBytes: bigint
  readonly #server: Server
  readonly #id: string
  readonly #expected: Facts | undefined
  #stream: AsyncIterator<Uint8Array> | undefined
  /** Where the stream is, and what has come of it beyond. */
  #at = 0n
  #rest: Uint8Array = new Uint8Array()
  #reads = 0
  /** As long as everything was read in order, from the start on. */
  #sha1: ReturnType<typeof createHash> | undefined = createHash('sha1')
  #hashed = 0n

  constructor(
    server: Server,
    { id, sizeBytes, expected }: { id: string; sizeBytes: bigint; expected?: Facts | undefined },
  ) {
    this.#server = server
    this.#id = id
    this.#expected = expected
    this.sizeBytes = sizeBytes
  }

  /** Whether it is there as expected; the first bytes are on their way then. */
  async begin(): Promise<void> {
    if (this.sizeBytes > 0n) return this.#openAt(0n)
    await this.#requireSame()
    this.#reads = 1
  }

  async read(into: Uint8Array, at: bigint): Promise<number> {
    if (into.length === 0) return 0
    if (at >= this.sizeBytes) {
      if (at > this.sizeBytes && this.#expected) throw this.#error('ShortRead', `ends before ${at}`)
      return 0
    }
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
    if (filled === 0) throw this.#error('ShortRead', `ends after ${at} of ${this.sizeBytes} bytes`)
    this.#hash(into.subarray(0, filled), at)
    return filled
  }

  /** Bytes that came by one read are of one moment; of more, the item must be now what it was at the first. */
  async close(aborted = false): Promise<void> {
    await this.#let()
    if (aborted || this.#expected === undefined) return
    const stated = sha1Of(this.#expected)
    if (stated !== undefined && this.#sha1 && this.#hashed === this.sizeBytes && this.#sha1.digest('hex') !== stated)
      throw this.#error('IntegrityMismatch', 'the bytes that came are not those of the checksum that the server states')
    if (this.#reads > 1) await this.#requireSame()
  }

  #hash(bytes: Uint8Array, at: bigint): void {
    if (at !== this.#hashed) this.#sha1 = undefined
    this.#sha1?.update(bytes)
    this.#hashed += BigInt(bytes.length)
  }

  async #openAt(at: bigint): Promise<void> {
    await this.#let()
    const { headers, body } = await this.#server.client.stream({
      method: 'GET',
      path: this.#server.at.path(this.#id),
      headers: at === 0n ? {} : { range: `bytes=${at}-` },
      id: this.#id,
    })
    this.#stream = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    this.#at = at
    this.#rest = new Uint8Array()
    if (this.#expected === undefined) return
    const size = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? headers['content-length']
    if (size !== undefined) this.#requireSize(BigInt(size))
    const etag = unquoted(headers['etag'])
    const expected = etagOf(this.#expected)
    if (etag !== undefined && expected !== undefined && etag !== expected)
      throw this.#error('ChangedWhileRead', 'is not what was listed')
    // What the answer does not say is asked at the end.
    if (size === undefined || etag === undefined) this.#reads++
  }

  async #next(): Promise<boolean> {
    try {
      const { done, value } = await this.#stream!.next()
      if (done) return false
      this.#rest = value
      return true
    } catch (error) {
      throw networkTrouble(error, this.#id)
    }
  }

  async #let(): Promise<void> {
    const stream = this.#stream
    this.#stream = undefined
    await stream?.return?.().catch(() => undefined)
  }

  async #requireSame(): Promise<void> {
    const now = await this.#server.entry(this.#id)
    if (!now || now.isContainer) throw this.#error('NotFound', 'is gone')
    if (!this.#expected) return
    this.#requireSize(now.sizeBytes)
    if (!isAsExpected(factsOf(now), this.#expected)) throw this.#error('ChangedWhileRead', 'is not what was listed')
  }

  #requireSize(now: bigint): void {
    if (now < this.sizeBytes) throw this.#error('ShortRead', `has ${now} of ${this.sizeBytes} bytes`)
    if (now > this.sizeBytes) throw this.#error('GrewWhileRead', `goes on after ${this.sizeBytes} bytes`)
  }

  #error(code: ConstructorParameters<typeof ConnectorError>[0], why: string): ConnectorError {
    return new ConnectorError(code, why, { id: this.#id })
  }
}

/** A content that fits into memory, by one request. */
export async function readWhole(server: Server, id: string, expected: Facts, into: Uint8Array): Promise<void> {
  const reading = new OwncloudReading(server, { id, sizeBytes: expected.sizeBytes, expected })
  const size = Number(expected.sizeBytes)
  if (size === 0) return reading.begin()
  let isWhole = false
  try {
    const n = await reading.read(into.subarray(0, size), 0n)
    if (n < size) throw new ConnectorError('ShortRead', `ends after ${n} of ${size} bytes`, { id })
    isWhole = true
  } finally {
    await reading.close(!isWhole)
  }
}

/** Reads all of an item. @returns its SHA-256 */
export async function copied(
  server: Server,
  item: Item,
  to: (chunk: Uint8Array, at: bigint) => Maybe<void> = () => undefined,
): Promise<string> {
  const { id, sizeBytes } = item
  const hash = createHash('sha256')
  const reading = new OwncloudReading(server, { id, sizeBytes, expected: item })
  let isWhole = false
  try {
    const chunk = Buffer.allocUnsafe(1024 * 1024)
    for (let at = 0n; at < sizeBytes;) {
      const some = chunk.subarray(0, await reading.read(chunk, at))
      hash.update(some)
      await to(some, at)
      at += BigInt(some.length)
    }
    isWhole = true
  } finally {
    await reading.close(!isWhole)
  }
  return hash.digest('hex')
}
