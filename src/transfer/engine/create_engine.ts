import type { Catalog } from '../../catalog/catalog.ts'
import type { Home } from '../../home/home.ts'
import type { EndedBy, ExecutionOutcome, Initialized, SliceInput, SliceResult } from '../../../workflows/messages.ts'
import { warmOwnerThread } from '../../ledger/owner_threads.ts'
import { completeExecution } from './complete.ts'
import type { Engine, ExecutionRef, JobRemoval, SliceRun } from './engine.ts'
import { ConnectionTrouble, HaltedByItem, ItemsWaiting } from './errors.ts'
import { initializeExecution } from './initialize.ts'
import { planRemovals } from './plan_removals.ts'
import { IoPool } from '../io/io_pool.ts'
import { limits, type Limits } from './execution_spec.ts'
import { ActiveExecutions, type ActiveExecution } from './active_executions.ts'
import { removeJob } from './remove_job.ts'
import { StopFlag, Stop } from '../io/stop.ts'
import type { Task, TaskEnd } from '../io/thread_messages.ts'

export interface EngineParts {
  home: Home
  catalog: Catalog
  /** Threads started ahead of need; 4 serve the first slices of one job with default settings. */
  warmThreads?: number
  limits?: Partial<Limits>
}

/** How often leases are kept alive. */
const renewEveryMs = 5_000
const beatMs = 500

export function createEngine({ home, catalog, warmThreads = 4, limits: smaller }: EngineParts): Engine & JobRemoval {
  const all: Limits = { ...limits, ...smaller }
  const pool = new IoPool(all.threads)
  pool.warm(warmThreads)
  if (warmThreads > 0) warmOwnerThread()
  const jobs = new ActiveExecutions({ home, catalog, pool, limits: all })
  let closing = false

  async function slice(phase: Task['phase'], input: SliceInput, run: SliceRun): Promise<SliceResult> {
    const job = await jobs.open(input)
    job.breaker.refuse()
    const work = new Slice(phase, input, job)
    const stop = (): void => work.stop(Stop.cancel)
    run.signal.addEventListener('abort', stop)
    if (run.signal.aborted || closing) stop()
    const beat = setInterval(() => run.onBeat(work.beat()), beatMs)
    try {
      run.onBeat(work.beat())
      return await work.run(pool, run.signal)
    } finally {
      clearInterval(beat)
      run.signal.removeEventListener('abort', stop)
    }
  }

  const supervision = setInterval(() => jobs.supervise(renewEveryMs), all.controlMs)
  supervision.unref()

  return {
    initialize: (ref: ExecutionRef): Promise<Initialized> => initializeExecution(jobs, ref),
    enumerate: (input, run) => slice('enumerate', input, run),
    transfer: (input, run) => slice('transfer', input, run),
    finalize: (input, run) => slice('finalize', input, run),
    complete: (ref: ExecutionRef, ended: EndedBy): Promise<ExecutionOutcome> => completeExecution(jobs, ref, ended),
    planRemovals: (ref) => planRemovals(jobs, ref),
    remove: (input, run) => slice('remove', input, run),
    removeJob: (jobId) => removeJob(jobs, jobId),
    async close() {
      closing = true
      clearInterval(supervision)
      jobs.stopAll()
      await jobs.drained()
      await pool.close()
      await jobs.close()
    },
  }
}

/** One activity's worth of work: as many slots side by side as the lane is wide, or one that does as much side by side. */
class Slice {
  readonly #phase: Task['phase']
  readonly #input: SliceInput
  readonly #job: ActiveExecution
  readonly #slots: StopFlag[] = []
  #inHand: string | undefined

  constructor(phase: Task['phase'], input: SliceInput, job: ActiveExecution) {
    this.#phase = phase
    this.#input = input
    this.#job = job
    const slots = job.spec.io === 'async' ? 1 : input.width
    for (let i = 0; i < slots; i++) this.#slots.push(new StopFlag())
  }

  /** Operations of one slot: where platforms answer with promises, it does what the whole lane is to do. */
  get #width(): number {
    const { io, inFlight } = this.#job.spec
    if (io === 'blocking') return 1
    return this.#phase === 'enumerate' ? inFlight : this.#input.width
  }

  stop(reason: typeof Stop.cancel | typeof Stop.trouble): void {
    for (const slot of this.#slots) slot.raise(reason)
  }

  beat(): { items: number; bytes: number; inHand?: string } {
    let items = 0
    let bytes = 0
    for (const slot of this.#slots) {
      items += slot.items
      bytes += slot.bytes
    }
    return { items, bytes, ...(this.#inHand === undefined ? {} : { inHand: this.#inHand }) }
  }

  async run(pool: IoPool, signal: AbortSignal): Promise<SliceResult> {
    const { lane, sliceMs } = this.#input
    const untilMs = Date.now() + sliceMs
    const ends = await this.#job.during(
      this.#slots.map((slot, index) => {
        const holder = `${lane}/${index}`
        const task: Task = { phase: this.#phase, holder, untilMs, width: this.#width }
        const run = async (): Promise<TaskEnd> => {
          const end = await pool.run(this.#job, task, slot, (inHand) => {
            this.#inHand = inHand
          })
          return this.#heed(end)
        }
        return { holder, run, stop: () => slot.raise(Stop.cancel) }
      }),
    )
    signal.throwIfAborted()
    return this.#result(ends)
  }

  /** One slot's trouble is every slot's: the others stop before their next item. */
  #heed(end: TaskEnd): TaskEnd {
    if (end.state === 'trouble') {
      this.#job.breaker.trip(end)
      this.stop(Stop.trouble)
    }
    if (end.state === 'halted') this.#job.halt(end.why)
    return end
  }

  async #result(ends: readonly TaskEnd[]): Promise<SliceResult> {
    for (const end of ends) {
      if (end.state === 'halted') throw new HaltedByItem(await this.#job.firstFailure.get())
      if (end.state === 'broken') {
        const { name = 'Error', why, stack } = end
        throw Object.assign(new Error(why), { name, ...(stack === undefined ? {} : { stack }) })
      }
      if (end.state === 'trouble') throw new ConnectionTrouble(end.side, end.code, end.why, end.retryAfterMs)
    }
    const { items, bytes } = this.beat()
    let failed = 0
    for (const end of ends) if ('failed' in end) failed += end.failed
    const counts = { items, failed, bytes }
    if (ends.some((end) => end.state === 'paused')) return { state: 'paused', ...counts }
    if (ends.some((end) => end.state === 'more')) return { state: 'more', ...counts }
    const waiting = ends.find((end) => end.state === 'waiting')
    if (waiting) {
      // What was done in this slice is committed; the failure is only how Temporal learns when to come back.
      throw new ItemsWaiting(waiting.items)
    }
    return { state: 'finished', ...counts }
  }
}
