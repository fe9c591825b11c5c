import type { Facts, ItemKind } from '../connector/item.ts'
import type { Staged } from '../connector/connector.ts'
import type { Action, Decision, Processing, Reason } from '../policy/decision.ts'
import type { Side } from '../job/endpoint.ts'
import type { Reset } from '../job/reset.ts'
import type { AuditLevel } from '../job/settings.ts'
import { noItems, type FinishedItems, type NewItems } from './columns.ts'
import type { ItemState } from './item_state.ts'

/**
 * The tracking store of one job. Every method happens whole or not at all, and is committed before it is answered: its owner
 * runs what has arrived as savepoints of one transaction (`Owner`). Only `tracked` is read past the owner (`TrackedRows`).
 * Writers hold a lease and show its fencing token; a call with a token that was taken over changes nothing and raises `LeaseLost`.
 *
 * Leases are on containers to list (phase `changes`), on batches to carry out (phase `executing`) and on containers to finish
 * (phase `finalize`). A lease names its holder (`<lane>/<slot>`); a holder that comes back takes its own leases over at once,
 * others when they expire.
 */
export interface Ledger {
  /** Told of an item, or a container, that a claim of this thread flagged because it kept killing its holders; before the claim is answered. */
  onCrashed: (why: string) => void

  /**
   * Opens execution `n`: resets the frontier to the root, unless this execution was begun before (then nothing changes).
   * @throws LedgerAhead when the ledger ended an execution of that number before the catalog began this one, or is at a later one
   */
  begin(start: ExecutionStart): Promise<void>
  /** Ends it: leases are dropped, work not done stays pending. Idempotent. @param halted by what, when it was */
  end(execution: number, halted?: string): Promise<Balance>

  /** Up to `limit` containers to list, or why there are none. Finding none it may answer late: see {@link Patience}. */
  claimContainers(holder: Holder, limit: number, patience?: Patience): Promise<Claim<ContainerToList[]>>
  /** Containers that were claimed and are not listed after all, for whoever claims next; nothing is held against them. */
  returnContainers(tokens: number[]): Promise<void>
  /** The tracked children of a claimed container, in no order, 5,000 rows at most per page; `after` is the last id of the page before. */
  tracked(container: number, after: number): Promise<TrackedRow[]>
  /** What listing found: rows, child containers, work and counters, at once. `last` ends the container's lease. */
  enumerated(listing: Listing): Promise<void>

  /** Up to `limit.items` items and `limit.bytes` bytes to carry out, or why there are none. */
  claimBatch(holder: Holder, limit: { items: number; bytes: bigint }, patience?: Patience): Promise<Claim<Batch>>
  /** The destination address of a container that now exists. */
  containerReady(container: number, made: MadeContainer): Promise<void>
  /**
   * A container's address and those above it, topmost first: all of them from the job's root on, or from the nearest that is
   * at the destination. How deep a tree is must not decide what each of its folders costs.
   */
  addresses(container: number, from: 'root' | 'nearest', toSource?: boolean): Promise<ContainerAddress[]>
  /** Stagings finished but not published, beside what was recorded for this lease before. */
  staged(token: number, staged: StagedItem[]): Promise<void>
  /** Results, audit rows and counters; `last` gives the lease back, and what has no result goes back to pending. */
  finished(results: Results): Promise<void>
  /** A long item's progress, so that another holder can continue it. */
  partial(token: number, item: number, partial: Partial): Promise<void>

  /** The execution that was begun and not ended. */
  unended(): Promise<number | undefined>

  /** Containers to finish (times, mode, owner), deepest first. */
  claimContainersToFinalize(holder: Holder, limit: number, patience?: Patience): Promise<Claim<FinalizeBatch>>
  finishedContainers(token: number, results: FinishedContainer[]): Promise<void>

  /** With `move`: plans that what arrived leaves the source, some rows at a time; the last looked at, none when all were. */
  planMoved(after: number): Promise<number | undefined>
  /** What waits to be removed. */
  plannedRemovals(execution: number): Promise<RemovalPlan>
  /** What to remove, deepest first. */
  claimRemovals(holder: Holder, limit: number, patience?: Patience): Promise<Claim<RemovalBatch>>
  finishedRemovals(token: number, results: RemovalResult[]): Promise<void>

  /** Batches whose holders are gone, taken over for good, and long items left half-way: what `complete` must clear away. */
  leftovers(execution: number): Promise<Leftovers>

