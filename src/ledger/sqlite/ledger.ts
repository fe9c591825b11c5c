import type { DatabaseSync } from 'node:sqlite'
import { closeWhole, openDatabase } from '../../database/sqlite.ts'
import type { Facts } from '../../connector/item.ts'
import { LedgerAhead } from '../errors.ts'
import { packFacts, unpackFacts } from '../facts_text.ts'
import {
  rootItem,
  type AuditRow,
  type Balance,
  type Claim,
  type ExecutionStart,
  type Holder,
  type MadeContainer,
  type Progress,
} from '../ledger.ts'
import type {
  WireAddress,
  WireAudit,
  WireBatch,
  WireFinishedContainer,
  WireLeftovers,
  WireListing,
  WireResults,
  WireToList,
  WireTouched,
} from '../wire.ts'
import { Addresses } from './addresses.ts'
import { AuditLog } from './audit_log.ts'
import { BatchClaims } from './batch_claims.ts'
import { BatchResults } from './batch_results.ts'
import { BatchRows } from './batch_rows.ts'
import { Container, levelCode, State } from './codes.ts'
import { Containers } from './containers.ts'
import { Counters } from './counters.ts'
import type { CurrentExecution } from './current_execution.ts'
import { Enumeration } from './enumeration.ts'
import { HeldBatches } from './held_batches.ts'
import { LeaseKind, Leases } from './leases.ts'
import { OrphanedBatches } from './orphaned_batches.ts'
import type { LedgerParts } from './parts.ts'
import { ledgerApplicationId, ledgerMigrations } from './schema.ts'
import { Tally } from './tally.ts'
import { Touched } from './touched.ts'
import { Trials } from './trials.ts'
import { WholeContainers } from './whole_containers.ts'
import { WorkQueue } from './work_queue.ts'

/** Under this the first failure of an execution is remembered. */
const firstFailure = 'first failure'

const none: CurrentExecution = {
  n: 0,
  auditLevel: levelCode('none'),
  tries: 1,
  maxRetry: 0,
  lazyContainers: false,
  endedMs: 0,
}

/**
 * The ledger on one SQLite connection, synchronous: what the owner's thread runs. Callers group requests into a
 * transaction; each request is a savepoint of its own, so one that fails takes nothing else with it.
 */
export class SqliteLedger {
  readonly file: string
  readonly #db: DatabaseSync
  readonly #nowMs: () => number
  readonly #counters: Counters
  readonly #addresses: Addresses
  readonly #leases: Leases
  readonly #trials: Trials
  readonly #audit: AuditLog
  readonly #containers: Containers
  readonly #wholes = new WholeContainers()
  readonly #enumeration: Enumeration
  readonly #batches: BatchClaims
  readonly #results: BatchResults
  readonly #orphaned: OrphanedBatches
  readonly #touched: Touched
  readonly #tally: Tally
  /** Holders whose lease somebody else took over, until they claim again or ask. */
  readonly #robbed = new Set<string>()
  /** What the claim under way flagged; the first of it halts an execution, where it is to be halted. */
  #crashed: string | undefined
  #current: CurrentExecution | undefined

  /** @throws DatabaseUnusable when the file is damaged or not a ledger; it is left as it is */
  constructor(file: string, nowMs: () => number = Date.now) {
    const db = openDatabase(file, { applicationId: ledgerApplicationId, migrations: ledgerMigrations })
    // 8 MiB of pages stay in memory: rows are written in the order of their ids. The log is copied back every 16 MiB,
    // often enough for one that is written in one go, and seldom enough not to copy the same pages again and again.
    db.exec('PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000')
    this.file = file
    this.#db = db
    this.#nowMs = nowMs
    this.#counters = new Counters(db)
    this.#addresses = new Addresses(db)
    this.#leases = new Leases(db)
    this.#audit = new AuditLog(db, nowMs)
    this.#trials = new Trials(db, (item) => this.#note({ item, level: 'error', type: 'flagged' }))
    const parts: LedgerParts = {
      db,
      nowMs,
      current: () => this.#execution(),
      counters: this.#counters,
      addresses: this.#addresses,
      leases: this.#leases,
      trials: this.#trials,
      audit: this.#audit,
      wholes: this.#wholes,
      crashed: (item, why) => {
        this.#note({ item, level: 'error', type: 'failed', message: why })
        this.#crashed ??= `${this.#pathOf(item)}: ${why}`
      },
    }
    const containers = new Containers(parts)
    this.#containers = containers
    const work = new WorkQueue(db)
    this.#enumeration = new Enumeration(parts, containers, (first, last, ids) => work.add(first, last, ids))
    const rows = new BatchRows(db)
    const held = new HeldBatches(parts, work, rows)
    this.#results = new BatchResults(parts, containers, held)
    this.#orphaned = new OrphanedBatches(parts, { work, rows, held, results: this.#results })
    const enumerationClosed = (n: number): boolean => this.#enumeration.closed(n)
    this.#batches = new BatchClaims(parts, { work, rows, held, orphaned: this.#orphaned, enumerationClosed })
    this.#touched = new Touched(parts, containers, (n) => this.#batches.closed(n))
    this.#tally = new Tally(db)
  }

