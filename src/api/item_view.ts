import type { Facts, ItemKind } from '../connector/item.ts'
import { wireNumber } from '../json/json.ts'
import { rootItem } from '../ledger/ledger.ts'
import type { LedgerReader } from '../ledger/sqlite/reader.ts'
import type { AuditEntry, LedgerItem } from '../ledger/sqlite/reader_types.ts'
import { sayReason } from '../report/say_reason.ts'

export const sparseItem = [
  'id',
  'parent_id',
  'type',
  'status',
  'reason',
  'message',
  'processing',
  'source',
  'destination',
] as const

interface Place {
  sourceNames: string[]
  destinationNames: string[]
}

/** One tracked item as the wire shows it (reference: jobs-api 6.3): what the last execution that looked at it decided, and saw. */
export function itemView(item: LedgerItem, place: Place | undefined): Record<string, unknown> {
  const { last } = item
  return {
    id: item.item,
    parent_id: item.parent,
    // The wire knows containers and items; what else there is says `kind`.
    type: item.kind === 'container' ? 'container' : 'item',
    kind: item.kind,
    root: item.item === rootItem,
    status: item.state,
    ...(item.toSource ? { direction: 'to_source' } : {}),
    action: last.action,
    reason: last.reason,
    message:
      (last.reason === item.reason ? item.why : undefined) ??
      sayReason(last.reason, item.toSource && last.reason === item.reason),
    processing: item.processing.length === 0 ? ['none'] : item.processing,
    retried: item.strikes,
    tries: item.tries,
    ...(item.notBeforeMs === undefined ? {} : { not_before: item.notBeforeMs / 1000 }),
    execution_id: last.execution,
    ...(last.simulated ? { simulated: true } : {}),
    ...(last.atMs === undefined ? {} : { seen_on: last.atMs / 1000 }),
    source_deleted: item.gone,
    source: side(item.name, item.kind, {
      facts: last.source ?? item.source,
      id: item.sourceId,
      names: place?.sourceNames,
    }),
    destination: last.destination
      ? {
          ...side(item.destinationName, item.kind, {
            facts: last.destination,
            id: item.destinationId,
            names: place?.destinationNames,
          }),
          ...(item.hash === undefined || !last.isOurs ? {} : { hash: item.hash }),
        }
      : null,
  }
}

/** One row of the audit log (reference: jobs-api 6.5). */
export function auditView(jobId: string, entry: AuditEntry, ledger: LedgerReader | undefined): Record<string, unknown> {
  const place = entry.item === undefined ? undefined : ledger?.path(entry.item)
  return {
    id: entry.seq,
    job_id: jobId,
    execution_id: entry.execution,
    ...(entry.item === undefined ? {} : { target: { id: entry.item } }),
    ...(place ? { from_source: pathOf(place.sourceNames), to_destination: pathOf(place.destinationNames) } : {}),
    level: entry.level,
    type: entry.type,
    message: entry.message ?? '',
    ...(entry.detail === undefined ? {} : { detail: entry.detail }),
    recorded_on: entry.recordedMs / 1000,
  }
}

interface SideOf {
  facts: Facts
  id: string | undefined
  names: string[] | undefined
}

function side(name: string, kind: ItemKind, { facts, id, names }: SideOf): Record<string, unknown> {
  const dot = name.lastIndexOf('.')
  return {
    ...(id === undefined ? {} : { id }),
    name,
    ...(names ? { path: pathOf(names) } : {}),
    ...(kind === 'item' && dot > 0 ? { ext: name.slice(dot + 1) } : {}),
    bytes: wireNumber(facts.sizeBytes),
    ...(facts.version === undefined ? {} : { etag: facts.version }),
    ...(facts.hash === undefined ? {} : { hash: facts.hash }),
    ...(facts.modifiedNs === undefined ? {} : { modified_on: Number(facts.modifiedNs) / 1e9 }),
  }
}

function pathOf(names: readonly string[]): string {
  return `/${names.join('/')}`
}
