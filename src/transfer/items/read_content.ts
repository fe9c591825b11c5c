import { createHash } from 'node:crypto'
import type { Reading, Session } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facts } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import { Suspended } from '../engine/errors.ts'
import type { Pace } from '../io/pace.ts'
import { Stop, type StopToken } from '../io/stop.ts'

/** One chunk stays in a core's cache from read over hash to write; most files are one chunk. */
export const chunkBytes = 512 * 1024

/** Chunks of memory of this thread, used again and again: what is read passes through one that belongs to its reader alone. */
class ChunkPool {
  readonly #free: Buffer[] = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(chunkBytes)
  }

  give(chunk: Buffer): void {
    if (this.#free.length < mostKept) this.#free.push(chunk)
  }
}

/** 8 MiB. */
const mostKept = 16

export const chunks = new ChunkPool()

/** Fits into one chunk, with room for the byte that would show that it grew. */
export function isSmall(sizeBytes: bigint): boolean {
  return sizeBytes < BigInt(chunkBytes)
}

/** A whole content in memory. */
export interface SmallContent {
  content: Uint8Array
  hash: string
  /** Facts of the source it holds for. */
  read: Facts
}

/**
 * Reads a small content whole; it is what was listed, before and after.
 *
 * @param into a chunk; the answer lies in it
 */
export function readSmall(session: Session, id: string, expected: Facts, into: Buffer): Maybe<Uint8Array> {
  const size = Number(expected.sizeBytes)
  if (!session.readWhole) return readInSteps(session, id, { expected, into })
  return then(session.readWhole(id, expected, into), () => into.subarray(0, size))
}

async function readInSteps(
  session: Session,
  id: string,
  { expected, into }: { expected: Facts; into: Buffer },
): Promise<Uint8Array> {
  const reading = await session.open(id, expected)
  let whole = false
  try {
    const content = await readWhole(reading, { size: Number(expected.sizeBytes), id, into })
    whole = true
    return content
  } finally {
    await reading.close(!whole)
  }
}

export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

/**
 * SHA-256, in hex, of a content that is only read.
 *
 * @throws ConnectorError also when it is not, or does not stay, as `expected`; Suspended
 */
export async function hashContent(
  session: Session,
  id: string,
  expected: Facts,
  { stop, pace }: { stop: StopToken; pace: Pace },
): Promise<string> {
  const reading = await session.open(id, expected)
  const hash = createHash('sha256')
  const chunk = chunks.take()
  let whole = false
  try {
    let offset = 0n
    for (;;) {
      const piece = chunk.subarray(0, pace.pieceBytes)
      await pace.wait('download', offset < expected.sizeBytes ? piece.length : 0, stop)
      const n = await reading.read(piece, offset)
      if (n === 0) break
      hash.update(chunk.subarray(0, n))
      offset += BigInt(n)
      if (stop.reason !== Stop.run) throw new Suspended('stopped while reading')
    }
    requireWhole(offset, expected.sizeBytes, id)
    whole = true
  } finally {
    chunks.give(chunk)
    await reading.close(!whole)
  }
  const read = hash.digest('hex')
  requireStatedHash(read, expected, id)
  return read
}

/**
 * A connector says so itself; but should one ever not, a staging filled up to its announced size would pass for the content.
 *
 * @throws ConnectorError `ShortRead`, `GrewWhileRead`
 */
export function requireWhole(bytes: bigint, expected: bigint, id: string): void {
  if (bytes < expected) throw new ConnectorError('ShortRead', `ends at ${bytes} of ${expected} bytes`, { id })
  if (bytes > expected) throw new ConnectorError('GrewWhileRead', `goes on past its ${expected} bytes`, { id })
}

/**
 * What a platform states a hash for is that content or none: a damaged one is not handed on. To be asked when the reading is
 * closed, which tells apart a content that was replaced meanwhile.
 *
 * @throws ConnectorError `IntegrityMismatch`
 */
export function requireStatedHash(hash: string, { hash: stated }: Facts, id: string): void {
  if (stated === undefined || stated === hash) return
  throw new ConnectorError('IntegrityMismatch', `its bytes have SHA-256 ${hash}, not ${stated} as is stated`, { id })
}

export async function readWhole(
  reading: Reading,
  { size, id, into }: { size: number; id: string; into: Buffer },
): Promise<Uint8Array> {
  // Room for one byte more than expected: a content that grew shows itself without a second read.
  let filled = 0
  for (;;) {
    const n = await reading.read(into.subarray(filled, size + 1), BigInt(filled))
    if (n === 0 || (filled += n) >= size) break
  }
  requireWhole(BigInt(filled), BigInt(size), id)
  return into.subarray(0, filled)
}
