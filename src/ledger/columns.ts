import type { Facts, ItemKind } from '../connector/item.ts'
import type { Action, Decision, Processing } from '../policy/decision.ts'
import type { ItemState } from './item_state.ts'

/**
 * Rows by column: 100,000 of them cross from an I/O thread to the ledger's at a fraction of what objects cost. Plain
 * arrays only, so that structured clone takes them as they are. All columns of one set have the same length.
 */
export interface FactsColumns {
  identity: (string | undefined)[]
  version: (string | undefined)[]
  hash: (string | undefined)[]
  sizeBytes: bigint[]
  modifiedNs: (bigint | undefined)[]
  changedNs: (bigint | undefined)[]
  facets: (string | undefined)[]
}

export interface NewItems {
  name: string[]
  kind: ItemKind[]
  destinationName: string[]
  action: Action[]
  reason: string[]
  /** What is rarely there, by index. */
  rest: {
    [index: number]: Pick<Decision, 'why' | 'keepAs' | 'processing' | 'toSource'> & {
      counterpart?: Facts & { id: string }
      /** On `id` platforms, of what goes to the source. */
      originId?: string
    }
  }
  /** On `id` platforms, else empty. */
  sourceId: string[]
  /** Of the side that it goes from. */
  source: FactsColumns
}

export interface FinishedItems {
  item: number[]
  state: ItemState[]
  reason: string[]
  /** What is rarely there, by index. */
  why: { [index: number]: string }
  /** By index, of what arrived other than it was planned: all the ways in which it is altered. */
  altered: { [index: number]: Processing[] }
  bytes: bigint[]
  /** Of the content there now; empty text when nobody knows. */
  hash: string[]
  /** On `id` platforms, else empty. */
  destinationId: string[]
  /** Facts after our last write; the baseline for the next run. */
  destination: FactsColumns
  /** Facts of the source as they were when it was read. */
  source?: FactsColumns
  /** Of these items the containers that were to be made, and that somebody else had made by then. */
  found?: number[]
}

export function noFacts(): FactsColumns {
  return { identity: [], version: [], hash: [], sizeBytes: [], modifiedNs: [], changedNs: [], facets: [] }
}

export function noItems(): NewItems {
  return { name: [], kind: [], destinationName: [], action: [], reason: [], rest: {}, sourceId: [], source: noFacts() }
}

export function noResults(): FinishedItems {
  return {
    item: [],
    state: [],
    reason: [],
    why: {},
    altered: {},
    bytes: [],
    hash: [],
    destinationId: [],
    destination: noFacts(),
  }
}

export function pushFacts(columns: FactsColumns, facts: Facts): void {
  columns.identity.push(facts.identity)
  columns.version.push(facts.version)
  columns.hash.push(facts.hash)
  columns.sizeBytes.push(facts.sizeBytes)
  columns.modifiedNs.push(facts.modifiedNs)
  columns.changedNs.push(facts.changedNs)
  columns.facets.push(facts.facets)
}
