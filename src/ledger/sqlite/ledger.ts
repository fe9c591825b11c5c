import type { DatabaseSync } from 'node:sqlite'
import type { Reset } from '../../job/reset.ts'
import { closeWhole, openDatabase } from '../../database/sqlite.ts'
import { LedgerAhead } from '../errors.ts'
import { forgottenUpTo, permissionsAnew } from './forgotten.ts'
import {
  rootItem,
  type AuditRow,
  type Balance,
  type Claim,
  type ExecutionStart,
  type Holder,
  type MadeContainer,
  type Progress,
  type RemovalPlan,
  type RemovalResult,
} from '../ledger.ts'
import type {
  WireAddress,
  WireAudit,
  WireBatch,
  WireFinishedContainer,
  WireLeftovers,
  WireListing,
  WirePartial,
  WireResults,
  WireToList,
  WireFinalizeBatch,
  WireRemovalBatch,
} from '../wire.ts'
import { Addresses } from './addresses.ts'
import { AskedOfItems } from './asked.ts'
import { AuditLog } from './audit_log.ts'
import { BatchClaims } from './batch_claims.ts'
import { BatchResults } from './batch_results.ts'
import { BatchRows } from './batch_rows.ts'
import { endExecution, ending } from './end_execution.ts'
import { Containers } from './containers.ts'
import { Counters } from './counters.ts'
import { Enumeration } from './enumeration.ts'
import { findingsOf } from './findings.ts'
import { Executions, writeRoot } from './executions.ts'
import { HeldBatches } from './held_batches.ts'
import { LeaseKind, Leases } from './leases.ts'
import { OrphanedBatches } from './orphaned_batches.ts'
import type { LedgerParts } from './parts.ts'
import { Plans } from './plans.ts'
import { ledgerSchema } from './schema.ts'
import { Removals } from './removals.ts'
import { Tally } from './tally.ts'
import { ContainersToFinalize } from './containers_to_finalize.ts'
import { Trials } from './trials.ts'
import { WholeContainers } from './whole_containers.ts'
import { WorkQueue } from './work_queue.ts'

/** Under this the first failure of an execution is remembered. */
const firstFailure = 'first failure'

/**
 * The ledger on one SQLite connection, synchronous: what the owner's thread runs. Callers group requests into a
 * transaction; each request is a savepoint of its own, so one that fails takes nothing else with it.
 */
export class SqliteLedger {
  readonly file: string
  readonly #db: DatabaseSync
  readonly #nowMs: () => number
  readonly #executions: Executions
  readonly #parts: LedgerParts
  readonly #containers: Containers
  readonly #enumeration: Enumeration
  readonly #batches: BatchClaims
  readonly #results: BatchResults
  readonly #orphaned: OrphanedBatches
  readonly #touched: ContainersToFinalize
  readonly #removals: Removals
  readonly #tally: Tally
  /** Holders whose lease somebody else took over, until they claim again or ask. */
  readonly #preempted = new Set<string>()
  /** What the claim under way flagged; the first of it halts an execution, where it is to be halted. */
  #crashed: string | undefined

