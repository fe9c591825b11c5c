import type { Facts, ItemKind } from '../../connector/item.ts'
import type { AuditLevel } from '../../job/settings.ts'
import type { Action, Processing } from '../../policy/decision.ts'
import type { ItemState } from '../item_state.ts'

/** All that the ledger knows of one item, in words. */
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
  /** Of a container: it exists at the destination, and the execution in which we made it. */
  container?: { ready: boolean; madeIn?: number }
}

/** A child of a container, as `verify` reads it. */
export interface ChildRow extends LedgerItem {
  /** Of a container: the execution in which we made it; absent when it was there before. */
  madeIn?: number
}