  begin(start: ExecutionStart): void {
    const latest = this.#execution()
    if (start.execution < latest.n) throw new LedgerAhead(latest.n)
    if (start.execution === latest.n) {
      // Its own end may be behind it, when its beginning is repeated; one before it was in the catalog is another's.
      if (latest.endedMs !== null && latest.endedMs < start.begunMs) throw new LedgerAhead(latest.n)
      return
    }
    if (latest.endedMs === null) this.end(latest.n)
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
    this.#note({ level: 'info', type: 'execution', message: `execution ${start.execution} began` })
    for (const message of start.warnings ?? []) this.#note({ level: 'warn', type: 'setting', message })
    this.#writeRoot(start)
    this.#enumeration.start(rootItem)
  }

  end(execution: number, halted?: string): Balance {
    const current = this.#execution()
    if (execution === current.n && current.endedMs === null) {
      this.#endLazyContainers(execution)
      this.#forgiveContainers(execution)
      this.#clear()
      if (halted !== undefined) this.#note({ level: 'error', type: 'halted', message: halted })
      this.#note({ level: 'info', type: 'execution', ...ending(execution, this.#tally.balance(execution)) })
      this.#db.prepare('UPDATE execution SET ended_ms = ? WHERE n = ?').run(this.#nowMs(), execution)
      this.#current = undefined
    }
    return this.#tally.balance(execution)
  }

