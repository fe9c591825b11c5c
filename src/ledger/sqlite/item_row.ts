import type { Processing } from '../../policy/decision.ts'
import { unpackFacts } from '../facts_text.ts'
import { actionOf, kindOf, stateOf } from './codes.ts'
import type { LedgerItem } from './reader_types.ts'

export interface ItemRow {
  id: number
  parent: number
  name: string
  kind: number
  state: number
  action: number
  execution: number
  gone: number
  reason: string
  destination_name: string | null
  source_id: string | null
  destination_id: string | null
  source: string
  destination: string | null
  hash: string | null
  why: string | null
  keep_as: string | null
  processing: string | null
  tries: number | null
  strikes: number | null
  waiting: number | null
  not_before_ms: number | null
  partial_bytes: number | null
}

export const itemColumns = `id, parent, name, kind, state, action, item.execution, gone, reason, destination_name, source_id,
  destination_id, item.source, destination, hash, why, keep_as, processing, tries, strikes, waiting, not_before_ms,
  partial.bytes AS partial_bytes`
export const itemTables = `item LEFT JOIN plan ON plan.item = id LEFT JOIN trial ON trial.item = id
  LEFT JOIN partial ON partial.item = id`

export function itemOf(row: ItemRow): LedgerItem {
  return {
    item: row.id,
    parent: row.parent,
    name: row.name,
    destinationName: row.destination_name ?? row.name,
    kind: kindOf(row.kind),
    state: stateOf(row.state),
    action: actionOf(row.action),
    reason: row.gone === 1 ? 'source_gone' : row.reason,
    ...(row.why === null ? {} : { why: row.why }),
    ...(row.keep_as === null ? {} : { keepAs: row.keep_as }),
    processing: row.processing === null ? [] : (JSON.parse(row.processing) as Processing[]),
    execution: row.execution,
    gone: row.gone === 1,
    source: unpackFacts(row.source),
    ...(row.destination === null ? {} : { destination: unpackFacts(row.destination) }),
    ...(row.hash === null ? {} : { hash: row.hash }),
    ...(row.source_id === null ? {} : { sourceId: row.source_id }),
    ...(row.destination_id === null ? {} : { destinationId: row.destination_id }),
    tries: row.tries ?? 0,
    strikes: row.strikes ?? 0,
    ...(row.waiting === 1 ? { notBeforeMs: row.not_before_ms ?? 0 } : {}),
    ...(row.partial_bytes === null ? {} : { partialBytes: BigInt(row.partial_bytes) }),
  }
}
