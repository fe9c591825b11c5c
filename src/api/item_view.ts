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

/** One tracked item as the wire shows it (reference: jobs-api 6.3). */
export function itemView(item: LedgerItem, place: Place | undefined): Record<string, unknown> {
  return {
    id: item.item,
    parent_id: item.parent,
    // The wire knows containers and items; what else there is says `kind`.
    type: item.kind === 'container' ? 'container' : 'item',
    kind: item.kind,
    root: item.item === rootItem,
    status: item.state,
    action: item.action,
    reason: item.reason,
    message: item.why ?? sayReason(item.reason),
    processing: item.processing.length === 0 ? ['none'] : item.processing,
    retried: item.strikes,
    tries: item.tries,
    ...(item.notBeforeMs === undefined ? {} : { not_before: item.notBeforeMs / 1000 }),
    execution_id: item.execution,
    source_deleted: item.gone,
    source: side(item.name, item.kind, { facts: item.source, id: item.sourceId, names: place?.sourceNames }),
    destination: item.destination
      ? {
          ...side(item.destinationName, item.kind, {
            facts: item.destination,
            id: item.destinationId,
            names: place?.destinationNames,
          }),
          ...(item.hash === undefined ? {} : { hash: item.hash }),
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
