import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Facts, ItemKind } from '../../connector/item.ts'
import { openDatabase } from '../../database/sqlite.ts'
import { fromSent, toSent } from '../errors.ts'
import { unpackFacts } from '../facts_text.ts'
import type { ItemState } from '../item_state.ts'
import type { TrackedRow } from '../ledger.ts'
import { kindOf, stateOf } from './codes.ts'
import { ledgerSchema } from './schema.ts'

/** Rows per answer; a container with more is read in pages. */
const page = 5_000

type Cells = [
  id: number,
  name: string,
  kind: number,
  destinationName: string | null,
  state: number,
  reason: string,
  sourceId: string | null,
  destinationId: string | null,
  hash: string | null,
  source: string,
  destination: string | null,
  gone: number,
  decided: number,
]

/**
 * The tracked rows of a ledger, read by whoever needs them on a connection of his own: a run without changes reads every
 * row there is, and the one thread that writes would have no time for anything else. What a claim was answered is committed,
 * so that it is seen here.
 */
export class TrackedRows {
  readonly #file: string
  #open: { db: DatabaseSync; extents: StatementSync; rows: StatementSync } | undefined

  constructor(file: string) {
    this.#file = file
  }

  /**
   * Rows of a container after an id, 5,000 at most.
   *
   * @param execution rows that it decided already are marked
   * @returns `complete` when there are no more
   * @throws DatabaseUnusable when the file is damaged
   */
  after(container: number, after: number, execution: number): { rows: TrackedRow[]; complete: boolean } {
    try {
      const { extents, rows } = (this.#open ??= open(this.#file))
      const found: TrackedRow[] = []
      for (const { first, last } of extents.all(container, after) as unknown as { first: number; last: number }[]) {
        const from = first > after ? first : after + 1
        const cells = rows.all(execution, from, last, container, page - found.length) as unknown as Cells[]
        for (const row of cells) found.push(new StoredRow(row))
        if (found.length === page) return { rows: found, complete: false }
      }
      return { rows: found, complete: true }
    } catch (error) {
      this.close()
      throw fromSent(toSent(error, this.#file))
    }
  }

  /** Opened again when something is asked: while nobody reads, the owner who closes the file leaves no log beside it. */
  close(): void {
    this.#open?.db.close()
    this.#open = undefined
  }
}

function open(file: string): { db: DatabaseSync; extents: StatementSync; rows: StatementSync } {
  const db = openDatabase(file, { ...ledgerSchema, readOnly: true })
  db.exec('PRAGMA cache_size = -1024')
  const rows = db.prepare(
    `SELECT id, name, kind, destination_name, state, reason, source_id, destination_id, hash, source, destination, gone,
       execution = ? FROM item WHERE id BETWEEN ? AND ? AND parent = ? ORDER BY id LIMIT ?`,
  )
  rows.setReturnArrays(true)
  return {
    db,
    extents: db.prepare('SELECT first, last FROM extent WHERE container = ? AND last > ? ORDER BY first'),
    rows,
  }
}

/** Facts stay text until somebody asks for them: most rows are compared as they stand. */
class StoredRow implements TrackedRow {
  readonly item: number
  readonly name: string
  readonly destinationName: string
  readonly reason: string
  readonly sourceText: string
  readonly destinationText: string | undefined
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
    this.item = cells[0]
    this.name = cells[1]
    this.destinationName = cells[3] ?? cells[1]
    this.reason = cells[5]
    this.sourceText = cells[9]
    this.destinationText = cells[10] ?? undefined
  }

  get kind(): ItemKind {
    return kindOf(this.#cells[2])
  }

  get state(): ItemState {
    return stateOf(this.#cells[4])
  }

  get sourceId(): string | undefined {
    return this.#cells[6] ?? undefined
  }

  get destinationId(): string | undefined {
    return this.#cells[7] ?? undefined
  }

  get hash(): string | undefined {
    return this.#cells[8] ?? undefined
  }

  get source(): Facts {
    return unpackFacts(this.sourceText)
  }

  get destination(): Facts | undefined {
    return this.destinationText === undefined ? undefined : unpackFacts(this.destinationText)
  }

  get sourceGone(): boolean {
    return this.#cells[11] === 1
  }

  get decided(): boolean {
    return this.#cells[12] === 1
  }

  toJSON(): TrackedRow {
    const { item, name, kind, destinationName, state, reason, source, destination, hash, sourceId, destinationId } =
      this
    const { sourceGone, decided } = this
    return {
      item,
      name,
      kind,
      destinationName,
      state,
      reason,
      source,
      destination,
      hash,
      sourceId,
      destinationId,
      sourceGone,
      decided,
    }
  }
}
