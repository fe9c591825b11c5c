import type { DatabaseSync } from 'node:sqlite'
import type { WireWork } from '../wire.ts'
import { actionCode, Container, State } from './codes.ts'
import type { Parts } from './leases.ts'

/** In place of a token: an item to be tried again that waits in the queue. */
export const queued = -1

/** From the side that it goes from. */
const columns = `id, parent, kind, CASE to_source WHEN 0 THEN name ELSE coalesce(destination_name, name) END,
  CASE to_source WHEN 0 THEN destination_name ELSE name END, action, reason, size,
  CASE to_source WHEN 0 THEN source ELSE destination END, CASE to_source WHEN 0 THEN source_id ELSE destination_id END,
  hash, to_source`
const create = actionCode('create')

type Span = Parts['spans'][number]

/** The items of batches, as they are read for whoever carries them out; only what has no result yet. */
export class BatchRows {
  readonly #span
  readonly #byIds
  readonly #byTrials
  readonly #all
  readonly #state

  constructor(db: DatabaseSync) {
    this.#span = arrays(
      db,
      `SELECT ${columns} FROM item WHERE id BETWEEN ? AND ? AND state = ${State.pending} AND execution = ?
         AND to_source = ? AND NOT (kind = ${Container} AND action = ${create}) ORDER BY id LIMIT ?`,
    )
    this.#byIds = arrays(
      db,
      `SELECT ${columns} FROM item WHERE id IN (SELECT value FROM json_each(?)) AND state = ${State.pending}
         AND execution = ? ORDER BY id`,
    )
    this.#byTrials = arrays(
      db,
      `SELECT ${columns} FROM item JOIN trial ON trial.item = item.id
       WHERE id IN (SELECT value FROM json_each(?)) AND state = ${State.retry} AND lease = ? ORDER BY id`,
    )
    this.#all = arrays(db, `SELECT ${columns} FROM item WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`)
    this.#state = db.prepare('SELECT state FROM item WHERE id = ?')
  }

  /** Containers to be made are not among them: those are named. @param limit -1 for all */
  between([first, last]: Span, execution: number, limit: number, toSource = false): WireWork[] {
    return this.#span.all(first, last, execution, Number(toSource), limit) as unknown as WireWork[]
  }

  /** @param ids JSON */
  named(ids: string, execution: number): WireWork[] {
    return this.#byIds.all(ids, execution) as unknown as WireWork[]
  }

  /** Items that failed before. @param token of the lease they are on; 0 for those on none */
  tried(ids: number[], token: number): WireWork[] {
    return this.#byTrials.all(JSON.stringify(ids), token) as unknown as WireWork[]
  }

  /** Whatever state they are in. */
  all(ids: number[]): WireWork[] {
    return this.#all.all(JSON.stringify(ids)) as unknown as WireWork[]
  }

  stateOf(item: number): number {
    return this.#state.get(item)!.state as number
  }

  of({ spans, ids, trials, toSource }: Parts, execution: number, token: number): WireWork[] {
    const rows: WireWork[] = []
    for (const span of spans) rows.push(...this.between(span, execution, -1, toSource))
    if (ids.length > 0) rows.push(...this.named(JSON.stringify(ids), execution))
    if (trials.length > 0) rows.push(...this.tried(trials, token))
    return rows
  }
}

function arrays(db: DatabaseSync, sql: string): ReturnType<DatabaseSync['prepare']> {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}
