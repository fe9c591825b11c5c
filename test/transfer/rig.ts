import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from '@jest/globals'
import type { ExecutionOutcome } from '../../workflows/messages.ts'
import { acceptJob } from '../../src/intake/job.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { ledgerFile, openHome, type Home } from '../../src/home/home.ts'
import { openKey } from '../../src/home/key.ts'
import type { Balance } from '../../src/ledger/ledger.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import type { AuditEntry, Explanation, PlacedItem } from '../../src/ledger/sqlite/reader_types.ts'
import { createEngine } from '../../src/transfer/engine/create_engine.ts'
import type { Engine, JobRemoval } from '../../src/transfer/engine/engine.ts'
import type { Limits } from '../../src/transfer/engine/execution_spec.ts'
import { aJob, type Side } from './a_job.ts'
import { look, type Tree } from './a_tree.ts'
import { play, type PlayOptions } from './play.ts'

export const memoryDisk = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Longer than the granularity of file times: what was written before is settled when a run begins. */
const settleMs = 30

export interface JobParts {
  source?: Tree
  destination?: Tree
  /** Keys of `auth`, or another side altogether. */
  from?: Partial<Side>
  to?: Partial<Side>
}

/** One home, catalog and engine for a whole test file, and as many jobs as it likes. */
export class Rig {
  readonly folder = mkdtempSync(join(memoryDisk, 'stevedore-transfer-'))
  readonly home: Home = openHome(join(this.folder, 'home'))
  readonly catalog: Catalog = openCatalog(this.home.catalog, openKey(this.home.key))
  readonly #limits: Partial<Limits>
  engine: Engine & JobRemoval
  #jobs = 0

