import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Engine, ExecutionRef, SliceRun } from '../../src/transfer/engine/engine.ts'
import { HaltedByItem } from '../../src/transfer/engine/errors.ts'
import type {
  EndedBy,
  ExecutionOutcome,
  Initialized,
  PlannedRemovals,
  SliceInput,
  SliceResult,
} from '../../workflows/messages.ts'

/** How one job behaves; what is left out goes well. */
export interface Script {
  /** Items to transfer in each execution; 3 unless said. */
  items?: number
  /** How long one item takes. */
  itemMs?: number
  initialized?: Partial<Initialized>
  /** Raised by `initialize`; nothing ends it well. */
  initialize?(call: number): Error | undefined
  /** Raised in place of an item's end, the n-th of the execution, from 1. */
  item?(n: number, execution: number): Error | undefined
  /** Raised by the n-th call of `transfer` of an execution, before anything is done. */
  transfer?(call: number, execution: number): Error | undefined
  /** Raised by the n-th call of `enumerate`, perhaps after a while. */
  enumerate?(call: number): Promise<Error | undefined>
  /** Items found only after so many slices of enumeration. */
  enumerateSlices?: number
  /** How long closing the books takes. */
  completeMs?: number
  simulated?: boolean
  /** What waits to be removed. */
  planned?: PlannedRemovals
  /** How the execution ended, when it ended by itself. */
  status?: ExecutionOutcome['status'] | ((execution: number) => ExecutionOutcome['status'])
}

interface Write {
  job: string
  execution: number
  lane: string
  atMs: number
}

interface Progress {
  left: number
  done: number
  failed: number
  lists: number
  enumerations: number
  transfers: number
  initializes: number
  /** Why, as the real engine knows of the first failure in any lane. */
  halted: string | undefined
}

/**
 * An engine whose platforms are counters. It keeps what the real one promises to workflows: it obeys the control row and the
 * signal between items, waits inside a slice for what may still come, and writes the execution's row.
 */
