import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { openDatabase } from '../../database/sqlite.ts'
import type { Facts, ItemKind } from '../../connector/item.ts'
import type { AuditLevel } from '../../job/settings.ts'
import type { Action, Processing } from '../../policy/decision.ts'
import { unpackFacts } from '../facts_text.ts'
import type { ItemState } from '../item_state.ts'
import { rootItem, type Balance, type Progress } from '../ledger.ts'
import { Addresses } from './addresses.ts'
import { actionOf, kindCode, kindOf, levelCode, levelOf, State, stateCode, stateOf } from './codes.ts'
import { ledgerApplicationId, ledgerMigrations } from './schema.ts'
import { Tally } from './tally.ts'

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
  kind?: ItemKind
  /** Part of the name on either side, without regard to case (ASCII). */
  q?: string
  parent?: number
  ids?: readonly number[]
  offset: number
  limit: number
}

interface AuditQuery {
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

interface Row {
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

const columns = `id, parent, name, kind, state, action, item.execution, gone, reason, destination_name, source_id,
  destination_id, item.source, destination, hash, why, keep_as, processing, tries, strikes, waiting, not_before_ms,
  partial.bytes AS partial_bytes`
const tables = `item LEFT JOIN plan ON plan.item = id LEFT JOIN trial ON trial.item = id
  LEFT JOIN partial ON partial.item = id`

/** Rows read at a time by `rows`: no reader holds the owner's log back for longer than that takes. */
const atOnce = 2_000
const auditsExplained = 1_000

/** A ledger as API, CLI and `verify` read it, also while its owner writes. Synchronous; for one thread. */
export class LedgerReader {
  readonly #db: DatabaseSync
  readonly #tally: Tally
  readonly #addresses: Addresses
  readonly #page
  readonly #one
  readonly #extents
  readonly #named
  readonly #children

  /** @throws DatabaseUnusable when there is no such file, or it is damaged or no ledger */
  constructor(file: string) {
    this.#db = openDatabase(file, { applicationId: ledgerApplicationId, migrations: ledgerMigrations, readOnly: true })
    this.#tally = new Tally(this.#db)
    this.#addresses = new Addresses(this.#db)
    this.#page = this.#db.prepare(`SELECT ${columns} FROM ${tables} WHERE id > ? ORDER BY id LIMIT ?`)
    this.#one = this.#db.prepare(`SELECT ${columns} FROM ${tables} WHERE id = ?`)
    this.#extents = this.#db.prepare('SELECT first, last FROM extent WHERE container = ? ORDER BY first')
    this.#named = this.#db.prepare(
      `SELECT id, name = ?1 AS exact FROM item WHERE id BETWEEN ?2 AND ?3 AND parent = ?4
         AND (name = ?1 OR destination_name = ?1)`,
    )
    this.#children = this.#db.prepare(
      `SELECT ${columns}, made FROM ${tables} LEFT JOIN container ON container.item = id
       WHERE id > ? AND id <= ? AND parent = ? ORDER BY id LIMIT ?`,
    )
  }

  /** Executions in the ledger, the latest last. */
  executions(): { n: number; simulated: boolean; begunMs: number; endedMs?: number }[] {
    const rows = this.#db.prepare('SELECT n, simulated, begun_ms, ended_ms FROM execution ORDER BY n').all()
    return rows.map((row) => ({
      n: row.n as number,
      simulated: row.simulated === 1,
      begunMs: row.begun_ms as number,
      ...(row.ended_ms === null ? {} : { endedMs: row.ended_ms as number }),
    }))
  }

  balance(execution: number): Balance {
    return this.#tally.balance(execution)
  }

  progress(execution: number): Progress {
    const progress = this.#tally.progress(execution)
    const last = this.#tally.lastItem(execution)
    const path = typeof last === 'number' ? this.path(last) : undefined
    if (path) progress.inHand = `/${path.sourceNames.join('/')}`
    return progress
  }

  item(id: number): LedgerItem | undefined {
    const row = this.#one.get(id) as unknown as Row | undefined
    return row && itemOf(row)
  }

  /** Where an item is on both sides, from the job's root. */
  path(item: number): { sourceNames: string[]; destinationNames: string[] } | undefined {
    this.#addresses.forget()
    const row = this.#one.get(item) as unknown as Row | undefined
    return row && this.#placeOf(row)
  }