  /** Items that fail are tried again at once, and a pause is seen at once, unless `limits` says otherwise. */
  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { patience: 0.002, controlMs: 20, ...limits }
    this.engine = this.#engine()
  }

  #engine(): Engine & JobRemoval {
    return createEngine({ home: this.home, catalog: this.catalog, limits: this.#limits })
  }

  /** As another process would go on. */
  async restart(): Promise<void> {
    await this.engine.close()
    this.engine = this.#engine()
  }

  async close(): Promise<void> {
    await this.engine.close()
    await this.catalog.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Stores a job with these keys of `transfer` between two new folders. */
  async job(transfer: Record<string, unknown> = {}, parts: JobParts = {}): Promise<Job> {
    const folder = join(this.folder, `${++this.#jobs}`)
    const roots = { source: join(folder, 'source'), destination: join(folder, 'destination') }
    mkdirSync(folder)
    for (const side of ['source', 'destination'] as const) (parts[side] ?? ((at) => mkdirSync(at)))(roots[side])
    const side = (root: string, { auth, ...rest }: Partial<Side> = {}): Side => ({ auth: { root, ...auth }, ...rest })
    return this.store(
      aJob(transfer, { source: side(roots.source, parts.from), destination: side(roots.destination, parts.to) }),
      roots,
    )
  }

  async store(document: Record<string, unknown>, roots: { source: string; destination: string }): Promise<Job> {
    const { job } = await acceptJob(document, this.catalog)
    return new Job(this, job.id, roots)
  }
}

export interface Ran extends ExecutionOutcome {
  execution: number
  /** Absent when it failed to start. */
  balance: Balance | undefined
  warnings: string[]
  /** Items by wire status and reason, as `success new`: 3. */
  reasons: Record<string, number>
}

export class Job {
  readonly rig: Rig
  readonly id: string
  readonly source: string
  readonly destination: string
  executions = 0

  constructor(rig: Rig, id: string, roots: { source: string; destination: string }) {
    this.rig = rig
    this.id = id
    this.source = roots.source
    this.destination = roots.destination
  }

  /** Plays the next execution; its counts balance and it leaves no litter, whatever else it does. */
  async run(options: PlayOptions = {}): Promise<Ran> {
    await sleep(settleMs)
    return this.resume({ ...options, execution: this.executions + 1 })
  }

  /** Goes on with an execution that began before. */
  async resume({ execution = this.executions, ...options }: PlayOptions & { execution?: number } = {}): Promise<Ran> {
    this.executions = execution
    const outcome = await play(this.rig.engine, { jobId: this.id, execution }, options)
    const stored = await this.rig.catalog.executions.get(this.id, execution)
    const balance = stored?.balance ?? undefined
    if (balance) expectBalanced(balance)
    expect(this.litter()).toEqual([])
    const reasons = Object.fromEntries(
      (balance?.byReason ?? []).filter((r) => r.items > 0).map((r) => [`${r.status} ${r.reason}`, r.items]),
    )
    return { ...outcome, execution, balance, warnings: stored?.warnings ?? [], reasons }
  }

  /** Changes keys of `transfer` between executions. */
  async change(transfer: Record<string, unknown>): Promise<void> {
    const stored = await this.rig.catalog.jobs.get(this.id)
    const document = stored?.document ?? {}
    await this.rig.catalog.jobs.update(this.id, {
      document: { ...document, transfer: { ...(document['transfer'] as object), ...transfer } },
    })
  }

  async control(change: { paused: boolean }): Promise<void> {
    await this.rig.catalog.control.write(this.id, change)
  }

  /** Stagings that were left behind. */
  litter(): string[] {
    const of = (side: string, ours: RegExp): string[] =>
      existsSync(side) ? [...look(side).keys()].filter((path) => ours.test(path)) : []
    return [...of(this.destination, /(^|\/)\.~/), ...of(this.source, new RegExp(`(^|/)\\.~${this.id.slice(0, 6)}-`))]
  }

  read<T>(reading: (reader: LedgerReader) => T, kind: 'real' | 'simulated' = 'real'): T {
    const reader = new LedgerReader(ledgerFile(this.rig.home, this.id, kind))
    try {
      return reading(reader)
    } finally {
      reader.close()
    }
  }

  /** @param path as people read it: `a/b` */
  explain(path: string, kind: 'real' | 'simulated' = 'real'): Explanation {
    const found = this.read((reader) => reader.explain(path.split('/')), kind)
    if (!found) throw new Error(`the ledger does not know ${path}`)
    return found
  }

  /** Rows by the path at the source. */
  rows(kind: 'real' | 'simulated' = 'real'): Map<string, PlacedItem> {
    return this.read((reader) => new Map([...reader.rows()].map((row) => [row.sourceNames.join('/'), row])), kind)
  }

  audit(query: { execution?: number; type?: string } = {}): AuditEntry[] {
    return this.read((reader) => reader.audits({ ...query, offset: 0, limit: 10_000 }).rows)
  }
}

/** found = success + processed + skipped + remediation + retry + pending, and the same per reason, in items and bytes. */
export function expectBalanced({ found, byStatus, byReason }: Balance): void {
  const items = { found: found.items, statuses: 0, reasons: 0 }
  const bytes = { found: found.bytes, statuses: 0n, reasons: 0n }
  for (const sum of Object.values(byStatus)) {
    items.statuses += sum.items
    bytes.statuses += sum.bytes
  }
  for (const sum of byReason) {
    items.reasons += sum.items
    bytes.reasons += sum.bytes
  }
  expect(items).toEqual({ found: found.items, statuses: found.items, reasons: found.items })
  expect(bytes).toEqual({ found: found.bytes, statuses: found.bytes, reasons: found.bytes })
  for (const [status, sum] of Object.entries(byStatus)) {
    const same = byReason.filter((r) => r.status === status).reduce((n, r) => n + r.items, 0)
    expect([status, same]).toEqual([status, sum.items])
  }
  for (const { status, reason, items: n } of byReason) expect([status, reason, n < 0]).toEqual([status, reason, false])
}

/** Keys of a job whose account map makes account 1 of the source the destination's account of this id. */
export async function accountMapTo({ catalog }: Rig, id: string): Promise<{ account_map: { id: string } }> {
  const document = { map_by: { id: true }, exceptions: [{ source: { id: '1' }, destination: { id } }] }
  const stored = await catalog.maps.create({ type: 'account_map', name: `to ${id}`, document })
  return { account_map: { id: stored.id } }
}
