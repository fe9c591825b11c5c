import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../database/sqlite.ts'
import { rootItem, type Balance, type Progress } from '../ledger.ts'
import { Addresses } from './addresses.ts'
import { ItemFinder, type FoundPath } from './find_item.ts'
import { findAudits, findItems, type Found } from './item_query.ts'
import { itemColumns, itemOf, itemTables, type ItemRow } from './item_row.ts'
import { plannedRemovals, type ShownPlan } from './planned_removals.ts'
import type {
  AuditEntry,
  AuditQuery,
  ChildRow,
  Explanation,
  ItemQuery,
  LedgerItem,
  PlacedItem,
} from './reader_types.ts'
import { ledgerSchema } from './schema.ts'
import { Tally } from './tally.ts'

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
  readonly #finder: ItemFinder
  readonly #children
  readonly #looked
  readonly #touched

  /** @throws DatabaseUnusable when there is no such file, or it is damaged or no ledger */
  constructor(file: string) {
    this.#db = openDatabase(file, { ...ledgerSchema, readOnly: true })
    this.#tally = new Tally(this.#db)
    this.#addresses = new Addresses(this.#db)
    this.#page = this.#db.prepare(`SELECT ${itemColumns} FROM ${itemTables} WHERE id > ? ORDER BY id LIMIT ?`)
    this.#one = this.#db.prepare(`SELECT ${itemColumns} FROM ${itemTables} WHERE id = ?`)
    this.#looked = this.#db.prepare('SELECT looked AS execution FROM container WHERE item = ?')
    this.#extents = this.#db.prepare('SELECT first, last FROM extent WHERE container = ? ORDER BY first')
    this.#finder = new ItemFinder(this.#db)
    this.#touched = this.#db.prepare('SELECT 1 FROM touched WHERE container = ?')
    this.#children = this.#db.prepare(
      `SELECT ${itemColumns}, container.made FROM ${itemTables} LEFT JOIN container ON container.item = id
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
    const row = this.#one.get(id) as unknown as ItemRow | undefined
    return row && itemOf(row)
  }

  /** Where an item is on both sides, from the job's root. */
  path(item: number): { sourceNames: string[]; destinationNames: string[] } | undefined {
    this.#addresses.forget()
    const row = this.#one.get(item) as unknown as ItemRow | undefined
    return row && this.#placeOf(row)
  }

  items(query: ItemQuery): Found<LedgerItem> {
    return findItems(this.#db, query)
  }

  /** What an execution that is under way is going to remove. */
  plannedRemovals(execution: number): ShownPlan {
    return plannedRemovals(this.#db, this.#addresses, execution)
  }

  audits(query: AuditQuery): Found<AuditEntry> {
    return findAudits(this.#db, query)
  }

  /** @param names from the job's root down, as on either side */
  find(names: readonly string[]): FoundPath {
    return this.#finder.find(names)
  }

  /** @param which an item's id, or its path as {@link find} takes it */
  explain(which: number | readonly string[]): Explanation | undefined {
    const found = typeof which === 'number' ? { item: which } : this.find(which)
    if (!('item' in found)) return undefined
    const id = found.item
    const row = this.#one.get(id) as unknown as ItemRow | undefined
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
      const looked = this.#looked.get(id) as { execution: number } | undefined
      const lookedIn = looked && looked.execution > 0 ? { lookedIn: looked.execution } : {}
      explanation.container = { ready, ...(made > 0 ? { madeIn: made } : {}), ...lookedIn }
    }
    return explanation
  }

  /** Every item with its place on both sides, containers before what is in them; memory does not grow with their number. */
  *rows(): Generator<PlacedItem> {
    for (let after = 1; ;) {
      const rows = this.#page.all(after, atOnce) as unknown as ItemRow[]
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
        const rows = this.#children.all(after, last, container, atOnce) as unknown as (ItemRow & {
          made: number | null
        })[]
        for (const row of rows) yield { ...itemOf(row), ...(row.made ? { madeIn: row.made } : {}) }
        after = rows.at(-1)?.id ?? last
      }
    }
  }

  /** A container in which something arrived, and whose times, owner and permissions are still to be set. */
  isUnfinished(container: number): boolean {
    return this.#touched.get(container) !== undefined
  }

  /** A small value of the job, as `Ledger.remember` wrote it. */
  recall(key: string): string | undefined {
    const row = this.#db.prepare('SELECT value FROM memory WHERE key = ?').get(key) as { value: string } | undefined
    return row?.value
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  #placeOf({ id, parent, name, destination_name }: ItemRow): { sourceNames: string[]; destinationNames: string[] } {
    if (id === rootItem) return { sourceNames: [], destinationNames: [] }
    const { sourceNames, destinationNames } = this.#addresses.of(parent)
    return {
      sourceNames: [...sourceNames, name],
      destinationNames: [...destinationNames, destination_name ?? name],
    }
  }

  #isAbsent({ gone, parent }: ItemRow): boolean {
    if (gone === 1) return true
    for (let id = parent; id !== 0;) {
      const above = this.#addresses.row(id)
      if (above.gone === 1) return true
      id = above.parent
    }
    return false
  }
}
