import { createHash, hash as hashOnce } from 'node:crypto'
import type { Attributes, Reading, Session, Staged, StageSpec, Staging } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facts } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import type { WorkItem } from '../../ledger/ledger.ts'
import { failpoint } from '../failpoints.ts'
import type { JobContext } from '../job_context.ts'
import { Stop, type Obeys } from '../threads/signals.ts'
import type { Side } from '../trouble.ts'

/** One chunk stays in a core's cache from read over hash to write; most files are one chunk. */
const chunkBytes = 512 * 1024
/** Above this a content that has to stop is kept and continued instead of begun again. */
const resumableBytes = 8n * 1024n * 1024n
/** How much of a long content may have to be read again after a death. */
const partBytes = 64n * 1024n * 1024n

/** The item in hand was put down half-way because of a pause or a cancel; nothing is wrong with it. */
export class Suspended extends Error {
  override readonly name = 'Suspended'
}

export interface ContentTransfer {
  work: WorkItem
  /** Source id. */
  source: string
  /** Destination container id. */
  container: string
  key: string
  attributes: Attributes
  token: number
  obeys: Obeys
  /** Told before each call which side is to blame for what comes next. */
  at(side: Side): void
}

/**
 * read → hash → stage, for one item. The source must end with the facts it was listed with, the staging with the bytes
 * that were hashed. Answers what is to be published, and the facts of the source it holds.
 */
export async function transferContent(
  context: JobContext,
  transfer: ContentTransfer,
): Promise<{ staged: Staged; read: Facts }> {
  const { work, at } = transfer
  at('source')
  const reading = await context.source.open(transfer.source, work.source)
  let finished = false
  try {
    const staged = isSmall(work.source.sizeBytes)
      ? await once(context, transfer, reading)
      : await inParts(context, transfer, reading)
    at('source')
    finished = true
    await reading.close()
    return { staged, read: context.settledFacts(work.source, nowNs()) }
  } catch (error) {
    if (!finished) await reading.close(true)
    if (!(error instanceof Suspended)) await letGo(context, transfer)
    throw error
  }
}

/** Fits into one chunk, with room for the byte that would show that it grew. */
export function isSmall(sizeBytes: bigint): boolean {
  return sizeBytes < BigInt(chunkBytes)
}

/** A whole content in memory, until the next one is read. */
export interface SmallContent {
  content: Uint8Array
  hash: string
  /** Facts of the source it holds for. */
  read: Facts
}

/** Reads a small content whole; it is what was listed, before and after. */
export function readSmall({ source }: JobContext, id: string, expected: Facts): Maybe<Uint8Array> {
  const size = Number(expected.sizeBytes)
  if (!source.readWhole) return readInSteps(source, id, expected)
  return then(source.readWhole(id, expected, buffer), () => buffer.subarray(0, size))
}

async function readInSteps(session: Session, id: string, expected: Facts): Promise<Uint8Array> {
  const reading = await session.open(id, expected)
  let whole = false
  try {
    const content = await readWhole(reading, Number(expected.sizeBytes), id)
    whole = true
    return content
  } finally {
    await reading.close(!whole)
  }
}

/** What is recorded of a small content just read. */
export function smallContent(context: JobContext, content: Uint8Array, expected: Facts): SmallContent {
  return { content, hash: hashOnce('sha256', content, 'hex'), read: context.settledFacts(expected, nowNs()) }
}

export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

/**
 * SHA-256, in hex, of a content that is only read.
 *
 * @throws ConnectorError also when it is not, or does not stay, as `expected`; Suspended
 */
export async function hashContent(session: Session, id: string, expected: Facts, obeys: Obeys): Promise<string> {
  const reading = await session.open(id, expected)
  const hash = createHash('sha256')
  let whole = false
  try {
    let offset = 0n
    for (;;) {
      const n = await reading.read(buffer, offset)
      if (n === 0) break
      hash.update(buffer.subarray(0, n))
      offset += BigInt(n)
      if (obeys.stop !== Stop.run) throw new Suspended('stopped while reading')
    }
    requireWhole(offset, expected.sizeBytes, id)
    whole = true
  } finally {
    await reading.close(!whole)
  }
  return hash.digest('hex')
}

const buffer = Buffer.allocUnsafeSlow(chunkBytes)