  /** Keeps leases alive, and learns of those lost. */
  renew(holders: string[], leaseMs: number): Promise<void>
  progress(execution: number): Promise<Progress>
  audit(rows: AuditRow[]): Promise<void>
  /** Keeps what failed in the execution under way, the first of all; what a claim flagged is kept already. */
  keepFailure(why: string): Promise<void>
  /** For who goes on with the execution after a death: what failed in it first, whether it was to halt it or not. */
  firstFailure(execution: number): Promise<string | undefined>
  /** Small values of the job: which folders its roots were, and whether it made the destination's. */
  remember(key: string, value: string): Promise<void>
  recall(key: string): Promise<string | undefined>
  close(): Promise<void>
}

export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

export interface ExecutionStart {
  execution: number
  /** When the catalog began it, Unix milliseconds. */
  begunMs: number
  auditLevel: AuditLevel
  simulated: boolean
  /** What is asked for and not carried out, for the audit log. */
  warnings?: readonly string[]
  /** In one execution, after this many failed tries an item stops being tried and gets a strike. */
  triesPerExecution: number
  /** More strikes than this flag the item (`max_retry`). */
  maxRetry: number
  /** `empty_containers: skip`: a container to create is no work of its own; `containerReady` makes it, or it ends as skipped. */
  lazyContainers: boolean
  asked?: Asked
  resets?: readonly Reset[]
  root: { source: Facts & { id: string }; destination?: Facts & { id: string } }
}

/** What people want done about items that failed; by ids of items. */
export interface Asked {
  /** Begun afresh, whatever is held against them. So are those above them, which nobody would look into. */
  retry: number[]
  /** Left out from now on; what arrived all the same counts as settled. */
  ignore: number[]
  /** What is flagged for one of these reasons is tried one time. */
  onceMore: readonly string[]
}

export interface Holder {
  /** `<lane>/<slot>`, stable over retries of the lane's activity. */
  name: string
  execution: number
  leaseMs: number
  /** Tokens of its leases that it works on; any other under its name was left by one that died. None when not given. */
  inHand?: readonly number[]
}

/** `wait`: something is under way elsewhere that may make work; `waiting`: only items with a later `not_before` are left. */
export type Claim<T> = (
  { state: 'claimed'; claim: T } | { state: 'wait' } | { state: 'waiting'; items: WaitingItems } | { state: 'closed' }
) & {
  /** What was flagged in passing, because it kept killing its holders: its path, and how often. Else found nothing, it is `wait`. */
  crashed?: string
}

/** A claim that finds nothing is held back until there is something, so that waiting costs no polling. */
export interface Patience {
  /** After this long `wait` is answered all the same; 500 when not given, 0 answers at once. */
  waitMs?: number
}

export interface WaitingItems {
  total: number
  byReason: Record<string, number>
  nextDueMs: number
}

/** Where a container is on both sides, exchanged for whoever writes to the source; names from the job's root down, `[]` for the root itself. */
export interface ContainerAddress {
  item: number
  parent: number
  sourceNames: string[]
  destinationNames: string[]
  /** On `id` platforms. */
  sourceId?: string
  destinationId?: string
  /** The destination container is known to exist. */
  ready: boolean
  /** The last execution that made it; absent when none did. */
  madeIn?: number
  /** As listed, for the attributes of one that is to be made. */
  source: Facts
  /** Of a batch: it is to be made, and the batch holds it and all that is to be in it, no container among that. */
  whole?: true
}

export interface ContainerToList extends ContainerAddress {
  token: number
  /** Rows of it are tracked from an earlier execution or an earlier try at this listing. */
  known: boolean
  /** It is not at the source, or no more: only what the destination has of it is looked at. */
  gone: boolean
  /** It is to be removed from one side. */
  removing: boolean
  /** An earlier execution looked at all that is in it. */
  looked: boolean
  /** Some pages of this listing were committed by a holder that died. */
  resumed: boolean
}

/** One tracked child: what the ledger remembers of it. */
export interface TrackedRow {
  item: number
  name: string
  kind: ItemKind
  destinationName: string
  state: ItemState
  source: Facts
  destination?: Facts | undefined
  /** The facts as they are stored (`packFacts`): those of something that is packed to the same text are the same. */
  sourceText?: string
  destinationText?: string | undefined
  hash?: string | undefined
  /** On `id` platforms. */
  sourceId?: string | undefined
  destinationId?: string | undefined
  reason: Reason | string
  sourceGone: boolean
  /** What was decided last goes from the destination to the source. */
  toSource?: boolean
  /** A reset was asked for since: it says nothing but that both sides are as they were, where they are. */
  forgotten?: boolean
  /** Nobody has looked at it since owners and permissions were to be set again. */
  permissionsAnew?: boolean
  /** Of a row that a person may ask about, because it was left as it is: what was said and seen then. */
  said?: Said | undefined
  /**
   * Decided and counted in this execution already, by an earlier try at this listing (`resumed`). Its decision stands:
   * it counts as seen, but belongs into neither `changed`, `unchanged`, `descend` nor `gone`.
   */
  decided: boolean
}

