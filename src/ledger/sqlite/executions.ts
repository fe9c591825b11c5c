import type { DatabaseSync } from 'node:sqlite'
import type { Facts } from '../../connector/item.ts'
import { packFacts, unpackFacts } from '../facts_text.ts'
import { rootItem, type ExecutionStart } from '../ledger.ts'
import { Container, levelCode, State } from './codes.ts'
import type { CurrentExecution } from './current_execution.ts'

const none: CurrentExecution = {
  n: 0,
  auditLevel: levelCode('none'),
  tries: 1,
  maxRetry: 0,
  lazyContainers: false,
  endedMs: 0,
}

/** The rows of executions; the one begun last is asked for all the time, so it is remembered. */
export class Executions {
  readonly #db: DatabaseSync
  readonly #nowMs: () => number
  #current: CurrentExecution | undefined

  constructor(db: DatabaseSync, nowMs: () => number) {
    this.#db = db
    this.#nowMs = nowMs
  }

  /** The one begun last. */
  current(): CurrentExecution {
    if (this.#current) return this.#current
    const row = this.#db
      .prepare(
        `SELECT n, audit_level AS auditLevel, tries, max_retry AS maxRetry, lazy_containers AS lazy, ended_ms AS endedMs
         FROM execution ORDER BY n DESC LIMIT 1`,
      )
      .get() as unknown as (CurrentExecution & { lazy: number }) | undefined
    if (!row) return none
    const { n, auditLevel, tries, maxRetry, lazy, endedMs } = row
    return (this.#current = { n, auditLevel, tries, maxRetry, lazyContainers: lazy === 1, endedMs })
  }

  /** It has ended, or another has begun. */
  isOver(execution: number): boolean {
    const current = this.current()
    return current.n !== execution || current.endedMs !== null
  }

  begin(start: ExecutionStart): void {
    this.#db
      .prepare(
        `INSERT INTO execution (n, audit_level, simulated, tries, max_retry, lazy_containers, begun_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        start.execution,
        levelCode(start.auditLevel),
        Number(start.simulated),
        start.triesPerExecution,
        start.maxRetry,
        Number(start.lazyContainers),
        this.#nowMs(),
      )
    this.#current = undefined
  }

  end(execution: number): void {
    this.#db.prepare('UPDATE execution SET ended_ms = ? WHERE n = ?').run(this.#nowMs(), execution)
    this.#current = undefined
  }

  forget(): void {
    this.#current = undefined
  }
}

/**
 * The job's root as this execution finds it, to be listed.
 *
 * @returns whether the source's has other attributes than before: the root is nobody's child, so no plan says so
 */
export function writeRoot(db: DatabaseSync, { execution, root: { source, destination } }: ExecutionStart): boolean {
  const before = db.prepare('SELECT source FROM item WHERE id = ?').get(rootItem) as { source: string } | undefined
  db.prepare(
    `INSERT INTO item (id, parent, name, kind, state, action, execution, size, reason, source_id, destination_id,
       source, destination) VALUES (?, 0, '', ?, ?, 0, 0, 0, '', ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET source_id = excluded.source_id, source = excluded.source,
       destination_id = coalesce(excluded.destination_id, destination_id),
       destination = coalesce(excluded.destination, destination), state = excluded.state, reason = excluded.reason
     WHERE (excluded.source_id, excluded.source, excluded.state, excluded.reason) IS NOT (source_id, source, state, reason)
       OR (coalesce(excluded.destination_id, destination_id), coalesce(excluded.destination, destination))
         IS NOT (destination_id, destination)`,
  ).run(
    rootItem,
    Container,
    State.none,
    source.id,
    destination?.id ?? null,
    packFacts(source),
    destination ? packFacts(destination) : null,
  )
  db.prepare(
    `INSERT INTO container (item, depth, ready, made, listed) VALUES (?, 0, ?, 0, ?)
     ON CONFLICT (item) DO UPDATE SET ready = excluded.ready, listed = excluded.listed`,
  ).run(rootItem, destination ? 1 : 0, execution)
  return before !== undefined && !sameAttributes(unpackFacts(before.source), source)
}

function sameAttributes(before: Facts, now: Facts): boolean {
  return before.modifiedNs === now.modifiedNs && before.facets === now.facets
}
