import type { Facts, ItemKind } from '../../connector/item.ts'
import type { AuditLevel } from '../../job/settings.ts'
import type { Action, Processing } from '../../policy/decision.ts'
import type { ItemState } from '../item_state.ts'

/** What the last execution that looked at an item decided, and what it saw; that a row did not change is not written there. */
export interface LastLook {
  execution: number
  simulated: boolean
  action: Action
  reason: string
  /** When all of its container had been looked at, Unix milliseconds; absent when that is not known. */
  atMs?: number
  /** Absent: no longer there. */
  source?: Facts
  /** After our own write, if there was one. Absent: nothing was there. */
  destination?: Facts
  /** What is at the destination is as we wrote it, or found it, when it was recorded. */
  isOurs: boolean
}

/** All that the ledger knows of one item, in words: its row, as the execution that wrote it decided. */
export interface LedgerItem {
  item: number
  /** 1 is the job's root. */
  parent: number
  name: string
  destinationName: string
  kind: ItemKind
  state: ItemState
  action: Action
  reason: string
  /** Particulars of the decision, or of the last failure. */
  why?: string
  /** What the destination's own version was renamed to. */
  keepAs?: string
  processing: Processing[]
  /** The execution that decided it last. */
  execution: number
  /** No longer at the source. */
  gone: boolean
  /** What was decided last goes from the destination to the source: what is said of the two is to be read exchanged. */
  toSource: boolean
  source: Facts
  /** After our last write. */
  destination?: Facts
  /** SHA-256 of the content last written. */
  hash?: string
  sourceId?: string
  destinationId?: string
  /** Failed tries in the execution that tried it last, and executions in which it was given up. */
  tries: number
  strikes: number
  /** It waits for its next try until then (Unix milliseconds). */
  notBeforeMs?: number
  /** Bytes of it that were written already, to be gone on with. */
  partialBytes?: bigint
  last: LastLook
}

export interface PlacedItem extends LedgerItem {
  sourceNames: string[]
  destinationNames: string[]
  /** It, or a container above it, is no longer at the source. */
  absent: boolean
}

export interface ItemQuery {
  status?: readonly ItemState[]
  /** One of the words in `processing`; `none` finds items that arrived as they were. */
  processing?: Processing | 'none'
  /** Under which the last execution counted it, or for which it was flagged. */
  reasons?: readonly string[]
  kind?: ItemKind
  /** Part of the name on either side, without regard to case (ASCII). */
  q?: string
  parent?: number
  ids?: readonly number[]
  offset: number
  limit: number
}

export interface AuditQuery {
  execution?: number
  item?: number
  /** This level and those above it. */
  level?: AuditLevel
  type?: string
  offset: number
  limit: number
}

export interface AuditEntry {
  seq: number
  execution: number
  item?: number
  level: AuditLevel
  type: string
  recordedMs: number
  message?: string
  detail?: unknown
}

/** Everything known of one item, for `explain`. */
export interface Explanation extends PlacedItem {
  audit: AuditEntry[]
  /** Of a container: it exists at the destination, the execution in which we made it, and the last one that looked at all that is in it. */
  container?: { ready: boolean; madeIn?: number; lookedIn?: number }
}

/** A child of a container, as `verify` reads it. */
export interface ChildRow extends LedgerItem {
  /** Of a container: the execution in which we made it; absent when it was there before. */
  madeIn?: number
}
