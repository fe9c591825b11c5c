import { createHash, hash as hashOnce } from 'node:crypto'
import type { Attributes, Reading, Staged, StageSpec, Staging } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facts } from '../../connector/item.ts'
import type { WorkItem } from '../../ledger/ledger.ts'
import { Suspended } from '../engine/errors.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { isSmall, nowNs, readSmall, requireStatedHash, requireWhole } from './read_content.ts'
import { Stop, type StopToken } from '../io/stop.ts'
import { discardOrKeep } from '../recovery/discard_or_keep.ts'
import type { ItemTransfer } from './item_transfer.ts'
import { PartWriter } from './part_writer.ts'

/** Above this a content that has to stop is kept and continued instead of begun again. */
const resumableBytes = 8n * 1024n * 1024n
/** How much of a long content may have to be read again after a death. */
const partBytes = 64n * 1024n * 1024n

export interface ContentTransfer {
  item: ItemTransfer
  /** Source id. */
  source: string
  /** Destination container id. */
  container: string
  key: string
  attributes: Attributes
  token: number
  stop: StopToken
  /** The ledger knows how far it has come; an outage does not take that back. */
  isOnRecord?: boolean
  /** `Staging.resume`. */
  resume?: string
}

function isOutage(error: unknown): boolean {
  return error instanceof ConnectorError && error.kind === 'connection'
}

/**
 * read → hash → stage, for one item. The source must end with the facts it was listed with, the staging with the bytes
 * that were hashed. Answers what is to be published, and the facts of the source it holds.
 */
export async function transferContent(
  context: ExecutionContext,
  transfer: ContentTransfer,
): Promise<{ staged: Staged; read: Facts }> {
  const { work } = transfer.item
  const staged = context.isSmall(work.source.sizeBytes)
    ? await once(context, transfer)
    : await inParts(context, transfer)
  return { staged, read: context.settledFacts(work.source, nowNs()) }
}

/** In one piece: read, hashed and written while it is in memory. */
async function once(context: ExecutionContext, transfer: ContentTransfer): Promise<Staged> {
  const { item, source, container, key, attributes, stop } = transfer
  const { work } = item
  item.side = 'source'
  try {
    await context.pace.wait('download', Number(work.source.sizeBytes), stop)
    const content = await readSmall(context.source, source, work.source, item.chunk)
    const hash = hashOnce('sha256', content, 'hex')
    requireStatedHash(hash, work.source, source)
    item.side = 'destination'
    await context.pace.wait('upload', content.length, stop)
    failpoint('stage:before')
    const { sizeBytes } = work.source
    const spec = { container, key, name: work.destinationName, sizeBytes, attributes, replaces: replaces(work) }
    const staging = await stage(context, spec)
    const staged = await written(staging, content, hash)
    failpoint('stage:after')
    return staged
  } catch (error) {
    await discard(context, transfer)
    throw error
  }
}

async function written(staging: Staging, content: Uint8Array, hash: string): Promise<Staged> {
  try {
    if (content.length > 0) await staging.write(content, 0n)
    return await staging.finish(hash)
  } catch (error) {
    await staging.suspend()
    throw error
  }
}

async function inParts(context: ExecutionContext, transfer: ContentTransfer): Promise<Staged> {
  const { item } = transfer
  const { work } = item
  item.side = 'source'
  const reading = await context.source.open(transfer.source, work.source)
  let finished = false
  try {
    const staged = await stageInParts(context, transfer, reading)
    item.side = 'source'
    finished = true
    await reading.close()
    requireStatedHash(staged.hash, work.source, transfer.source)
    return staged
  } catch (error) {
    if (!finished) await reading.close(true)
    const isKept = error instanceof Suspended || (transfer.isOnRecord && isOutage(error))
    if (!isKept) await discard(context, transfer)
    throw error
  }
}

async function stageInParts(context: ExecutionContext, transfer: ContentTransfer, reading: Reading): Promise<Staged> {
  const { item, container, key, attributes, stop } = transfer
  const { work, chunk: buffer } = item
  const { sizeBytes } = work.source
  const { pace } = context
  const sparse = await keepsHoles(context, transfer)
  item.side = 'destination'
  failpoint('stage:before')
  const { staging, resumeAt } = await stageOrResume(
    context,
    { container, key, name: work.destinationName, sizeBytes, attributes, replaces: replaces(work) },
    transfer,
  )
  transfer.isOnRecord = resumeAt > 0n
  await recordName(context, transfer, staging, resumeAt)
  const writer = new PartWriter(staging, { resumeAt, sparse })
  const hash = createHash('sha256')
  let offset = 0n
  let part = resumeAt + partBytes
  try {
    // The state of SHA-256 can't be stored: what is there already is read and hashed again, from the source.
    while (offset < sizeBytes) {
      item.side = 'source'
      const piece = buffer.subarray(0, Math.min(Number(sizeBytes - offset), pace.pieceBytes))
      await pace.wait('download', piece.length, stop)
      const n = await reading.read(piece, offset)
      if (n === 0) break
      const chunk = buffer.subarray(0, n)
      hash.update(chunk)
      item.side = 'destination'
      if (offset >= resumeAt) await pace.wait('upload', n, stop)
      await writer.write(chunk, offset)
      offset += BigInt(n)
      // Long before it is done, so that somebody who waits for it sees it move.
      if (offset > resumeAt && !isSmall(sizeBytes)) stop.slot.count(0, n)
      if (offset >= part) {
        part = offset + partBytes
        await writer.reachTo(offset)
        failpoint('partial:before')
        await record(context, transfer, offset)
        transfer.isOnRecord = true
        failpoint('partial:after')
      }
      // Not for the end of the slice: what was read would be read and hashed again, the more the longer the file.
      if (offset < sizeBytes && stop.reason !== Stop.run) {
        await writer.reachTo(offset)
        await suspend(context, transfer, staging, offset > resumeAt ? offset : resumeAt)
      }
    }
    item.side = 'source'
    // One more read tells a content that grew past its listed size.
    const beyond = await reading.read(buffer.subarray(0, 1), offset)
    requireWhole(offset + BigInt(beyond), sizeBytes, transfer.source)
    item.side = 'destination'
    const staged = await staging.finish(hash.digest('hex'))
    failpoint('stage:after')
    return staged
  } catch (error) {
    if (!(error instanceof Suspended)) await staging.suspend()
    throw error
  }
}