/**
 * A connector says so itself; but should one ever not, a staging filled up to its announced size would pass for the content.
 *
 * @throws ConnectorError `ShortRead`, `GrewWhileRead`
 */
function requireWhole(bytes: bigint, expected: bigint, id: string): void {
  if (bytes < expected) throw new ConnectorError('ShortRead', `ends at ${bytes} of ${expected} bytes`, { id })
  if (bytes > expected) throw new ConnectorError('GrewWhileRead', `goes on past its ${expected} bytes`, { id })
}

async function readWhole(reading: Reading, size: number, id: string): Promise<Uint8Array> {
  // Room for one byte more than expected: a content that grew shows itself without a second read.
  let filled = 0
  for (;;) {
    const n = await reading.read(buffer.subarray(filled, size + 1), BigInt(filled))
    if (n === 0 || (filled += n) >= size) break
  }
  requireWhole(BigInt(filled), BigInt(size), id)
  return buffer.subarray(0, filled)
}

async function once(
  context: JobContext,
  { work, source, container, key, attributes, at }: ContentTransfer,
  reading: Reading,
): Promise<Staged> {
  const content = await readWhole(reading, Number(work.source.sizeBytes), source)
  const hash = hashOnce('sha256', content, 'hex')
  at('destination')
  failpoint('stage:before')
  const staging = await stage(context, {
    container,
    key,
    sizeBytes: work.source.sizeBytes,
    attributes,
    replaces: replaces(work),
  })
  try {
    if (content.length > 0) await staging.write(content, 0n)
    const staged = await staging.finish(hash)
    failpoint('stage:after')
    return staged
  } catch (error) {
    await staging.suspend()
    throw error
  }
}

async function inParts(context: JobContext, transfer: ContentTransfer, reading: Reading): Promise<Staged> {
  const { work, container, key, attributes, at, obeys } = transfer
  const { sizeBytes } = work.source
  const sparse = await keepsHoles(context, transfer)
  at('destination')
  failpoint('stage:before')
  const { staging, resumeAt } = await stageOrResume(
    context,
    { container, key, sizeBytes, attributes, replaces: replaces(work) },
    transfer,
  )
  const hash = createHash('sha256')
  let offset = 0n
  let part = resumeAt + partBytes
  // What is recorded as staged must be there, a hole at its end included.
  let reach = resumeAt
  const reachOffset = async () => {
    if (reach >= offset) return
    await staging.write(zeros.subarray(0, 1), offset - 1n)
    reach = offset
  }
  try {
    // The state of SHA-256 can't be stored: what is there already is read and hashed again, from the source.
    while (offset < sizeBytes) {
      at('source')
      const left = sizeBytes - offset
      const n = await reading.read(left < buffer.length ? buffer.subarray(0, Number(left)) : buffer, offset)
      if (n === 0) break
      const chunk = buffer.subarray(0, n)
      hash.update(chunk)
      at('destination')
      if (!sparse || offset < resumeAt || !isZero(chunk)) {
        await writeBeyond(staging, chunk, offset, resumeAt)
        if (offset + BigInt(n) > reach) reach = offset + BigInt(n)
      }
      offset += BigInt(n)
      // Long before it is done, so that somebody who waits for it sees it move.
      if (offset > resumeAt) obeys.slot.count(0, n)
      if (offset >= part) {
        part = offset + partBytes
        await reachOffset()
        failpoint('partial:before')
        await context.ledger.partial(transfer.token, work.item, { key, bytes: offset, source: work.source })
        failpoint('partial:after')
      }
      // Not for the end of the slice: what was read would be read and hashed again, the more the longer the file.
      if (offset < sizeBytes && obeys.stop !== Stop.run) {
        await reachOffset()
        await suspend(context, transfer, staging, offset > resumeAt ? offset : resumeAt)
      }
    }
    at('source')
    // One more read tells a content that grew past its listed size.
    const beyond = await reading.read(buffer.subarray(0, 1), offset)
    requireWhole(offset + BigInt(beyond), sizeBytes, transfer.source)
    at('destination')
    const staged = await staging.finish(hash.digest('hex'))
    failpoint('stage:after')
    return staged
  } catch (error) {
    if (!(error instanceof Suspended)) await staging.suspend()
    throw error
  }
}

