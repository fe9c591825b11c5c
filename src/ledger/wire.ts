import type { Facts } from '../connector/item.ts'
import type { Side } from '../job/endpoint.ts'
import type { Processing } from '../policy/decision.ts'
import type { FinishedItems, NewItems } from './columns.ts'
import type {
  AuditRow,
  Batch,
  ChangedRow,
  ContainerAddress,
  ContainerToList,
  FailedItem,
  FinishedContainer,
  LeftBatch,
  Leftovers,
  Listing,
  Removal,
  RemovalBatch,
  Unmatched,
  Results,
  RowNote,
  StagedItem,
  FinalizeBatch,
  WorkItem,
} from './ledger.ts'
import { countedSize, packColumns, packFacts, unpackFacts } from './facts_text.ts'
import { actionCode, actionOf, kindCode, kindOf, levelCode, stateCode } from './sqlite/codes.ts'

/**
 * What crosses between I/O threads and the ledger's: columns, codes and packed text, made and read on the I/O side, so
 * that the one thread that all results go through spends its time on SQLite.
 */

export interface WireRest {
  why?: string
  keepAs?: string
  processing?: string
  counterpart?: string
  counterpartId?: string
  toSource?: true
  /** On `id` platforms, of what goes to the source. */
  originId?: string
}

export interface WireItems {
  name: string[]
  kind: number[]
  destinationName: string[]
  action: number[]
  reason: string[]
  rest: { [index: number]: WireRest }
  sourceId: string[]
  source: string[]
  size: number[]
}

export interface WireChanged extends WireRest {
  item: number
  kind: number
  action: number
  reason: string
  /** At the source, of what goes there. */
  name: string | null
  destinationName: string
  /** Of the side that it goes from, as `size`. */
  source: string
  size: number
  sourceId: string | null
  forgetHash: boolean
}

export interface WireAudit {
  item: (number | null)[]
  level: number[]
  type: string[]
  message: (string | null)[]
  detail: (string | null)[]
}

export interface WireNote {
  item: number
  reason: string | null
  why: string | null
  source: string | null
  counterpart: string | null
  counterpartId: string | null
}

/** As {@link Unmatched}. */
export interface WireUnmatched {
  item: number | null
  name: string
  kind: number
  bytes: number
  reason: string
  side: Side
  facts: string
  platformId: string
}

export type WireRemoval = Omit<Removal, 'container' | 'expected' | 'destinationId' | 'hash' | 'platformId'> & {
  container: WireAddress
  platformId: string | null
  expected: string
  destinationId: string | null
  hash: string | null
}

export interface WireRemovalBatch {
  token: number
  removals: WireRemoval[]
}

export interface WireListing extends Omit<Listing, 'fresh' | 'changed' | 'notes' | 'audit' | 'unmatched'> {
  unmatched: WireUnmatched[]
  fresh: WireItems
  changed: WireChanged[]
  notes: WireNote[]
  audit: WireAudit
}

export interface WireDone {
  item: number[]
  state: number[]
  reason: string[]
  why: { [index: number]: string }
  altered: { [index: number]: Processing[] }
  bytes: number[]
  hash: string[]
  destinationId: string[]
  destination: string[]
  source?: string[]
  size?: number[]
  found?: number[]
}

export interface WireResults {
  token: number
  execution: number
  last: boolean
  done: WireDone
  failed: FailedItem[]
  audit: WireAudit
}

export type WireAddress = Omit<ContainerAddress, 'source'> & { source: string }
export type WireToList = WireAddress &
  Pick<ContainerToList, 'token' | 'known' | 'looked' | 'resumed' | 'gone' | 'removing'>

/**
 * `id, parent, kind, name, destination_name, action, reason, size, source, source_id, hash, to_source`; with both sides
 * exchanged where the last is 1.
 */
export type WireWork = [
  number,
  number,
  number,
  string,
  string | null,
  number,
  string,
  number,
  string,
  string | null,
  string | null,
  number,
]

export interface WirePartial {
  key: string
  bytes: bigint
  source: string
  resume?: string
}

/** What few items of a batch have. */
export interface WireWorkRest extends WireRest {
  tries?: number
  partial?: WirePartial
}

export interface WireBatch {
  token: number
  attempt: number
  containers: WireAddress[]
  items: WireWork[]
  rest: Map<number, WireWorkRest>
  staged: string | null
  formerTokens: number[]
  toSource?: boolean
}

