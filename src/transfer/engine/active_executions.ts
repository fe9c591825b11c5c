import type { Catalog } from '../../catalog/catalog.ts'
import { ledgerFile, type Home } from '../../home/home.ts'
import { roomAt, type Room } from '../../home/room.ts'
import { connectLedger, openLedger, type LedgerHandle } from '../../ledger/client.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { renewSimulation } from '../../ledger/simulated.ts'
import { haltsOnFailure } from '../../policy/failure_policy.ts'
import { Breaker } from './breaker.ts'
import { FirstFailure } from './first_failure.ts'
import type { ExecutionRef } from './engine.ts'
import type { IoPool } from '../io/io_pool.ts'
import type { OpenExecution } from '../io/pooled_thread.ts'
import { leaseMs, type ExecutionSpec, type Limits } from './execution_spec.ts'
import { FailedToStart } from './errors.ts'
import { lostLedger } from './lost_ledger.ts'
import { loadExecution, type LoadedExecution } from './load_execution.ts'
import { StopFlag, Stop } from '../io/stop.ts'
import { jobKey, type LedgerAccess, type TaskEnd } from '../io/thread_messages.ts'

export interface HolderTask {
  holder: string
  run(): Promise<TaskEnd>
  /** Asks it to put down what it has in hand. */
  stop(): void
}

/** One execution this worker works on: its ledger's owner thread, what its threads obey, and who is at work. */
export class ActiveExecution implements OpenExecution {
  readonly key: string
  readonly spec: ExecutionSpec
  readonly loaded: LoadedExecution
  readonly ledger: Ledger
  readonly stopFlag = new StopFlag()
  readonly breaker = new Breaker()
  /** Under `failure_policy: halt`. */
  readonly firstFailure = new FirstFailure()
  readonly #handle: LedgerHandle
  readonly #holders = new Map<string, { stop(): void; ended: Promise<unknown> }>()

  constructor(loaded: LoadedExecution, handle: LedgerHandle) {
    this.key = jobKey(loaded.spec.jobId, loaded.spec.execution)
    this.loaded = loaded
    this.spec = loaded.spec
    this.#handle = handle
    this.ledger = connectLedger(handle.port(), handle.file)
  }

  /** Resolves when nobody answers for the ledger any more. */
  get ledgerEnded(): Promise<void> {
    return this.#handle.ended
  }