  claimContainers(holder: Holder, limit: number): Claim<WireToList[]> {
    if (this.#over(holder)) return { state: 'closed' }
    return this.#noting(holder, () => this.#enumeration.claim(holder, limit))
  }

  returnContainers(tokens: number[]): void {
    this.#enumeration.giveBack(tokens)
  }

  enumerated(listing: WireListing): void {
    this.#enumeration.enumerated(listing)
  }

  claimBatch(holder: Holder, limit: { items: number; bytes: number }): Claim<WireBatch> {
    if (this.#over(holder)) return { state: 'closed' }
    return this.#noting(holder, () => this.#batches.claim(holder, limit))
  }

  containerReady(container: number, { token, id, made }: MadeContainer): void {
    const { execution } = this.#leases.require(token)
    this.#containers.exists(container, { id, made })
    this.#counters.flush(execution)
  }

  addresses(container: number): WireAddress[] {
    return this.#addresses.chain(container)
  }

  staged(token: number, text: string): void {
    this.#results.staged(token, text)
  }

  finished(results: WireResults): void {
    this.#results.finished(results)
  }

  partial(token: number, item: number, partial: { key: string; bytes: bigint; source: string }): void {
    this.#results.partial(token, item, partial)
  }

  claimTouched(holder: Holder, limit: number): Claim<WireTouched> {
    if (this.#over(holder)) return { state: 'closed' }
    return this.#noting(holder, () => this.#touched.claim(holder, limit))
  }

  finishedTouched(token: number, results: WireFinishedContainer[]): void {
    this.#touched.finished(token, results)
  }

  unended(): number | undefined {
    const { n, endedMs } = this.#execution()
    return endedMs === null ? n : undefined
  }

  leftovers(execution: number): WireLeftovers {
    if (this.#over({ execution })) return { batches: [], partials: [] }
    return this.#orphaned.leftovers(execution)
  }

  /** @returns holders that lost a lease to somebody else since they claimed it */
  renew(holders: string[], leaseMs: number): string[] {
    const untilMs = this.#nowMs() + leaseMs
    for (const lease of this.#leases.all().values()) {
      if (lease.kind !== LeaseKind.litter && holders.includes(lease.holder)) this.#leases.renew(lease, untilMs)
    }
    return holders.filter((holder) => this.#robbed.delete(holder))
  }

  progress(execution: number): Progress {
    const progress = this.#tally.progress(execution)
    const last = this.#tally.lastItem(execution)
    if (last !== null && last !== undefined) progress.inHand = this.#pathOf(last)
    return progress
  }

  audit(rows: WireAudit): void {
    this.#audit.write(rows, this.#execution())
  }

  keepFailure(why: string): void {
    const { n } = this.#execution()
    if (this.firstFailure(n) === undefined) this.remember(firstFailure, JSON.stringify({ execution: n, why }))
  }

  firstFailure(execution: number): string | undefined {
    const kept = JSON.parse(this.recall(firstFailure) ?? '{}') as { execution?: number; why?: string }
    return kept.execution === execution ? kept.why : undefined
  }

  remember(key: string, value: string): void {
    this.#db.prepare('INSERT OR REPLACE INTO memory (key, value) VALUES (?, ?)').run(key, value)
  }

  recall(key: string): string | undefined {
    const row = this.#db.prepare('SELECT value FROM memory WHERE key = ?').get(key)
    return row?.value as string | undefined
  }

  /** When the next waiting item or lease is due; undefined when only others' requests can change anything. */
  nextDueMs(): number | undefined {
    let due = Infinity
    for (const lease of this.#leases.all().values()) due = Math.min(due, lease.untilMs)
    const { n } = this.#execution()
    const { total, nextDueMs } = this.#trials.waiting(n, this.#nowMs())
    if (total > 0) due = Math.min(due, this.#nowMs() + nextDueMs)
    return due === Infinity ? undefined : due
  }

  /** There was no room to write: what is in hand just now may come back without an answer, and nothing is to blame for it. */
  homeFull(): void {
    this.#leases.excuse()
  }

  /** Runs one request so that it happens whole or not at all, inside a transaction or as one. */
  atomically<T>(request: () => T): T {
    const inside = this.#db.isTransaction
    this.#db.exec(inside ? 'SAVEPOINT request' : 'BEGIN IMMEDIATE')
    try {
      const result = request()
      this.#db.exec(inside ? 'RELEASE request' : 'COMMIT')
      return result
    } catch (error) {
      this.#forget()
      if (this.#db.isTransaction) this.#db.exec(inside ? 'ROLLBACK TO request; RELEASE request' : 'ROLLBACK')
      throw error
    }
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction
  }

  begun(): void {
    this.#db.exec('BEGIN IMMEDIATE')
  }

  /** @throws when the disk is full: then none of the requests happened */
  commit(): void {
    try {
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#forget()
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /** Afterwards the file alone is the ledger. */
  close(): void {
    closeWhole(this.#db)
  }

  /** What is remembered of the file may not be in it: read it again. */
  #forget(): void {
    this.#current = undefined
    this.#counters.forget()
    this.#addresses.forget()
    this.#leases.forget()
    this.#containers.forget()
    this.#wholes.forget()
    this.#enumeration.forget()
  }

  #execution(): CurrentExecution {
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

  #over({ execution }: Pick<Holder, 'execution'>): boolean {
    const current = this.#execution()
    return current.n !== execution || current.endedMs !== null
  }

  /**
   * A holder learns that its lease was taken over: by an error with its next write, or when it renews. Whoever claims learns
   * of what was flagged meanwhile before he is told that all is done.
   */
  #noting<T>(holder: Holder, claim: () => Claim<T>): Claim<T> {
    if (!holder.inHand?.length) this.#robbed.delete(holder.name)
    this.#crashed = undefined
    const before = new Map([...this.#leases.all()].map(([token, lease]) => [token, lease.holder]))
    const claimed = claim()
    const after = this.#leases.all()
    for (const [token, name] of before) if (name !== holder.name && !after.has(token)) this.#robbed.add(name)
    if (this.#crashed === undefined) return claimed
    this.keepFailure(this.#crashed)
    return { ...(claimed.state === 'claimed' ? claimed : { state: 'wait' }), crashed: this.#crashed }
  }

  #writeRoot({ execution, root: { source, destination } }: ExecutionStart): void {
    const before = this.#db.prepare('SELECT source FROM item WHERE id = ?').get(rootItem) as
      { source: string } | undefined
    this.#db
      .prepare(
        `INSERT INTO item (id, parent, name, kind, state, action, execution, size, reason, source_id, destination_id,
           source, destination) VALUES (?, 0, '', ?, ?, 0, 0, 0, '', ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET source_id = excluded.source_id, source = excluded.source,
           destination_id = coalesce(excluded.destination_id, destination_id),
           destination = coalesce(excluded.destination, destination), state = excluded.state, reason = excluded.reason`,
      )
      .run(
        rootItem,
        Container,
        State.none,
        source.id,
        destination?.id ?? null,
        packFacts(source),
        destination ? packFacts(destination) : null,
      )
    this.#db
      .prepare(
        `INSERT INTO container (item, depth, ready, made, listed) VALUES (?, 0, ?, 0, ?)
         ON CONFLICT (item) DO UPDATE SET ready = excluded.ready, listed = excluded.listed`,
      )
      .run(rootItem, destination ? 1 : 0, execution)
    this.#addresses.changed(rootItem)
    // The root is nobody's child, so no plan says that its times or permissions changed.
    if (before && !sameAttributes(unpackFacts(before.source), source)) this.#containers.touch(rootItem)
  }

  /**
   * Leases and open work end with their execution; rows stay as they are. Containers that were not finished stay to be
   * finished by the next one: nothing else would tell that they are still as closed as they were made.
   */
  #clear(): void {
    this.#db.exec('UPDATE touched SET lease = 0 WHERE lease <> 0')
    for (const table of ['lease', 'work', 'frontier', 'partial']) this.#db.exec(`DELETE FROM ${table}`)
    this.#trials.rest()
    this.#leases.forget()
    this.#containers.forget()
    this.#wholes.forget()
  }

  /** A container that was listed, made and finished without trouble starts without strikes again. */
  #forgiveContainers(execution: number): void {
    this.#db
      .prepare(
        `DELETE FROM trial WHERE struck < ?1 AND waiting = 0
           AND EXISTS (SELECT 1 FROM container WHERE container.item = trial.item AND listed = ?1)
           AND NOT EXISTS (SELECT 1 FROM frontier WHERE frontier.item = trial.item)
           AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.container = trial.item)
           AND NOT EXISTS (SELECT 1 FROM touched WHERE touched.container = trial.item)`,
      )
      .run(execution)
  }

  /**
   * Containers nothing arrived in were left out on purpose, but only where it is certain that nothing can arrive any more:
   * what was listed whole, and holds nothing that is still open.
   */
  #endLazyContainers(execution: number): void {
    if (!this.#execution().lazyContainers) return
    const { open, lazy } = this.#tally.open(execution)
    if (lazy === 0) return
    const undecided = new Set<number>()
    const above = (container: number): void => {
      for (let id = container; id !== 0 && !undecided.has(id); id = this.#addresses.row(id).parent) undecided.add(id)
    }
    for (const { item } of this.#db.prepare('SELECT item FROM frontier').iterate()) above(item as number)
    for (const { container } of this.#leases.all().values()) if (container !== null) above(container)
    if (open > 0) {
      const parents = this.#db.prepare(
        `SELECT DISTINCT parent FROM item WHERE state IN (${State.pending}, ${State.retry}) AND execution = ?`,
      )
      for (const { parent } of parents.all(execution)) if (parent !== 0) above(parent as number)
    }
    const skip = this.#db.prepare(`UPDATE item SET state = ${State.skipped}, reason = 'empty_container' WHERE id = ?`)
    const empty = this.#db.prepare(
      `SELECT id, reason FROM container JOIN item ON id = item WHERE state = ${State.lazy} AND execution = ?`,
    )
    for (const row of empty.all(execution) as unknown as { id: number; reason: string }[]) {
      if (undecided.has(row.id)) continue
      skip.run(row.id)
      this.#counters.remove({ state: State.lazy, reason: row.reason, container: 1, size: 0 })
      this.#counters.add({ state: State.skipped, reason: 'empty_container', container: 1, size: 0 })
    }
    this.#counters.flush(execution)
  }

  #note(row: AuditRow): void {
    this.#audit.note(row, this.#execution())
  }

  #pathOf(item: number): string {
    if (item === rootItem) return '/'
    const row = this.#db.prepare('SELECT parent, name FROM item WHERE id = ?').get(item)
    if (!row) return ''
    const { parent, name } = row as { parent: number; name: string }
    return `/${[...this.#addresses.of(parent).sourceNames, name].join('/')}`
  }
}

function ending(execution: number, { found, byStatus }: Balance): Pick<AuditRow, 'message' | 'detail'> {
  const counts = Object.entries(byStatus).map(([status, { items }]) => [status, items] as const)
  const detail = { found: found.items, ...Object.fromEntries(counts.filter(([, items]) => items > 0)) }
  return { message: `execution ${execution} ended`, detail }
}

function sameAttributes(before: Facts, now: Facts): boolean {
  return before.modifiedNs === now.modifiedNs && before.facets === now.facets
}
