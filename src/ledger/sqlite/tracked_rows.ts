import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Facts, ItemKind } from '../../connector/item.ts'
import { openDatabase } from '../../database/sqlite.ts'
import { fromSent, toSent } from '../errors.ts'
import { unpackFacts } from '../facts_text.ts'
import type { ItemState } from '../item_state.ts'
import { leftAlone } from '../../policy/decision.ts'
import type { Said, TrackedRow } from '../ledger.ts'
import { kindOf, State, stateOf } from './codes.ts'
import { forgottenExecution, permissionsExecution } from './forgotten.ts'
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
  toSource: number,
  forgotten: number,
  permissionsAnew: number,
]

/** Most rows have nothing to say, and their plans, if any, are not asked for. */
function says([, , , , state, reason]: Cells): boolean {
  return state === State.skipped || state === State.remediation || leftAlone.has(reason)
}

/**
 * The tracked rows of a ledger, read by whoever needs them on a connection of his own: a run without changes reads every
 * row there is, and the one thread that writes would have no time for anything else. What a claim was answered is committed,
 * so that it is seen here.
 */
export class TrackedRows {
  readonly #file: string
  #open: Open | undefined

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
      const { extents, rows, plan } = (this.#open ??= open(this.#file))
      const found: TrackedRow[] = []
      for (const { first, last } of extents.all(container, after) as unknown as { first: number; last: number }[]) {
        const from = first > after ? first : after + 1
        const cells = rows.all(execution, from, last, container, page - found.length) as unknown as Cells[]
        for (const row of cells)
          found.push(
            new StoredRow(row, says(row) ? ((plan.get(row[0]) as unknown as Said | undefined) ?? silent) : undefined),
          )
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

interface Open {
  db: DatabaseSync
  extents: StatementSync
  rows: StatementSync
  plan: StatementSync
}

const silent: Said = { why: null, source: null, destination: null }

function open(file: string): Open {
  const db = openDatabase(file, { ...ledgerSchema, readOnly: true })
  db.exec('PRAGMA cache_size = -1024')
  const rows = db.prepare(
    `SELECT id, name, kind, destination_name, state, reason, source_id, destination_id, hash, source, destination, gone,
       execution = ?, to_source, execution <= ${forgottenExecution},
       execution < ${permissionsExecution} FROM item WHERE id BETWEEN ? AND ? AND parent = ? ORDER BY id LIMIT ?`,
  )
  rows.setReturnArrays(true)
  return {
    db,
    extents: db.prepare('SELECT first, last FROM extent WHERE container = ? AND last > ? ORDER BY first'),
    rows,
    plan: db.prepare('SELECT why, source, counterpart AS destination FROM plan WHERE item = ?'),
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
  readonly said: Said | undefined
  readonly #cells: Cells

  constructor(cells: Cells, said: Said | undefined) {
    this.#cells = cells
    this.said = said
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

  get toSource(): boolean {
    return this.#cells[13] === 1
  }

  get forgotten(): boolean {
    return this.#cells[14] === 1
  }

  get permissionsAnew(): boolean {
    return this.#cells[15] === 1
  }

  toJSON(): TrackedRow {
    const { item, name, kind, destinationName, state, reason, source, destination, hash, sourceId, destinationId } =
      this
    const { sourceGone, decided, said, toSource, forgotten, permissionsAnew } = this
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
      said,
      ...(toSource ? { toSource } : {}),
      ...(forgotten ? { forgotten } : {}),
      ...(permissionsAnew ? { permissionsAnew } : {}),
    }
  }
}