  items(query: ItemQuery): { rows: LedgerItem[]; total: number } {
    const { where, values } = itemCondition(query)
    const { total } = this.#db.prepare(`SELECT count(*) AS total FROM ${tables} WHERE ${where}`).get(...values) as {
      total: number
    }
    const rows = this.#db
      .prepare(`SELECT ${columns} FROM ${tables} WHERE ${where} ORDER BY id LIMIT ? OFFSET ?`)
      .all(...values, query.limit, query.offset) as unknown as Row[]
    return { rows: rows.map(itemOf), total }
  }

  audits(query: AuditQuery): { rows: AuditEntry[]; total: number } {
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
    const where = conditions.length === 0 ? 'true' : conditions.join(' AND ')
    const { total } = this.#db.prepare(`SELECT count(*) AS total FROM audit WHERE ${where}`).get(...values) as {
      total: number
    }
    const rows = this.#db
      .prepare(`SELECT * FROM audit WHERE ${where} ORDER BY seq LIMIT ? OFFSET ?`)
      .all(...values, query.limit, query.offset)
    return { rows: rows.map(auditEntry), total }
  }

  /** @param names from the job's root down, as on the source or, where that finds nothing, on the destination */
  explain(names: readonly string[]): Explanation | undefined {
    let id: number | undefined = 1
    for (const name of names) {
      id = this.#child(id, name)
      if (id === undefined) return undefined
    }
    const row = this.#one.get(id) as unknown as Row | undefined
    if (!row) return undefined
    this.#addresses.forget()
    const explanation: Explanation = {
      ...itemOf(row),
      ...this.#placeOf(row),
      absent: this.#isAbsent(row),
      audit: this.audits({ item: id, offset: 0, limit: auditsExplained }).rows,
    }
    if (explanation.kind === 'container') {
      const { ready, made } = this.#addresses.row(id)
      explanation.container = { ready, ...(made > 0 ? { madeIn: made } : {}) }
    }
    return explanation
  }

  /** Every item with its place on both sides, containers before what is in them; memory does not grow with their number. */
  *rows(): Generator<PlacedItem> {
    for (let after = 1; ;) {
      const rows = this.#page.all(after, atOnce) as unknown as Row[]
      for (const row of rows) yield { ...itemOf(row), ...this.#placeOf(row), absent: this.#isAbsent(row) }
      const last = rows.at(-1)
      if (!last) return
      after = last.id
      // What is remembered of containers would outlive what the owner changes.
      this.#addresses.forget()
    }
  }

  /** What is tracked in one container, in the order of ids; memory does not grow with its width. */
  *children(container: number): Generator<ChildRow> {
    for (const { first, last } of this.#extents.all(container) as unknown as { first: number; last: number }[]) {
      for (let after = first - 1; after < last;) {
        const rows = this.#children.all(after, last, container, atOnce) as unknown as (Row & { made: number | null })[]
        for (const row of rows) yield { ...itemOf(row), ...(row.made ? { madeIn: row.made } : {}) }
        after = rows.at(-1)?.id ?? last
      }
    }
  }

  /** A small value of the job, as `Ledger.remember` wrote it. */
  recall(key: string): string | undefined {
    const row = this.#db.prepare('SELECT value FROM memory WHERE key = ?').get(key) as { value: string } | undefined
    return row?.value
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  #child(container: number, name: string): number | undefined {
    let renamed: number | undefined
    for (const { first, last } of this.#extents.all(container) as unknown as { first: number; last: number }[]) {
      for (const { id, exact } of this.#named.all(name, first, last, container)) {
        if (exact === 1) return id as number
        renamed ??= id as number
      }
    }
    return renamed
  }

  #placeOf({ id, parent, name, destination_name }: Row): { sourceNames: string[]; destinationNames: string[] } {
    if (id === rootItem) return { sourceNames: [], destinationNames: [] }
    const { sourceNames, destinationNames } = this.#addresses.of(parent)
    return {
      sourceNames: [...sourceNames, name],
      destinationNames: [...destinationNames, destination_name ?? name],
    }
  }

  #isAbsent({ gone, parent }: Row): boolean {
    if (gone === 1) return true
    for (let id = parent; id !== 0;) {
      const above = this.#addresses.row(id)
      if (above.gone === 1) return true
      id = above.parent
    }
    return false
  }
}

function itemCondition(query: ItemQuery): { where: string; values: SQLInputValue[] } {
  const conditions = ['id > 1']
  const values: SQLInputValue[] = []
  if (query.status) {
    const codes = query.status.flatMap((state) =>
      state === 'pending' ? [State.pending, State.lazy] : [stateCode(state)],
    )
    conditions.push(`state IN (${codes.join(', ')})`)
  }
  if (query.processing === 'none') conditions.push('processing IS NULL')
  else if (query.processing !== undefined) {
    conditions.push('EXISTS (SELECT 1 FROM json_each(processing) WHERE value = ?)')
    values.push(query.processing)
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

function itemOf(row: Row): LedgerItem {
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