export interface WireLeftovers {
  batches: (WireBatch & Pick<LeftBatch, 'held'>)[]
  partials: ({ item: number; container: WireAddress; toSource?: boolean } & Pick<WirePartial, 'key' | 'resume'>)[]
}

export interface WireFinalizeBatch {
  token: number
  toSource?: boolean
  containers: (WireAddress & { made: boolean; depth: number })[]
}

export interface WireFinishedContainer {
  item: number
  destination?: string
  source?: string
  flagged?: string
  altered?: Processing[]
  failure?: { reason: string; why: string }
}

export function toWireListing(listing: Listing): WireListing {
  return {
    ...listing,
    fresh: toWireItems(listing.fresh),
    changed: listing.changed.map(toWireChanged),
    notes: listing.notes.map(toWireNote),
    unmatched: listing.unmatched.map(toWireUnmatched),
    audit: toWireAudit(listing.audit),
  }
}

function toWireItems(fresh: NewItems): WireItems {
  const { name, kind, destinationName, reason, sourceId, source } = fresh
  const rest: WireItems['rest'] = {}
  for (const [index, { counterpart, toSource, originId, ...decision }] of Object.entries(fresh.rest)) {
    const one = (rest[Number(index)] = toWireRest(decision, counterpart))
    if (toSource) one.toSource = true
    if (originId !== undefined) one.originId = originId
  }
  return {
    name,
    kind: kind.map(kindCode),
    destinationName,
    action: fresh.action.map(actionCode),
    reason,
    rest,
    sourceId,
    source: packColumns(source),
    size: source.sizeBytes.map((size, i) => (kind[i] === 'item' ? countedSize(size) : 0)),
  }
}

function toWireChanged(row: ChangedRow): WireChanged {
  const { action, reason, forgetHash = false, toSource, ...decision } = row.decision
  return {
    ...toWireRest(decision, row.counterpart),
    ...(toSource ? { toSource, ...(row.sourceId === undefined ? {} : { originId: row.sourceId }) } : {}),
    item: row.item,
    name: row.name ?? null,
    kind: kindCode(row.kind),
    action: actionCode(action),
    reason,
    destinationName: row.destinationName,
    source: packFacts(row.source),
    size: row.kind === 'item' ? countedSize(row.source.sizeBytes) : 0,
    sourceId: row.sourceId ?? null,
    forgetHash,
  }
}

function toWireNote({ item, reason, why, source, counterpart }: RowNote): WireNote {
  return {
    item,
    reason: reason ?? null,
    why: why ?? null,
    source: source ? packFacts(source) : null,
    counterpart: counterpart ? packFacts(counterpart) : null,
    counterpartId: counterpart?.id ?? null,
  }
}

function toWireUnmatched({ item, name, kind, reason, side, facts }: Unmatched): WireUnmatched {
  return {
    item: item ?? null,
    name,
    kind: kindCode(kind),
    bytes: kind === 'item' ? countedSize(facts.sizeBytes) : 0,
    reason,
    side,
    facts: packFacts(facts),
    platformId: facts.id,
  }
}

export function fromWireRemovals({ token, removals }: WireRemovalBatch): RemovalBatch {
  return {
    token,
    removals: removals.map(({ container, platformId, expected, destinationId, hash, ...removal }) => ({
      ...removal,
      container: fromWireAddress(container),
      expected: unpackFacts(expected),
      ...(platformId === null ? {} : { platformId }),
      ...(destinationId === null ? {} : { destinationId }),
      ...(hash === null ? {} : { hash }),
    })),
  }
}

function toWireRest(
  decision: Pick<NewItems['rest'][number], 'why' | 'keepAs' | 'processing'>,
  counterpart: (Facts & { id: string }) | undefined,
): WireRest {
  const rest: WireRest = {}
  if (decision.why !== undefined) rest.why = decision.why
  if (decision.keepAs !== undefined) rest.keepAs = decision.keepAs
  if (decision.processing !== undefined && decision.processing.length > 0) {
    rest.processing = JSON.stringify(decision.processing)
  }
  if (counterpart) {
    rest.counterpart = packFacts(counterpart)
    rest.counterpartId = counterpart.id
  }
  return rest
}

export function toWireAudit(rows: AuditRow[]): WireAudit {
  const audit: WireAudit = { item: [], level: [], type: [], message: [], detail: [] }
  for (const { item, fresh, level, type, message, detail } of rows) {
    audit.item.push(item ?? (fresh === undefined ? null : -1 - fresh))
    audit.level.push(levelCode(level))
    audit.type.push(type)
    audit.message.push(message ?? null)
    audit.detail.push(detail === undefined ? null : jsonOf(detail))
  }
  return audit
}

