import { Context } from '@temporalio/activity'
import type { Catalog } from '../src/catalog/catalog.ts'
import { tellExecution } from '../src/client/tell_execution.ts'
import type { Engine, ExecutionRef, SliceRun } from '../src/transfer/engine/engine.ts'
import type { SliceInput, SliceResult } from '../workflows/messages.ts'
import { whyItWaits } from './interceptor.ts'

type Phase = 'initialize' | 'enumerate' | 'transfer' | 'approval' | 'remove' | 'finalize'
type SliceWork = (input: SliceInput, run: SliceRun) => Promise<SliceResult>

/**
 * The engine, with what its executions wait for told in the catalog, where `run`, `job show` and the API look: while trouble
 * is waited out nothing else moves that they could see.
 */
export function tellingWhatItWaitsFor(engine: Engine, catalog: Catalog): Engine {
  const waiting = new Waiting(catalog)
  const slice =
    (phase: Phase, work: SliceWork): SliceWork =>
    (input, run) =>
      waiting.during(input, phase, async (over) => {
        // What waited for a person's yes has had it.
        if (phase === 'transfer' || phase === 'remove') await waiting.tell(input, 'approval', undefined)
        const onBeat: SliceRun['onBeat'] = (beat) => {
          if (beat.items > 0 || beat.bytes > 0) void over()
          run.onBeat(beat)
        }
        const result = await work(input, { ...run, onBeat })
        // One that found nothing to do has not learnt whether the trouble of its neighbours is over.
        if (result.state !== 'more' || result.items > 0 || result.bytes > 0) await over()
        return result
      })
  return {
    initialize: (ref) =>
      waiting.during(ref, 'initialize', async (over) => {
        const initialized = await engine.initialize(ref)
        await over()
        return initialized
      }),
    enumerate: slice('enumerate', (input, run) => engine.enumerate(input, run)),
    transfer: slice('transfer', (input, run) => engine.transfer(input, run)),
    planRemovals: async (ref) => {
      const planned = await engine.planRemovals(ref)
      await waiting.tell(ref, 'approval', planned.approval?.sentence)
      return planned
    },
    remove: slice('remove', (input, run) => engine.remove(input, run)),
    finalize: slice('finalize', (input, run) => engine.finalize(input, run)),
    complete: async (ref, ended) => {
      waiting.forget(ref)
      return engine.complete(ref, ended)
    },
    close: () => engine.close(),
  }
}

class Waiting {
  readonly #catalog: Catalog
  /** By execution and phase. That folders can be looked at does not say that files can be written. */
  readonly #why = new Map<string, Map<Phase, string>>()
  /** What the catalog says of an execution; a worker that died may have left something there. */
  readonly #told = new Map<string, string | undefined>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  /** @param work is given what to call once it is under way again */
  async during<T>(ref: ExecutionRef, phase: Phase, work: (over: () => Promise<void>) => Promise<T>): Promise<T> {
    try {
      return await work(() => this.tell(ref, phase, undefined))
    } catch (error) {
      const why = whyItWaits(error)
      if (why !== undefined) await this.tell(ref, phase, why)
      throw error
    }
  }

  forget(ref: ExecutionRef): void {
    this.#why.delete(keyOf(ref))
    this.#told.delete(keyOf(ref))
  }

  /** A catalog that can't be written now is asked again with the next beat or failure. */
  async tell(ref: ExecutionRef, phase: Phase, why: string | undefined): Promise<void> {
    const phases = this.#why.get(keyOf(ref)) ?? new Map<Phase, string>()
    this.#why.set(keyOf(ref), phases)
    if (why === undefined) phases.delete(phase)
    else phases.set(phase, why)
    await this.#tell(ref).catch(() => this.#told.delete(keyOf(ref)))
  }

  async #tell(ref: ExecutionRef): Promise<void> {
    const { jobId, execution } = ref
    const key = keyOf(ref)
    if (!this.#told.has(key)) this.#told.set(key, (await this.#catalog.executions.get(jobId, execution))?.waitingFor)
    const [first] = this.#why.get(key)?.values() ?? []
    if (this.#told.get(key) === first) return
    this.#told.set(key, first)
    await this.#catalog.executions.update(jobId, execution, { waitingFor: first ?? null })
    await tellItsWorkflow(ref, first)
  }
}

/** For the details in the Web UI. Not told, it is in the catalog all the same. */
async function tellItsWorkflow(ref: ExecutionRef, why: string | undefined): Promise<void> {
  try {
    await tellExecution(Context.current().client.workflow, ref, why)
  } catch {
    // It has ended, or there is no server now.
  }
}

function keyOf({ jobId, execution }: ExecutionRef): string {
  return `${jobId}/${execution}`
}