export class FakeEngine implements Engine {
  readonly writes: Write[] = []
  readonly slices: SliceInput[] = []
  readonly ended: (ExecutionRef & { ended: EndedBy })[] = []
  readonly #catalog: Catalog
  readonly #scripts = new Map<string, Script>()
  readonly #progress = new Map<string, Progress>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  play(jobId: string, script: Script): void {
    this.#scripts.set(jobId, script)
  }

  writesOf(job: string, execution = 1): Write[] {
    return this.writes.filter((write) => write.job === job && write.execution === execution)
  }

  async initialize(ref: ExecutionRef): Promise<Initialized> {
    await this.#catalog.control.clearCancel(ref.jobId)
    const script = this.#script(ref)
    const progress = this.#of(ref)
    const error = script.initialize?.(++progress.initializes)
    if (error) throw error
    await this.#catalog.executions.begin(ref.jobId, ref.execution, script.simulated ?? false)
    await this.#catalog.executions.update(ref.jobId, ref.execution, { phase: 'changes' })
    return {
      failurePolicy: 'continue',
      enumerateLanes: 2,
      transferLanes: [1, 1],
      ...script.initialized,
    }
  }

  async enumerate(slice: SliceInput, run: SliceRun): Promise<SliceResult> {
    this.slices.push(slice)
    run.onBeat({ items: 0, bytes: 0 })
    const progress = this.#of(slice)
    const { enumerateSlices = 1, items = 3, enumerate } = this.#script(slice)
    const error = await enumerate?.(++progress.lists)
    if (error) throw error
    const stopped = await this.#stopped(slice)
    if (stopped) return answer(stopped, 0)
    if (progress.enumerations >= enumerateSlices) return answer('finished', 0)
    progress.enumerations += 1
    const last = progress.enumerations === enumerateSlices
    return answer(last ? 'finished' : 'more', last ? items : 1)
  }

  async transfer(slice: SliceInput, run: SliceRun): Promise<SliceResult> {
    this.slices.push(slice)
    const script = this.#script(slice)
    const progress = this.#of(slice)
    const until = Date.now() + slice.sliceMs
    const error = script.transfer?.(++progress.transfers, slice.execution)
    if (error) throw error
    let items = 0
    for (;;) {
      run.onBeat({ items, bytes: items * 1_000, inHand: `folder/item ${progress.done}` })
      run.signal.throwIfAborted()
      if (progress.halted !== undefined) throw new HaltedByItem(progress.halted)
      const stopped = await this.#stopped(slice)
      if (stopped) return answer(stopped, items)
      if (Date.now() >= until) return answer('more', items)
      const enumerated = progress.enumerations >= (script.enumerateSlices ?? 1)
      if (progress.left === 0 && enumerated) return answer('finished', items)
      if (progress.left === 0) {
        await sleep(10)
        continue
      }
      progress.left -= 1
      const failure = script.item?.(++progress.done, slice.execution)
      if (failure?.name === 'HaltedByItem') progress.halted ??= failure.message
      if (failure) throw failure
      if (script.itemMs) await sleep(script.itemMs)
      this.writes.push({ job: slice.jobId, execution: slice.execution, lane: slice.lane, atMs: Date.now() })
      items += 1
    }
  }

  async planRemovals(ref: ExecutionRef): Promise<PlannedRemovals> {
    return this.#script(ref).planned ?? { items: 0 }
  }

  async remove(slice: SliceInput, run: SliceRun): Promise<SliceResult> {
    this.slices.push(slice)
    run.onBeat({ items: 0, bytes: 0 })
    return answer('finished', this.#script(slice).planned?.items ?? 0)
  }

  async finalize(slice: SliceInput, run: SliceRun): Promise<SliceResult> {
    this.slices.push(slice)
    run.onBeat({ items: 0, bytes: 0 })
    return answer((await this.#stopped(slice)) ?? 'finished', 0)
  }

  async complete(ref: ExecutionRef, ended: EndedBy): Promise<ExecutionOutcome> {
    this.ended.push({ ...ref, ended })
    const { status = 'completed', completeMs = 0 } = this.#script(ref)
    await sleep(completeMs)
    const statuses = {
      done: typeof status === 'function' ? status(ref.execution) : status,
      halted: 'failed',
      broken: 'failed',
      cancelled: 'cancelled',
      failed_to_start: 'failed_to_start',
    } as const
    const outcome: ExecutionOutcome = {
      status: statuses[ended.kind],
      sentence: ended.kind === 'done' ? 'all carried out' : `${ended.kind}: ${ended.why}`,
      found: this.#script(ref).items ?? 3,
      changed: this.writesOf(ref.jobId, ref.execution).length,
      failed: 0,
      flagged: 0,
    }
    await this.#catalog.executions.begin(ref.jobId, ref.execution, this.#script(ref).simulated ?? false)
    const { status: stored, sentence } = outcome
    const endedOn = Date.now() / 1_000
    await this.#catalog.executions.update(ref.jobId, ref.execution, {
      status: stored,
      sentence,
      phase: 'complete',
      endedOn,
    })
    return outcome
  }

  async close(): Promise<void> {}

  /** As the control row says. */
  async #stopped({ jobId, execution }: ExecutionRef): Promise<'paused' | 'more' | undefined> {
    const { paused, cancelled } = await this.#catalog.control.read(jobId)
    if (cancelled === execution) return 'more'
    return paused ? 'paused' : undefined
  }

  #script({ jobId }: ExecutionRef): Script {
    return this.#scripts.get(jobId) ?? {}
  }

  #of(ref: ExecutionRef): Progress {
    const key = `${ref.jobId}/${ref.execution}`
    const known = this.#progress.get(key)
    if (known) return known
    const left = this.#script(ref).items ?? 3
    const made = {
      left,
      done: 0,
      failed: 0,
      lists: 0,
      enumerations: 0,
      transfers: 0,
      initializes: 0,
      halted: undefined,
    }
    this.#progress.set(key, made)
    return made
  }
}

function answer(state: SliceResult['state'], items: number): SliceResult {
  return { state, items, failed: 0, bytes: items * 1_000 }
}