/** What an execution said of an item that it left as it is, and what it saw, as stored (`packFacts`). */
export interface Said {
  why: string | null
  /** Where the source is not as recorded. */
  source: string | null
  /** Null: nothing was there. */
  destination: string | null
}

/** The item that is the job's root, in every ledger. */
export const rootItem = 1

export interface Listing {
  container: number
  token: number
  execution: number
  last: boolean
  /** Why a container's children are not looked at: the container itself is flagged, or goes to retry. */
  failed?: { reason: Reason | string; why: string; flag: boolean }
  /**
   * Rows not tracked before. By action: `create`, `overwrite`, `attributes`, `reread` become work; `adopt` and `none` are done
   * (`counterpart` is the baseline); `skip` is `skipped`; `fail` is a strike (`retry`, or `remediation` when there were too
   * many). Containers among them join the frontier unless their action is `skip` or `fail`; one with `create` becomes work
   * when it is listed itself, just before its children (unless `lazyContainers`), one with `adopt` is ready.
   */
  fresh: NewItems
  /** Rows tracked before whose facts or decision changed. */
  changed: ChangedRow[]
  /**
   * Tracked, seen, nothing to do, by the status they keep (a flagged item that did not change stays flagged); containers
   * included. The reason is the row's own, `unchanged` for all rows of a status, or what only the destination has changed.
   */
  unchanged: { status: ItemState; reason: string; items: number; bytes: bigint; containers?: number }[]
  /** Rows among the unchanged of which something else is to be said than what is recorded. */
  notes: RowNote[]
  /** Containers among the unchanged: they are listed in their turn. */
  descend: number[]
  /** Reasons under which containers in `descend` are counted, where it is neither their own nor `unchanged`. */
  countedAs?: { [container: number]: string }
  /** Rows among the unchanged that were gone from the source and are there again. */
  returned?: number[]
  /** Tracked rows whose source is gone, in a complete listing only. */
  gone: number[]
  /** What one side has, and is to be removed. Containers among them are looked into; they go when nothing is left in them. */
  unmatched: Unmatched[]
  /** Either side has something else there that stays, or comes, so that the container can't go. */
  holdsOthers: boolean
  met: Met[]
  audit: AuditRow[]
}

/** A listing that found nothing, to be filled. */
export function noListing(of: Pick<Listing, 'container' | 'token' | 'execution'>): Listing {
  return {
    ...of,
    last: true,
    fresh: noItems(),
    changed: [],
    unchanged: [],
    notes: [],
    descend: [],
    gone: [],
    unmatched: [],
    holdsOthers: false,
    met: [],
    audit: [],
  }
}

/** Something that nothing on the other side stands for, and that is to go. */
export interface Unmatched {
  /** The tracked row; absent: nobody of us put it there. */
  item?: number
  /** On its side. */
  name: string
  kind: ItemKind
  reason: 'source_gone' | 'not_at_source' | 'destination_gone'
  /** That it is to be removed from. */
  side: Side
  /** What the decision was made against; removed on condition of. */
  facts: Facts & { id: string }
}

/** What waits to be removed. */
export interface RemovalPlan {
  /** Containers included. */
  items: number
  containers: number
  bytes: bigint
  /** To be overwritten although somebody else wrote it. */
  replaced: number
  /** Of what is to be removed: two plans with the same are the same. */
  hash: string
}

export interface RemovalBatch {
  token: number
  removals: Removal[]
}

export interface Removal {
  item: number
  side: 'source' | 'destination'
  kind: ItemKind
  depth: number
  /** That it is in. */
  container: ContainerAddress
  name: string
  destinationName: string
  /** On `id` platforms. */
  platformId?: string
  expected: Facts
  /** Of what is to leave the source. */
  destinationId?: string
  /** Of the content last written. */
  hash?: string
}

export interface RemovalResult {
  item: number
  /** `kept`: it is not as it was, or holds something. */
  end: 'removed' | 'kept' | 'failed'
  /** Why not removed; an error code, or a word of the planner's. */
  reason?: string
}

/** State and baselines of the row stay. */
export interface RowNote {
  item: number
  /** Absent: the row's own. */
  reason?: Reason
  why?: string | undefined
  /** As seen, where it is not as recorded. */
  source?: Facts
  counterpart?: Facts & { id: string }
}

/** What an execution came across that has no reason of its own; counted. */
export interface Met {
  what: string
  items: number
  bytes: bigint
}

export interface ChangedRow {
  item: number
  kind: ItemKind
  decision: Decision
  /** At the source, of what goes there. */
  name?: string
  destinationName: string
  /** Of the side that it goes from, as the id. */
  source: Facts
  sourceId?: string
  /** What the decision was made against; written on condition of. */
  counterpart?: Facts & { id: string }
}

