import { randomBytes } from 'node:crypto'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Listed, Paging } from '../catalog.ts'

/** A row as SQLite gives it. */
export type Row = Record<string, SQLInputValue>

export function newId(): string {
  return randomBytes(16).toString('hex')
}

export function now(): number {
  return Date.now() / 1000
}

/** The form in which names are compared: SQLite's own `lower` knows ASCII only. */
export function folded(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

/** JSON of a column; big integers survive it. */
export function toColumn(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? { $bigint: v.toString() } : v))
}

export function fromColumn<T>(column: SQLInputValue | undefined): T {
  return JSON.parse(String(column), (_key, v: unknown) => (isBig(v) ? BigInt(v.$bigint) : v)) as T
}

function isBig(value: unknown): value is { $bigint: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { $bigint?: unknown }).$bigint === 'string' &&
    Object.keys(value).length === 1 &&
    /^-?\d+$/.test((value as { $bigint: string }).$bigint)
  )
}

/** One condition of a `WHERE`, with its values. */
export type Condition = readonly [sql: string, ...values: SQLInputValue[]]

/** Text search by `instr`: in a `LIKE`, % and _ of the searcher would be wildcards. */
export function contains(q: string | undefined): Condition[] {
  return q ? [['instr(folded, ?) > 0', folded(q)]] : []
}

interface Selection {
  from: string
  where: readonly Condition[]
  orderBy: string
}

/** One page of a table, with the number of rows on all pages. Call it inside a transaction, or the two may disagree. */
export function page<T>(db: DatabaseSync, select: Selection, paging: Paging, read: (row: Row) => T): Listed<T> {
  const { offset, limit } = paging
  if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(`offset ${offset} and limit ${limit} must be whole numbers, 0 or more`)
  }
  const where = select.where.map(([sql]) => sql).join(' AND ') || '1'
  const values = select.where.flatMap(([, ...rest]) => rest)
  const { total } = db.prepare(`SELECT count(*) total FROM ${select.from} WHERE ${where}`).get(...values) as {
    total: number
  }
  const rows = db
    .prepare(`SELECT * FROM ${select.from} WHERE ${where} ORDER BY ${select.orderBy} LIMIT ? OFFSET ?`)
    .all(...values, limit, offset) as Row[]
  return { rows: rows.map(read), total }
}

/** `UPDATE … SET` of the columns given; false when no row has that key. */
export function set(db: DatabaseSync, table: string, columns: Row, key: Row): boolean {
  const assign = (row: Row, between: string) =>
    Object.keys(row)
      .map((column) => `${column} = ?`)
      .join(between)
  const { changes } = db
    .prepare(`UPDATE ${table} SET ${assign(columns, ', ')} WHERE ${assign(key, ' AND ')}`)
    .run(...Object.values(columns), ...Object.values(key))
  return changes === 1
}