  /** @throws DatabaseUnusable when the file is damaged or not a ledger; it is left as it is */
  constructor(file: string, nowMs: () => number = Date.now) {
    const db = openDatabase(file, ledgerSchema)
    // 8 MiB of pages stay in memory: rows are written in the order of their ids. The log is copied back every 16 MiB,
    // often enough for one that is written in one go, and seldom enough not to copy the same pages again and again.
    db.exec('PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000')
    this.file = file
    this.#db = db
    this.#nowMs = nowMs
    this.#executions = new Executions(db, nowMs)
    const parts: LedgerParts = {
      db,
      nowMs,
      current: () => this.#executions.current(),
      counters: new Counters(db),
      addresses: new Addresses(db),
      leases: new Leases(db),
      plans: new Plans(db),
      trials: new Trials(db, (item) => this.#note({ item, level: 'error', type: 'flagged' })),
      audit: new AuditLog(db, nowMs),
      wholes: new WholeContainers(),
      crashed: (item, why) => {
        this.#note({ item, level: 'error', type: 'failed', message: why })
        this.#crashed ??= `${this.#pathOf(item)}: ${why}`
      },
    }
    this.#parts = parts
    const containers = new Containers(parts)
    this.#containers = containers
    const work = new WorkQueue(db)
    this.#removals = new Removals(parts, containers)
    this.#enumeration = new Enumeration(parts, containers, {
      removals: this.#removals,
      onWork: (first, last, ids, toSource) => work.add(first, last, ids, toSource),
    })
    const rows = new BatchRows(db)
    const held = new HeldBatches(parts, work, rows)
    this.#results = new BatchResults(parts, containers, held)
    this.#orphaned = new OrphanedBatches(parts, { work, rows, held, results: this.#results })
    const enumerationClosed = (n: number): boolean => this.#enumeration.closed(n)
    this.#batches = new BatchClaims(parts, { work, rows, held, orphaned: this.#orphaned, enumerationClosed })
    this.#touched = new ContainersToFinalize(parts, containers, (n) => this.#batches.closed(n))
    this.#tally = new Tally(db)
  }

  begin(start: ExecutionStart): void {
    const latest = this.#executions.current()
    if (start.execution < latest.n) throw new LedgerAhead(latest.n)
    if (start.execution === latest.n) {
      // Its own end may be behind it, when its beginning is repeated; one before it was in the catalog is another's.
      if (latest.endedMs !== null && latest.endedMs < start.begunMs) throw new LedgerAhead(latest.n)
      return
    }
    if (latest.endedMs === null) this.end(latest.n)
    this.#executions.begin(start)
    this.#note({ level: 'info', type: 'execution', message: `execution ${start.execution} began` })
    for (const message of start.warnings ?? []) this.#note({ level: 'warn', type: 'setting', message })
    const rootChanged = writeRoot(this.#db, start)
    this.#parts.addresses.changed(rootItem)
    if (start.resets) this.#reset(start.resets, start.execution)
    if (start.asked) new AskedOfItems(this.#parts).apply(start.asked)
    if (rootChanged) this.#containers.touch(rootItem)
    this.#enumeration.start(rootItem)
  }

  /** Rows stay: what earlier executions recorded is forgotten from now on, as a whole and at once, however many there are. */
  #reset(resets: readonly Reset[], execution: number): void {
    for (const reset of resets) this.#note({ level: 'info', type: 'reset', message: `${reset} reset` })
    if (resets.includes('hard')) {
      this.remember(forgottenUpTo, String(execution - 1))
      this.#db.exec('DELETE FROM trial')
    }
    if (resets.includes('permissions')) this.remember(permissionsAnew, String(execution))
  }

  end(execution: number, halted?: string): Balance {
    const current = this.#executions.current()
    if (execution === current.n && current.endedMs === null) {
      endExecution(this.#parts, this.#containers, this.#tally)
      if (halted !== undefined) this.#note({ level: 'error', type: 'halted', message: halted })
      this.#note({ level: 'info', type: 'execution', ...ending(execution, this.#tally.balance(execution)) })
      this.#executions.end(execution)
    }
    return { ...this.#tally.balance(execution), findings: findingsOf(this.#db, execution) }
  }

  claimContainers(holder: Holder, limit: number): Claim<WireToList[]> {
    if (this.#executions.isOver(holder.execution)) return { state: 'closed' }
    return this.#noting(holder, () => this.#enumeration.claim(holder, limit))
  }

  returnContainers(tokens: number[]): void {
    this.#enumeration.giveBack(tokens)
  }

  enumerated(listing: WireListing): void {
    this.#enumeration.enumerated(listing)
  }

  claimBatch(holder: Holder, limit: { items: number; bytes: number }): Claim<WireBatch> {
    if (this.#executions.isOver(holder.execution)) return { state: 'closed' }
    return this.#noting(holder, () => this.#batches.claim(holder, limit))
  }

  containerReady(container: number, { token, id, made }: MadeContainer): void {
    const { execution, parts } = this.#parts.leases.require(token)
    this.#containers.exists(container, { id, made, ...(parts.toSource ? { toSource: true } : {}) })
    this.#parts.counters.flush(execution)
  }

  addresses(container: number, from: 'root' | 'nearest', toSource?: boolean): WireAddress[] {
    return this.#parts.addresses.chain(container, from, toSource)
  }

  staged(token: number, text: string): void {
    this.#results.staged(token, text)
  }

  finished(results: WireResults): void {
    this.#results.finished(results)
  }

  partial(token: number, item: number, partial: WirePartial): void {
    this.#results.partial(token, item, partial)
  }

  claimContainersToFinalize(holder: Holder, limit: number): Claim<WireFinalizeBatch> {
    if (this.#executions.isOver(holder.execution)) return { state: 'closed' }
    return this.#noting(holder, () => this.#touched.claim(holder, limit))
  }

  finishedContainers(token: number, results: WireFinishedContainer[]): void {
    this.#touched.finished(token, results)
  }

  planMoved(after: number): number | undefined {
    return this.#removals.planMoved(after)
  }

  plannedRemovals(execution: number): RemovalPlan {
    return this.#removals.planned(execution)
  }

  claimRemovals(holder: Holder, limit: number): Claim<WireRemovalBatch> {
    if (this.#executions.isOver(holder.execution)) return { state: 'closed' }
    return this.#noting(holder, () => this.#removals.claim(holder, limit))
  }

  finishedRemovals(token: number, results: RemovalResult[]): void {
    this.#removals.finished(token, results)
  }

  unended(): number | undefined {
    const { n, endedMs } = this.#executions.current()
    return endedMs === null ? n : undefined
  }

  leftovers(execution: number): WireLeftovers {
    if (this.#executions.isOver(execution)) return { batches: [], partials: [] }
    return this.#orphaned.leftovers(execution)
  }

  /** @returns holders that lost a lease to somebody else since they claimed it */
  renew(holders: string[], leaseMs: number): string[] {
    const untilMs = this.#nowMs() + leaseMs
    for (const lease of this.#parts.leases.all().values()) {
      if (lease.kind !== LeaseKind.leftovers && holders.includes(lease.holder)) this.#parts.leases.renew(lease, untilMs)
    }
    return holders.filter((holder) => this.#preempted.delete(holder))
  }

  progress(execution: number): Progress {
    const progress = this.#tally.progress(execution)
    const last = this.#tally.lastItem(execution)
    if (last !== null && last !== undefined) progress.inHand = this.#pathOf(last)
    return progress
  }

  audit(rows: WireAudit): void {
    this.#parts.audit.write(rows, this.#executions.current())
  }

  keepFailure(why: string): void {
    const { n } = this.#executions.current()
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
    for (const lease of this.#parts.leases.all().values()) due = Math.min(due, lease.untilMs)
    const { n } = this.#executions.current()
    const { total, nextDueMs } = this.#parts.trials.waiting(n, this.#nowMs())
    if (total > 0) due = Math.min(due, this.#nowMs() + nextDueMs)
    return due === Infinity ? undefined : due
  }

  /** There was no room to write: what is in hand just now may come back without an answer, and nothing is to blame for it. */
  homeFull(): void {
    this.#parts.leases.forgiveAttempts()
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
    this.#executions.forget()
    this.#parts.counters.forget()
    this.#parts.addresses.forget()
    this.#parts.leases.forget()
    this.#containers.forget()
    this.#parts.wholes.forget()
    this.#enumeration.forget()
  }

  /**
   * A holder learns that its lease was taken over: by an error with its next write, or when it renews. Whoever claims learns
   * of what was flagged meanwhile before he is told that all is done.
   */
  #noting<T>(holder: Holder, claim: () => Claim<T>): Claim<T> {
    if (!holder.inHand?.length) this.#preempted.delete(holder.name)
    this.#crashed = undefined
    const before = new Map([...this.#parts.leases.all()].map(([token, lease]) => [token, lease.holder]))
    const claimed = claim()
    const after = this.#parts.leases.all()
    for (const [token, name] of before) if (name !== holder.name && !after.has(token)) this.#preempted.add(name)
    if (this.#crashed === undefined) return claimed
    this.keepFailure(this.#crashed)
    return { ...(claimed.state === 'claimed' ? claimed : { state: 'wait' }), crashed: this.#crashed }
  }

  #note(row: AuditRow): void {
    this.#parts.audit.note(row, this.#executions.current())
  }

  #pathOf(item: number): string {
    if (item === rootItem) return '/'
    const row = this.#db.prepare('SELECT parent, name FROM item WHERE id = ?').get(item)
    if (!row) return ''
    const { parent, name } = row as { parent: number; name: string }
    return `/${[...this.#parts.addresses.of(parent).sourceNames, name].join('/')}`
  }
}