/** Items of several containers, claimed together. */
export interface Batch {
  token: number
  /** It goes from the destination to the source: everything in it is told with both sides exchanged. */
  toSource?: boolean
  /** 1 the first time; more when earlier holders may have left something of it half-done. Above 2 it holds one item. */
  attempt: number
  containers: ContainerAddress[]
  items: WorkItem[]
  /** Committed by an earlier holder between `finish` and `publish`. */
  staged: StagedItem[]
  /** Tokens of earlier holders whose staging keys may have left something. */
  formerTokens: number[]
}

/** A batch whose holder is gone, or what failed of one; results are taken of both. */
export interface LeftBatch extends Batch {
  /** From the beginning of the execution until its holder's time was up, Unix milliseconds; absent when it had been put back. */
  held?: { fromMs: number; untilMs: number }
}

export interface Leftovers {
  batches: LeftBatch[]
  partials: ({ item: number; container: ContainerAddress; toSource?: boolean } & Pick<Partial, 'key' | 'resume'>)[]
}

export interface WorkItem {
  item: number
  container: number
  kind: ItemKind
  name: string
  destinationName: string
  action: Action
  reason: Reason | string
  keepAs?: string
  processing: Processing[]
  source: Facts
  sourceId?: string
  /** The destination item planned against, for `overwrite`, `attributes`, `reread`, `adopt`. */
  counterpart?: Facts & { id: string }
  /** SHA-256 of what was last written. */
  hash?: string
  /** Failed tries in this execution. */
  tries: number
  partial?: Partial
}

interface Partial {
  key: string
  bytes: bigint
  source: Facts
  /** What the platform calls the staging (`Staging.resume`). */
  resume?: string
}

export interface StagedItem {
  item: number
  staged: Staged
  /** Facts of the source that it holds, where they are not those of the listing. */
  source?: Facts
}

export interface MadeContainer {
  token: number
  id: string
  /** False when it was there before, or somebody else made it meanwhile: its times, owner and mode are not ours to set. */
  made: boolean
}

export interface Results {
  token: number
  execution: number
  last: boolean
  done: FinishedItems
  failed: FailedItem[]
  audit: AuditRow[]
}

export interface FailedItem {
  item: number
  /** An error code of the connector's, or a reason of the planner's. */
  reason: string
  why: string
  /** Milliseconds from now until it may be tried again. */
  retryAfterMs: number
}

export interface FinalizeBatch {
  token: number
  /** They came from the destination: as with {@link Batch}. */
  toSource?: boolean
  containers: (ContainerAddress & { made: boolean; depth: number })[]
}

export interface FinishedContainer {
  item: number
  destination?: Facts
  /** Where something may have been written into it there too. */
  source?: Facts
  /** It is finished, more private than it was, and a person has to look at it: why. */
  flagged?: string
  /** Given where its attributes were set: all the ways in which they are less than the source's. */
  altered?: Processing[]
  failure?: { reason: string; why: string }
}

export interface AuditRow {
  item?: number
  /** In place of `item`: an index into the listing's `fresh`, whose rows get their ids in the same transaction. */
  fresh?: number
  level: Exclude<AuditLevel, 'none'>
  /** `transferred`, `skipped`, …; the numbers 4001… of the reference for its own types. */
  type: string
  message?: string
  /** Small, plain. */
  detail?: unknown
}

/** Sums per wire status and reason; `found` is their total, at any time. */
export interface Balance {
  /** `items` counts everything, containers included; `containers` says how many of them are. */
  found: { items: number; containers: number; bytes: bigint }
  byStatus: Record<ItemState, { items: number; bytes: bigint }>
  byReason: { status: ItemState; reason: string; items: number; bytes: bigint }[]
  containersMade: number
  /** What no counter says, once it has ended. */
  findings?: Findings
  /** What this execution carried out, unlike rows that were as recorded: results, containers included, and bytes written. */
  carriedOut?: { items: number; bytes: bigint }
}

/** What is true of a job after an execution besides what became of the items it found. */
export interface Findings {
  /** No longer at the source, and kept by the destination. */
  gone: { items: number; bytes: bigint }
  /** Containers whose content was not looked at, because they failed or are flagged. */
  unlisted: number
  /** Items at the destination by how they arrived altered. */
  altered: { [processing: string]: number }
  met: Met[]
}

export interface Progress {
  /** As in {@link Balance}: `items` counts containers too. */
  found: { items: number; containers: number; bytes: bigint }
  /** `bytes` counts also what is recorded of long contents half-way. */
  done: { items: number; bytes: bigint }
  /** What is recorded of contents half-way, in items: two of which half is there are 1. */
  partItems: number
  failed: number
  waiting: number
  containersToList: number
  enumerationClosed: boolean
  /** The path last worked on. */
  inHand?: string
}
