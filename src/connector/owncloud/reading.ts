import { createHash, type Hash } from 'node:crypto'
import { ConnectorError } from '../errors.ts'
import { RangeReading, type RangeSource } from '../http/range_reading.ts'
import type { Facts, Item } from '../item.ts'
import type { Maybe } from '../maybe.ts'
import { etagOf, factsOf, isAsExpected, sha1Of } from './facts.ts'
import { unquoted, type Server } from './server.ts'

/**
 * One item, as requests get at it. Infinite Scale checks no condition of a GET, so it is told by the answer whose bytes come;
 * what the answer does not tell is asked.
 */
export function contentOf(server: Server, id: string): RangeSource {
  const look = async (): Promise<Facts | null> => {
    const now = await server.entry(id)
    return now && !now.isContainer ? factsOf(now) : null
  }
  return {
    id,
    look,
    async get(from) {
      const range = from === 0n ? {} : { range: `bytes=${from}-` }
      const { headers, body } = await server.client.stream({
        method: 'GET',
        path: server.at.path(id),
        headers: range,
        id,
      })
      const size = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? headers['content-length']
      const etag = unquoted(headers['etag'])
      if (size !== undefined && etag !== undefined) return { facts: { version: etag, sizeBytes: BigInt(size) }, body }
      const facts = await look()
      if (facts) return { facts, body }
      body.destroy()
      throw new ConnectorError('NotFound', 'is gone', { id })
    },
    isSame: (now, expected) =>
      sha1Of(now) === undefined && now.identity === undefined
        ? etagOf(now) === etagOf(expected)
        : isAsExpected(now, expected),
  }
}

/** Compares what was read in order with the checksum that the server states of it. */
export class OwncloudReading extends RangeReading {
  readonly #id: string
  readonly #stated: string | undefined
  #sha1: Hash | undefined = createHash('sha1')
  #hashed = 0n

  constructor(
    server: Server,
    id: string,
    { sizeBytes, expected }: { sizeBytes: bigint; expected?: Facts | undefined },
  ) {
    super(contentOf(server, id), sizeBytes, expected)
    this.#id = id
    this.#stated = expected && sha1Of(expected)
  }

  override async read(into: Uint8Array, at: bigint): Promise<number> {
    const n = await super.read(into, at)
    if (at !== this.#hashed) this.#sha1 = undefined
    this.#sha1?.update(into.subarray(0, n))
    this.#hashed += BigInt(n)
    return n
  }

  override async close(aborted = false): Promise<void> {
    await super.close(aborted)
    if (aborted || this.#stated === undefined || this.#hashed !== this.sizeBytes || !this.#sha1) return
    if (this.#sha1.digest('hex') !== this.#stated)
      throw new ConnectorError('IntegrityMismatch', 'what came has not the checksum that the server states of it', {
        id: this.#id,
      })
  }
}

/** A content that fits into memory, by one request. */
export async function readWhole(server: Server, id: string, expected: Facts, into: Uint8Array): Promise<void> {
  const { sizeBytes } = expected
  const reading = new OwncloudReading(server, id, { sizeBytes, expected })
  if (sizeBytes === 0n) return reading.begin()
  let isWhole = false
  try {
    const n = await reading.read(into.subarray(0, Number(sizeBytes)), 0n)
    if (BigInt(n) < sizeBytes) throw new ConnectorError('ShortRead', `ends after ${n} of ${sizeBytes} bytes`, { id })
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
  const reading = new OwncloudReading(server, id, { sizeBytes, expected: item })
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