/** A long content with holes keeps them where the destination can; bytes that are merely zero are written. */
async function keepsHoles({ source, destination }: ExecutionContext, transfer: ContentTransfer): Promise<boolean> {
  if (!destination.capabilities.content.sparse) return false
  return (await source.stat(transfer.source, []))?.sparse ?? false
}

/** Goes on where an earlier try was put down; begins anew when what it staged is no longer there as recorded. */
async function stageOrResume(
  context: ExecutionContext,
  spec: Omit<StageSpec, 'durability' | 'resumeAt' | 'resume'>,
  transfer: ContentTransfer,
): Promise<{ staging: Staging; resumeAt: bigint }> {
  const known = resumePoint(context, transfer)
  if (known) {
    try {
      const staging = await stage(context, { ...spec, ...known })
      return { staging, resumeAt: staging.resumesAt ?? known.resumeAt }
    } catch (error) {
      if (!(error instanceof ConnectorError) || !lostStaging.has(error.code)) throw error
    }
  }
  // One that has an id of its own does not give way to the next.
  const resume = transfer.item.work.partial?.resume
  if (resume !== undefined) await context.destination.discard(transfer.container, transfer.key, { resume })
  return { staging: await stage(context, spec), resumeAt: 0n }
}

const lostStaging: ReadonlySet<string> = new Set(['NotFound', 'PreconditionFailed'])

/** Puts the item down: a long one keeps what it has, a short one begins again next time. */
async function suspend(
  context: ExecutionContext,
  transfer: ContentTransfer,
  staging: Staging,
  offset: bigint,
): Promise<never> {
  await staging.suspend()
  const { stop } = transfer
  const worthKeeping =
    context.destination.capabilities.content.resumable && offset >= resumableBytes && stop.reason !== Stop.halt
  if (worthKeeping) await record(context, transfer, offset)
  else await discard(context, transfer)
  throw new Suspended('stopped half-way')
}

/** Puts on record what the platform calls the staging, before its first byte. */
async function recordName(
  context: ExecutionContext,
  transfer: ContentTransfer,
  { resume }: Staging,
  bytes: bigint,
): Promise<void> {
  if (resume === undefined) return
  transfer.resume = resume
  if (resume === transfer.item.work.partial?.resume) return
  await record(context, transfer, bytes)
  transfer.isOnRecord = true
}

/** How far it has come. */
async function record({ ledger }: ExecutionContext, transfer: ContentTransfer, bytes: bigint): Promise<void> {
  const { key, token, resume } = transfer
  const { work } = transfer.item
  const partial = { key, bytes, source: work.source, ...(resume === undefined ? {} : { resume }) }
  await ledger.partial(token, work.item, partial)
}

/**
 * What the ledger knows of a content half-way is shown as carried out: it goes with the content, and before it. Whoever has taken
 * the lease over goes on with what is on record, and to one who comes late the ledger says so.
 */
async function discard(context: ExecutionContext, transfer: ContentTransfer): Promise<void> {
  const { work } = transfer.item
  if (work.partial || transfer.isOnRecord) await record(context, transfer, 0n)
  await discardOrKeep(context, { work, token: transfer.token }, transfer)
}

/** From where a recorded partial content can be continued; nothing when the source is no longer what it was. */
function resumePoint(
  context: ExecutionContext,
  { item, key }: ContentTransfer,
): (Required<Pick<StageSpec, 'resumeAt'>> & Pick<StageSpec, 'resume'>) | undefined {
  const { partial, source } = item.work
  if (!partial || partial.key !== key || !context.destination.capabilities.content.resumable) return undefined
  const same = partial.source.modifiedNs === source.modifiedNs && partial.source.sizeBytes === source.sizeBytes
  if (!same || partial.source.version !== source.version) return undefined
  const { bytes: resumeAt, resume } = partial
  // How far it has really come, the platform knows that has an id for it.
  if (resume !== undefined) return { resumeAt, resume }
  return resumeAt > 0n && resumeAt < source.sizeBytes ? { resumeAt } : undefined
}

/** Whether a content takes the place of exactly the item that was planned against. */
export function replaces({ action, keepAs, counterpart }: WorkItem): boolean {
  return (action === 'overwrite' || action === 'reread') && keepAs === undefined && counterpart !== undefined
}

function stage(context: ExecutionContext, spec: Omit<StageSpec, 'durability'>): Staging | Promise<Staging> {
  return context.destination.stage({ ...spec, durability: context.spec.settings.durability })
}