/** A long content with holes keeps them where the destination can; bytes that are merely zero are written. */
async function keepsHoles({ source, destination }: JobContext, transfer: ContentTransfer): Promise<boolean> {
  if (!destination.capabilities.content.sparse) return false
  return (await source.stat(transfer.source, []))?.sparse ?? false
}

const zeros = Buffer.alloc(chunkBytes)

function isZero(chunk: Buffer): boolean {
  return chunk[0] === 0 && chunk.equals(zeros.subarray(0, chunk.length))
}

/** Goes on where an earlier try was put down; begins anew when what it staged is no longer there as recorded. */
async function stageOrResume(
  context: JobContext,
  spec: Omit<StageSpec, 'durability' | 'resumeAt'>,
  transfer: ContentTransfer,
): Promise<{ staging: Staging; resumeAt: bigint }> {
  const resumeAt = resumePoint(context, transfer)
  if (resumeAt > 0n) {
    try {
      return { staging: await stage(context, { ...spec, resumeAt }), resumeAt }
    } catch (error) {
      if (!(error instanceof ConnectorError) || !lostStaging.has(error.code)) throw error
    }
  }
  return { staging: await stage(context, spec), resumeAt: 0n }
}

const lostStaging: ReadonlySet<string> = new Set(['NotFound', 'PreconditionFailed'])

/** Puts the item down: a long one keeps what it has, a short one begins again next time. */
async function suspend(
  context: JobContext,
  transfer: ContentTransfer,
  staging: Staging,
  offset: bigint,
): Promise<never> {
  await staging.suspend()
  const { work, key, token, obeys } = transfer
  const worthKeeping =
    context.destination.capabilities.content.resumable && offset >= resumableBytes && obeys.stop !== Stop.halt
  if (worthKeeping) await context.ledger.partial(token, work.item, { key, bytes: offset, source: work.source })
  else await letGo(context, transfer)
  throw new Suspended('stopped half-way')
}

/** From where a recorded partial content can be continued; 0 when the source is no longer what it was. */
function resumePoint(context: JobContext, { work, key }: ContentTransfer): bigint {
  const { partial, source } = work
  if (!partial || partial.key !== key || !context.destination.capabilities.content.resumable) return 0n
  const same = partial.source.modifiedNs === source.modifiedNs && partial.source.sizeBytes === source.sizeBytes
  return same && partial.source.version === source.version && partial.bytes < source.sizeBytes ? partial.bytes : 0n
}

async function writeBeyond(staging: Staging, chunk: Uint8Array, offset: bigint, resumeAt: bigint): Promise<void> {
  const end = offset + BigInt(chunk.length)
  if (end <= resumeAt) return verifyPrefix(staging, chunk, offset)
  if (offset >= resumeAt) return staging.write(chunk, offset)
  const known = Number(resumeAt - offset)
  await verifyPrefix(staging, chunk.subarray(0, known), offset)
  await staging.write(chunk.subarray(known), resumeAt)
}

const staged = Buffer.allocUnsafeSlow(chunkBytes)

/** The staged prefix must hold what the source holds now; where it differs it is written again. */
async function verifyPrefix(staging: Staging, chunk: Uint8Array, offset: bigint): Promise<void> {
  if (!staging.read) return
  const there = staged.subarray(0, chunk.length)
  let filled = 0
  while (filled < chunk.length) {
    const n = await staging.read(there.subarray(filled), offset + BigInt(filled))
    if (n === 0) break
    filled += n
  }
  if (filled < chunk.length || !there.equals(chunk)) await staging.write(chunk, offset)
}

/** Whether a content takes the place of exactly the item that was planned against. */
export function replaces({ action, keepAs, counterpart }: WorkItem): boolean {
  return (action === 'overwrite' || action === 'reread') && keepAs === undefined && counterpart !== undefined
}

function stage(context: JobContext, spec: Omit<StageSpec, 'durability'>): Staging | Promise<Staging> {
  return context.destination.stage({ ...spec, durability: context.spec.settings.durability })
}

/** Leaves nothing behind; when even that fails, the ledger keeps the key so that a later try or the end clears it away. */
async function letGo(context: JobContext, { container, key, work, token }: ContentTransfer): Promise<void> {
  try {
    await context.destination.discard(container, key)
  } catch {
    await context.ledger.partial(token, work.item, { key, bytes: 0n, source: work.source })
  }
}