export function toWireResults({ token, execution, last, done, failed, audit }: Results): WireResults {
  return { token, execution, last, done: toWireDone(done), failed, audit: toWireAudit(audit) }
}

function toWireDone(done: FinishedItems): WireDone {
  const { item, reason, why, altered, hash, destinationId, source, found } = done
  return {
    item,
    state: done.state.map(stateCode),
    reason,
    why,
    altered,
    bytes: done.bytes.map(countedSize),
    hash,
    destinationId,
    destination: packColumns(done.destination),
    ...(source ? { source: packColumns(source), size: source.sizeBytes.map(countedSize) } : {}),
    ...(found ? { found } : {}),
  }
}

export function toWireFinished(results: FinishedContainer[]): WireFinishedContainer[] {
  return results.map(({ item, destination, source, flagged, altered, failure }) => ({
    item,
    ...(source ? { source: packFacts(source) } : {}),
    ...(altered ? { altered } : {}),
    ...(flagged === undefined ? {} : { flagged }),
    ...(destination ? { destination: packFacts(destination) } : {}),
    ...(failure ? { failure } : {}),
  }))
}

export function fromWireAddress<T extends WireAddress>(address: T): Omit<T, 'source'> & { source: Facts } {
  return { ...address, source: unpackFacts(address.source) }
}

export function fromWireBatch(batch: WireBatch): Batch {
  return {
    token: batch.token,
    attempt: batch.attempt,
    containers: batch.containers.map(fromWireAddress),
    items: batch.items.map((cells) => workItem(cells, batch.rest.get(cells[0]))),
    staged: batch.staged === null ? [] : stagedOf(batch.staged),
    formerTokens: batch.formerTokens,
    ...(batch.toSource ? { toSource: true } : {}),
  }
}

function workItem(cells: WireWork, rest: WireWorkRest | undefined): WorkItem {
  const [item, container, kind, name, destinationName, action, reason, , source, sourceId, hash] = cells
  const work: WorkItem = {
    item,
    container,
    kind: kindOf(kind),
    name,
    destinationName: destinationName ?? name,
    action: actionOf(action),
    reason,
    processing: rest?.processing === undefined ? [] : (JSON.parse(rest.processing) as WorkItem['processing']),
    source: unpackFacts(source),
    tries: rest?.tries ?? 0,
  }
  if (sourceId !== null) work.sourceId = sourceId
  if (hash !== null) work.hash = hash
  if (rest?.keepAs !== undefined) work.keepAs = rest.keepAs
  if (rest?.counterpart !== undefined) {
    work.counterpart = { ...unpackFacts(rest.counterpart), id: rest.counterpartId ?? '' }
  }
  if (rest?.partial) work.partial = { ...rest.partial, source: unpackFacts(rest.partial.source) }
  return work
}

export function fromWireLeftovers(leftovers: WireLeftovers): Leftovers {
  return {
    batches: leftovers.batches.map((batch) => ({
      ...fromWireBatch(batch),
      ...(batch.held ? { held: batch.held } : {}),
    })),
    partials: leftovers.partials.map((partial) => ({ ...partial, container: fromWireAddress(partial.container) })),
  }
}

export function fromWireFinalizeBatch(touched: WireFinalizeBatch): FinalizeBatch {
  return { ...touched, containers: touched.containers.map(fromWireAddress) }
}

/** What was staged, per item, as the ledger stores it. */
export type StagedEntry = [
  item: number,
  staged: Omit<StagedItem['staged'], 'sizeBytes'> & { sizeBytes: string; source?: string },
]

export function toStagedText(staged: StagedItem[]): string {
  return JSON.stringify(
    staged.map(({ item, staged: at, source }): StagedEntry => [
      item,
      { ...at, sizeBytes: String(at.sizeBytes), ...(source ? { source: packFacts(source) } : {}) },
    ]),
  )
}

function stagedOf(text: string): StagedItem[] {
  return (JSON.parse(text) as StagedEntry[]).map(([item, { source, ...staged }]) => ({
    item,
    staged: { ...staged, sizeBytes: BigInt(staged.sizeBytes) },
    ...(source === undefined ? {} : { source: unpackFacts(source) }),
  }))
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v)) ?? 'null'
}
