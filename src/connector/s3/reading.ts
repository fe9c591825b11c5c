import { ConnectorError } from '../errors.ts'
import type { Facts } from '../item.ts'
import type { Reading } from '../connector.ts'
import type { Headers } from './client.ts'
import { factsOf, isAsExpected } from './facts.ts'
import type { Objects } from './objects.ts'
import { networkTrouble } from '../http/trouble.ts'

/**
 * One object, of the version that was planned: each request says its etag. What is read in order comes as one stream, so a
 * long content costs one request.
 */
export class S3Reading implements Reading {
  readonly sizeBytes: bigint
  readonly #objects: Objects
  readonly #id: string
  readonly #key: string
  readonly #expected: Facts | undefined
  #stream: AsyncIterator<Uint8Array> | undefined
  /** Where the stream is, and what has come of it beyond. */
  #at = 0n
  #rest: Uint8Array = new Uint8Array()
  #reads = 0

  constructor(
    objects: Objects,
    { id, sizeBytes, expected }: { id: string; sizeBytes: bigint; expected?: Facts | undefined },
  ) {
    this.#objects = objects
    this.#id = id
    this.#key = objects.keys.keyOf(id)
    this.#expected = expected
    this.sizeBytes = sizeBytes
  }

  /** Whether it is there as expected; the first bytes are on their way then. */
  async begin(): Promise<void> {
    if (this.sizeBytes > 0n) return this.#openAt(0n)
    const now = await this.#objects.head(this.#key, this.#id)
    if (!now) throw new ConnectorError('NotFound', 'is gone', { id: this.#id })
    if (this.#expected) requireSame(now.facts, this.#expected, this.#id)
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
      throw new ConnectorError('ShortRead', `ends after ${at} of ${this.sizeBytes} bytes`, { id: this.#id })
    return filled
  }

  /** Bytes that came by one read are of one moment; of more, the item must be now what it was at the first. */
  async close(aborted = false): Promise<void> {
    await this.#let()
    if (aborted || this.#expected === undefined || this.#reads === 1) return
    const now = await this.#objects.head(this.#key, this.#id)
    if (!now) throw new ConnectorError('NotFound', 'is gone', { id: this.#id })
    requireSame(now.facts, this.#expected, this.#id)
  }

  /** The answer to the first request said the whole size; nothing needs to be asked again. */
  #atEnd(at: bigint): number {
    if (at > this.sizeBytes) throw new ConnectorError('ShortRead', `ends before ${at}`, { id: this.#id })
    return 0
  }

  async #openAt(at: bigint): Promise<void> {
    await this.#let()
    const range = at === 0n ? undefined : `bytes=${at}-`
    const { headers, body } = await openObject(this.#objects, {
      id: this.#id,
      key: this.#key,
      expected: this.#expected,
      range,
    })
    this.#stream = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    this.#at = at
    this.#rest = new Uint8Array()
    if (this.#expected) requireSame(factsOf(headers, this.#objects.settings), this.#expected, this.#id)
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
}

/** A content that fits into memory, by one request. */
export async function readWhole(objects: Objects, id: string, expected: Facts, into: Uint8Array): Promise<void> {
  const reading = new S3Reading(objects, { id, sizeBytes: expected.sizeBytes, expected })
  const size = Number(expected.sizeBytes)
  if (size === 0) return reading.begin()
  try {
    const n = await reading.read(into.subarray(0, size), 0n)
    if (n < size) throw new ConnectorError('ShortRead', `ends after ${n} of ${size} bytes`, { id })
  } finally {
    await reading.close(true)
  }
}

async function openObject(
  { client }: Objects,
  { id, key, expected, range }: { id: string; key: string; expected: Facts | undefined; range: string | undefined },
): ReturnType<typeof client.stream> {
  const headers: Headers = {
    ...(expected?.version === undefined ? {} : { 'if-match': `"${expected.version}"` }),
    ...(range === undefined ? {} : { range }),
  }
  try {
    return await client.stream({ method: 'GET', key, headers, id })
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    if (error.code === 'PreconditionFailed')
      throw new ConnectorError('ChangedWhileRead', 'is not what was listed', { id, cause: error })
    throw error
  }
}

function requireSame(now: Facts, expected: Facts, id: string): void {
  if (now.sizeBytes < expected.sizeBytes)
    throw new ConnectorError('ShortRead', `has ${now.sizeBytes} of ${expected.sizeBytes} bytes`, { id })
  if (now.sizeBytes > expected.sizeBytes)
    throw new ConnectorError('GrewWhileRead', `goes on after ${expected.sizeBytes} bytes`, { id })
  if (!isAsExpected(now, expected)) throw new ConnectorError('ChangedWhileRead', 'is not what was listed', { id })
}
