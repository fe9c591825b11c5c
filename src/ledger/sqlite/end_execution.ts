import type { DatabaseSync } from 'node:sqlite'
import type { AuditRow, Balance } from '../ledger.ts'
import { State } from './codes.ts'
import type { Containers } from './containers.ts'
import type { LedgerParts } from './parts.ts'
import type { Tally } from './tally.ts'

/** What is settled when the execution under way ends; its balance is taken afterwards. */
export function endExecution(parts: LedgerParts, containers: Containers, tally: Tally): void {
  endLazyContainers(parts, tally)
  forgiveContainers(parts.db, parts.current().n)
  dropOpenWork(parts, containers)
}

/** What the audit log says of it. */
export function ending(execution: number, { found, byStatus }: Balance): Pick<AuditRow, 'message' | 'detail'> {
  const counts = Object.entries(byStatus).map(([status, { items }]) => [status, items] as const)
  const detail = { found: found.items, ...Object.fromEntries(counts.filter(([, items]) => items > 0)) }
  return { message: `execution ${execution} ended`, detail }
}

/**
 * Containers nothing arrived in were left out on purpose, but only where it is certain that nothing can arrive any more:
 * what was listed whole, and holds nothing that is still open.
 */
function endLazyContainers({ db, addresses, counters, current, leases }: LedgerParts, tally: Tally): void {
  const { n, lazyContainers } = current()
  if (!lazyContainers) return
  const { open, lazy } = tally.open(n)
  if (lazy === 0) return
  const undecided = new Set<number>()
  const above = (container: number): void => {
    for (let id = container; id !== 0 && !undecided.has(id); id = addresses.row(id).parent) undecided.add(id)
  }
  for (const { item } of db.prepare('SELECT item FROM frontier').iterate()) above(item as number)
  for (const { container } of leases.all().values()) if (container !== null) above(container)
  if (open > 0) {
    const parents = db.prepare(
      `SELECT DISTINCT parent FROM item WHERE state IN (${State.pending}, ${State.retry}) AND execution = ?`,
    )
    for (const { parent } of parents.all(n)) if (parent !== 0) above(parent as number)
  }
  const skip = db.prepare(`UPDATE item SET state = ${State.skipped}, reason = 'empty_container' WHERE id = ?`)
  const empty = db.prepare(
    `SELECT id, reason FROM container JOIN item ON id = item WHERE state = ${State.lazy} AND execution = ?`,
  )
  for (const row of empty.all(n) as unknown as { id: number; reason: string }[]) {
    if (undecided.has(row.id)) continue
    skip.run(row.id)
    counters.remove({ state: State.lazy, reason: row.reason, container: 1, size: 0 })
    counters.add({ state: State.skipped, reason: 'empty_container', container: 1, size: 0 })
  }
  counters.flush(n)
}

/** A container that was listed, made and finished without trouble starts without strikes again. */
function forgiveContainers(db: DatabaseSync, execution: number): void {
  db.prepare(
    `DELETE FROM trial WHERE struck < ?1 AND waiting = 0
       AND EXISTS (SELECT 1 FROM container WHERE container.item = trial.item AND listed = ?1)
       AND NOT EXISTS (SELECT 1 FROM frontier WHERE frontier.item = trial.item)
       AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.container = trial.item)
       AND NOT EXISTS (SELECT 1 FROM touched WHERE touched.container = trial.item)`,
  ).run(execution)
}

/**
 * Leases and open work end with their execution; rows stay as they are. Containers that were not finished stay to be
 * finished by the next one: nothing else would tell that they are still as closed as they were made.
 */
function dropOpenWork({ db, leases, trials, wholes }: LedgerParts, containers: Containers): void {
  db.exec('UPDATE touched SET lease = 0 WHERE lease <> 0')
  for (const table of ['lease', 'work', 'frontier', 'partial', 'removal']) db.exec(`DELETE FROM ${table}`)
  trials.rest()
  leases.forget()
  containers.forget()
  wholes.forget()
}
