import { leftAlone, type Processing } from '../../policy/decision.ts'
import { nothingText, unpackFacts } from '../facts_text.ts'
import { actionCode, actionOf, kindOf, State, stateOf } from './codes.ts'
import type { LastLook, LedgerItem } from './reader_types.ts'

export interface ItemRow {
  id: number
  parent: number
  name: string
  kind: number
  state: number
  action: number
  execution: number
  gone: number
  to_source: number
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
  seen_source: string | null
  counterpart: string | null
  looked: number | null
  looked_ms: number | null
  simulated: number | null
}

export const itemColumns = `id, parent, name, kind, state, action, item.execution, gone, to_source, reason, destination_name, source_id,
  destination_id, item.source, destination, hash, why, keep_as, processing, tries, strikes, waiting, not_before_ms,
  partial.bytes AS partial_bytes, plan.source AS seen_source, counterpart, above.looked, above.looked_ms,
  (SELECT simulated FROM execution WHERE n = max(item.execution, coalesce(above.looked, 0))) AS simulated`
export const itemTables = `item LEFT JOIN plan ON plan.item = id LEFT JOIN trial ON trial.item = id
  LEFT JOIN partial ON partial.item = id LEFT JOIN container AS above ON above.item = item.parent`

const left = [...leftAlone].map((reason) => `'${reason}'`).join(', ')

/** The reason under which the last execution that looked at an item counted it. */
export const lastReason = `CASE WHEN gone = 1 AND to_source = 0 AND reason NOT IN ('removed', 'moved', 'not_at_source') THEN 'source_gone'
  WHEN above.looked > item.execution AND state IN (${State.none}, ${State.success}, ${State.processed})
    AND reason NOT IN (${left}) THEN 'unchanged'
  WHEN above.looked > item.execution AND state = ${State.remediation} THEN 'flagged_before' ELSE reason END`

export function itemOf(row: ItemRow): LedgerItem {
  return {
    item: row.id,
    parent: row.parent,
    name: row.name,
    destinationName: row.destination_name ?? row.name,
    kind: kindOf(row.kind),
    state: stateOf(row.state),
    action: actionOf(row.action),
    reason: reasonOf(row),
    ...(row.why === null ? {} : { why: row.why }),
    ...(row.keep_as === null ? {} : { keepAs: row.keep_as }),
    processing: row.processing === null ? [] : (JSON.parse(row.processing) as Processing[]),
    execution: row.execution,
    gone: isGone(row),
    toSource: row.to_source === 1,
    source: unpackFacts(row.source),
    ...(row.destination === null ? {} : { destination: unpackFacts(row.destination) }),
    ...(row.hash === null ? {} : { hash: row.hash }),
    ...(row.source_id === null ? {} : { sourceId: row.source_id }),
    ...(row.destination_id === null ? {} : { destinationId: row.destination_id }),
    tries: row.tries ?? 0,
    strikes: row.strikes ?? 0,
    ...(row.waiting === 1 ? { notBeforeMs: row.not_before_ms ?? 0 } : {}),
    ...(row.partial_bytes === null ? {} : { partialBytes: BigInt(row.partial_bytes) }),
    last: lastLook(row),
  }
}

/**
 * A row that did not change is not written again: that its container was looked at since says that it was seen, and found
 * to be as its row has it.
 */
function lastLook(row: ItemRow): LastLook {
  const looked = row.looked ?? 0
  const again = looked > row.execution
  const state = stateOf(row.state)
  const arrived = state === 'success' || state === 'processed' || state === 'none'
  const gone = isGone(row)
  const toSource = row.to_source === 1
  // Flagged for its permissions alone, it is there.
  const flaggedThere = state === 'remediation' && row.reason === 'permissions_lost'
  const asItIs = !gone && arrived && leftAlone.has(row.reason)
  const unchanged = again && !gone && arrived && !asItIs
  const wrote = !gone && arrived && !asItIs && !unchanged && wroteIt.has(actionOf(row.action))
  const simulated = row.simulated === 1
  const recorded = gone || unchanged || (arrived && !asItIs && !(simulated && wrote)) || (flaggedThere && !again)
  const written = recorded ? (toSource ? row.source : row.destination) : row.counterpart
  const [source, destination] = toSource
    ? [written === nothingText ? null : written, row.destination]
    : [gone ? null : (row.seen_source ?? row.source), written]
  return {
    execution: Math.max(row.execution, looked),
    simulated,
    action: gone || asItIs || unchanged ? 'none' : actionOf(row.action),
    reason: !gone && unchanged ? 'unchanged' : reasonOf(row),
    ...(looked >= row.execution && row.looked_ms !== null ? { atMs: row.looked_ms } : {}),
    ...(source === null ? {} : { source: unpackFacts(source) }),
    ...(destination === null ? {} : { destination: unpackFacts(destination) }),
    isOurs: recorded && !toSource && destination !== null && (row.action !== adopt || again || gone),
  }
}

const ofGone: ReadonlySet<string> = new Set(['removed', 'moved', 'not_at_source'])

function reasonOf(row: ItemRow): string {
  return isGone(row) && !ofGone.has(row.reason) ? 'source_gone' : row.reason
}

/** What goes to the source was never there, or comes back. */
function isGone({ gone, to_source }: ItemRow): boolean {
  return gone === 1 && to_source === 0
}

const adopt = actionCode('adopt')
const wroteIt: ReadonlySet<string> = new Set(['create', 'overwrite', 'attributes', 'reread'])
