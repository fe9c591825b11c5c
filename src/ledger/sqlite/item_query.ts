import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { kindCode, levelCode, levelOf, State, stateCode } from './codes.ts'
import { itemColumns, itemOf, itemTables, lastReason, type ItemRow } from './item_row.ts'
import type { AuditEntry, AuditQuery, ItemQuery, LedgerItem } from './reader_types.ts'

/** One page, and how many rows there are on all pages. */
export interface Found<T> {
  rows: T[]
  total: number
}

interface Condition {
  where: string
  values: SQLInputValue[]
}

export function findItems(db: DatabaseSync, query: ItemQuery): Found<LedgerItem> {
  const condition = itemCondition(query)
  const total = countOf(db, itemTables, condition)
  const rows = db
    .prepare(`SELECT ${itemColumns} FROM ${itemTables} WHERE ${condition.where} ORDER BY id LIMIT ? OFFSET ?`)
    .all(...condition.values, query.limit, query.offset) as unknown as ItemRow[]
  return { rows: rows.map(itemOf), total }
}

export function findAudits(db: DatabaseSync, query: AuditQuery): Found<AuditEntry> {
  const condition = auditCondition(query)
  const total = countOf(db, 'audit', condition)
  const rows = db
    .prepare(`SELECT * FROM audit WHERE ${condition.where} ORDER BY seq LIMIT ? OFFSET ?`)
    .all(...condition.values, query.limit, query.offset)
  return { rows: rows.map(auditEntry), total }
}

function countOf(db: DatabaseSync, tables: string, { where, values }: Condition): number {
  return db.prepare(`SELECT count(*) AS total FROM ${tables} WHERE ${where}`).get(...values)!.total as number
}

function itemCondition(query: ItemQuery): Condition {
  const conditions = ['id > 1']
  const values: SQLInputValue[] = []
  if (query.status) {
    const codes = query.status.flatMap((state) =>
      state === 'pending' ? [State.pending, State.lazy] : [stateCode(state)],
    )
    // In the order of the index of what failed, which is not used else.
    conditions.push(`state IN (${codes.sort((a, b) => a - b).join(', ')})`)
  }
  if (query.processing === 'none') conditions.push('processing IS NULL')
  else if (query.processing !== undefined) {
    conditions.push('EXISTS (SELECT 1 FROM json_each(processing) WHERE value = ?)')
    values.push(query.processing)
  }
  if (query.reasons) {
    const asked = '(SELECT value FROM json_each(?))'
    conditions.push(`(${lastReason} IN ${asked} OR (state = ${State.remediation} AND reason IN ${asked}))`)
    values.push(JSON.stringify(query.reasons), JSON.stringify(query.reasons))
  }
  if (query.kind !== undefined) conditions.push(`kind = ${kindCode(query.kind)}`)
  if (query.q) {
    const pattern = `%${query.q.replaceAll(/[\\%_]/g, '\\$&')}%`
    conditions.push("(name LIKE ? ESCAPE '\\' OR destination_name LIKE ? ESCAPE '\\')")
    values.push(pattern, pattern)
  }
  if (query.parent !== undefined) {
    // The bounds are for speed: listing one folder must not read the whole table.
    conditions.push(
      `parent = ? AND id BETWEEN (SELECT min(first) FROM extent WHERE container = ?)
         AND (SELECT max(last) FROM extent WHERE container = ?)`,
    )
    values.push(query.parent, query.parent, query.parent)
  }
  if (query.ids) {
    conditions.push('id IN (SELECT value FROM json_each(?))')
    values.push(JSON.stringify(query.ids))
  }
  return { where: conditions.join(' AND '), values }
}

function auditCondition(query: AuditQuery): Condition {
  const conditions: string[] = []
  const values: SQLInputValue[] = []
  const must = (condition: string, value: SQLInputValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    values.push(value)
  }
  must('execution = ?', query.execution)
  must('item = ?', query.item)
  must('level >= ?', query.level === undefined ? undefined : levelCode(query.level))
  must('type = ?', query.type)
  return { where: conditions.length === 0 ? 'true' : conditions.join(' AND '), values }
}

function auditEntry(row: Record<string, unknown>): AuditEntry {
  return {
    seq: row.seq as number,
    execution: row.execution as number,
    ...(row.item === null ? {} : { item: row.item as number }),
    level: levelOf(row.level as number),
    type: row.type as string,
    recordedMs: row.recorded_ms as number,
    ...(row.message === null ? {} : { message: row.message as string }),
    ...(row.detail === null ? {} : { detail: JSON.parse(row.detail as string) as unknown }),
  }
}