  ledgerAccess(): LedgerAccess {
    return { port: this.#handle.port(), file: this.#handle.file }
  }

  /**
   * Runs tasks; while they run their holders' leases are kept alive, and closing waits for them. A holder may be at work here
   * already, for an activity that the server lost sight of: then it is told to stop, and its successor begins when it has put
   * down what it had in hand. Else its lease would be taken from it as from one that died.
   */
  async during(tasks: readonly HolderTask[]): Promise<TaskEnd[]> {
    for (const { holder } of tasks) this.#holders.get(holder)?.stop()
    const ending = tasks.map(({ holder, run, stop }) => {
      const end = (this.#holders.get(holder)?.ended ?? Promise.resolve()).then(run)
      const at = { stop, ended: end.catch(() => undefined) }
      this.#holders.set(holder, at)
      void at.ended.then(() => {
        if (this.#holders.get(holder) === at) this.#holders.delete(holder)
      })
      return end
    })
    return Promise.all(ending)
  }

  /** @param why which item failed, and of what */
  halt(why: string | undefined): void {
    this.stopFlag.raise(Stop.halt)
    if (why !== undefined) this.firstFailure.set(why)
  }

  /** The worker that met it may have died before it could tell the workflow. */
  async haltAsBefore(): Promise<void> {
    if (!haltsOnFailure(this.spec.settings.failurePolicy)) return
    const why = await this.ledger.firstFailure(this.spec.execution)
    if (why !== undefined) this.halt(why)
  }

  async renew(): Promise<void> {
    const holders = [...this.#holders.keys()]
    if (holders.length > 0) await this.ledger.renew(holders, leaseMs)
  }

  async drained(): Promise<void> {
    while (this.#holders.size > 0) await Promise.all([...this.#holders.values()].map(({ ended }) => ended))
  }

  async close(): Promise<void> {
    await this.drained()
    await this.ledger.close()
    await this.#handle.close()
  }
}

export interface ActiveExecutionsParts {
  home: Home
  catalog: Catalog
  pool: IoPool
  limits: Limits
  /** How much there is where the home is; for tests. */
  room?: (path: string) => Room
}

/** The executions open in this worker. A worker that comes back after a death opens them again from the catalog. */
export class ActiveExecutions {
  readonly home: Home
  readonly catalog: Catalog
  readonly #pool: IoPool
  readonly #limits: Limits
  readonly #jobs = new Map<string, Promise<ActiveExecution>>()
  readonly #roomAt: (path: string) => Room
  /** Of the home, when it was looked at last. */
  #room: Room | undefined
  #renewedMs = 0
  #ending = false

  constructor({ home, catalog, pool, limits, room = roomAt }: ActiveExecutionsParts) {
    this.#roomAt = room
    this.home = home
    this.catalog = catalog
    this.#pool = pool
    this.#limits = limits
  }

  /** @throws FailedToStart when the document can't be carried out */
  async open(ref: ExecutionRef): Promise<ActiveExecution> {
    const key = jobKey(ref.jobId, ref.execution)
    const known = this.#jobs.get(key)
    if (known) return known
    const opening = this.#open(ref)
    this.#jobs.set(key, opening)
    opening.then(
      // A ledger's thread that dies takes nothing committed with it; the next slice opens the job anew.
      (job) => void job.ledgerEnded.then(() => this.#forget(key, opening)),
      () => this.#jobs.delete(key),
    )
    return opening
  }

  async #open(ref: ExecutionRef): Promise<ActiveExecution> {
    // One ledger, one owner: an earlier execution of the job that is still open here has ended, or it would not be earlier.
    for (const [key, other] of this.#jobs) {
      if (key.startsWith(`${ref.jobId}/`) && key !== jobKey(ref.jobId, ref.execution)) await this.#release(key, other)
    }
    const loaded = await loadExecution(this.catalog, ref, this.#limits)
    const files = {
      real: ledgerFile(this.home, ref.jobId, 'real'),
      simulated: ledgerFile(this.home, ref.jobId, 'simulated'),
    }
    if (loaded.spec.simulated) await renewSimulation(files, ref.execution)
    const file = loaded.spec.simulated ? files.simulated : files.real
    const lost = loaded.spec.simulated ? undefined : await lostLedger(this.catalog, ref, file)
    if (lost !== undefined) throw new FailedToStart([lost])
    const job = new ActiveExecution(loaded, await openLedger(file))
    await job.haltAsBefore()
    await this.#obey(job)
    return job
  }

  /** Closes an execution's ledger and lets the threads forget it. */
  async release(ref: ExecutionRef): Promise<void> {
    const key = jobKey(ref.jobId, ref.execution)
    const job = this.#jobs.get(key)
    if (job) await this.#release(key, job)
  }

  async #release(key: string, opening: Promise<ActiveExecution>): Promise<void> {
    const job = await opening
    await job.drained()
    this.#pool.forget(key)
    await job.close()
    this.#forget(key, opening)
  }

  #forget(key: string, opening: Promise<ActiveExecution>): void {
    if (this.#jobs.get(key) !== opening) return
    this.#jobs.delete(key)
    this.#pool.forget(key)
  }

  /** What stops a slice from outside: the control row, and a home without room. */
  supervise(renewEveryMs: number): void {
    const renewing = Date.now() - this.#renewedMs >= renewEveryMs
    if (renewing) {
      this.#renewedMs = Date.now()
      this.#lookForRoom()
    }
    for (const opening of this.#jobs.values()) {
      // A passing failure of catalog or ledger: the next look is due in a moment, and slices report their own.
      opening.then((job) => this.#obey(job)).catch(() => undefined)
      if (renewing) opening.then((job) => job.renew()).catch(() => undefined)
    }
  }

  #lookForRoom(): void {
    try {
      this.#room = this.#roomAt(this.home.path)
    } catch {
      // A home that can't be looked at for a moment; whoever writes there will say so.
    }
  }

  async #obey(job: ActiveExecution): Promise<void> {
    const { paused, cancelled } = await this.catalog.control.read(job.spec.jobId)
    // What it says must not undo what `stopAll` said.
    if (this.#ending) return
    if (this.#room?.low) {
      job.breaker.trip({ side: 'home', code: 'HomeFull', why: this.#room.sentence, retryAfterMs: 15_000 })
      job.stopFlag.settle(Stop.trouble)
    } else if (cancelled === job.spec.execution) job.stopFlag.settle(Stop.cancel)
    else job.stopFlag.settle(paused ? Stop.pause : Stop.run)
  }

  stopAll(): void {
    this.#ending = true
    for (const opening of this.#jobs.values())
      opening.then((job) => job.stopFlag.raise(Stop.cancel)).catch(() => undefined)
  }

  async drained(): Promise<void> {
    for (const opening of this.#jobs.values()) await opening.then((job) => job.drained()).catch(() => undefined)
  }

  async close(): Promise<void> {
    for (const opening of this.#jobs.values()) await opening.then((job) => job.close()).catch(() => undefined)
    this.#jobs.clear()
  }
}
