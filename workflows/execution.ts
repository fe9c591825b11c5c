import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { boundaryActivities, catalogActivities, sliceActivities } from './activity_options.ts'
import { approve, drained, progress, setPaused, waitingFor } from './commands.ts'
import { Execution, type ExecutionPorts, type LaneKind } from './execution_run.ts'
import { endedBy, orThrow } from './how_it_ended.ts'
import type { ExecutionPhase } from '../src/job/status.ts'
import type { EndedBy, ExecutionOutcome, ExecutionStart } from './messages.ts'
import { executionDetails } from './progress_text.ts'
import { attributes } from './search_attributes.ts'

const defaultHistoryEvents = 1_200

/** One run of a job: phases, lanes, and an end that is always recorded and then told truthfully. */
export async function execution(start: ExecutionStart): Promise<ExecutionOutcome> {
  const lanes = new CancellationScope()
  const catalog = catalogActivities()
  const run: Execution = new Execution(start, hands(start, { lanes, catalog, run: () => run }))
  const control = new ControlRow(start, { run, lanes, catalog })
  setHandler(progress, () => run.state(), { description: 'The phase, whether it is paused, and counts so far.' })
  setHandler(
    setPaused,
    (paused) => {
      run.paused = paused
      show(start, run)
    },
    { description: 'From the job: begin nothing new, or go on. People pause the job instead.' },
  )
  setHandler(
    waitingFor,
    (why) => {
      run.waitingFor = why ?? undefined
      show(start, run)
    },
    { description: 'From its activities: the trouble that is being waited out, or that it is over.' },
  )

  setHandler(
    approve,
    (hash) => {
      const sentence = run.approve(hash)
      show(start, run)
      return { sentence }
    },
    {
      validator: (hash) => run.refuseToApprove(hash),
      description: 'Lets go what waits for it: its argument is the hash of the plan, as `progress` has it.',
    },
  )

  const keeping = control.follow()
  const ended = await lanes.run(() => run.throughPhases()).catch(endedBy)
  await control.leave(keeping)
  // A new run would know nothing of a cancel that this one was told of.
  if (ended === 'renew' && !CancellationScope.current().consideredCancelled) {
    await condition(allHandlersFinished)
    return continueAsNew<typeof execution>(run.carryOver(control.says))
  }
  await control.clear()
  const words = wordsFor(ended, run)
  return CancellationScope.nonCancellable(() => complete(start, run, words))
}

/** Always runs. Its outcome is rethrown unless it is good, so that the Web UI shows Completed, Failed or Cancelled truthfully. */
async function complete(start: ExecutionStart, run: Execution, ended: EndedBy): Promise<ExecutionOutcome> {
  const { jobId, execution } = start
  run.phase = 'complete'
  show(start, run)
  const outcome = await boundaryActivities('count and close').complete({ jobId, execution, ended })
  setCurrentDetails(executionDetails(start.summary, run.state(), outcome))
  upsertSearchAttributes([
    { key: attributes.phase, value: 'complete' },
    { key: attributes.status, value: outcome.status },
  ])
  // A cancelled workflow has no result, and its failure carries nothing: what came of it is in the memo.
  if (ended.kind === 'cancelled' && patched('outcome of a cancelled one in the memo')) upsertMemo({ outcome })
  await condition(allHandlersFinished)
  return orThrow(outcome, ended)
}

function wordsFor(ended: 'done' | 'renew' | EndedBy, run: Execution): EndedBy {
  if (ended === 'done') return { kind: 'done' }
  if (ended !== 'renew' && (!CancellationScope.current().consideredCancelled || ended.kind === 'halted')) return ended
  // A slice that could not end in peace after a cancel was cancelled all the same.
  return { kind: 'cancelled', why: run.isOverdue ? 'it took longer than schedule.max_execution' : 'on request' }
}

type Catalog = ReturnType<typeof catalogActivities>

interface HandParts {
  lanes: CancellationScope
  catalog: Catalog
  run(): Execution
}

function hands(start: ExecutionStart, { lanes, catalog, run }: HandParts): ExecutionPorts {
  const { jobId, execution } = start
  const full = start.options?.historyEvents ?? defaultHistoryEvents
  return {
    nowMs: () => Date.now(),
    initialize: () => boundaryActivities('open source and destination').initialize({ jobId, execution }),
    planRemovals: () => boundaryActivities('see what is to be removed').planRemovals({ jobId, execution }),
    slice: (kind, summary, input) => {
      const activities = sliceActivities(kind, summary, run().initialized!)
      return activities[patched('lanes in plain words') ? kind : formerName[kind]](input)
    },
    until: (wanted) => condition(wanted),
    sleep: (ms) => sleep(ms, { summary: 'nothing to do for the moment' }),
    historyIsFull: () => workflowInfo().historyLength >= full || workflowInfo().continueAsNewSuggested,
    enter: async (phase: ExecutionPhase) => {
      upsertSearchAttributes([{ key: attributes.phase, value: phase }])
      if (phase === 'executing' || phase === 'finalize') await catalog.recordPhase({ jobId, execution, phase })
    },
    // Also a mark in the history: a command sent to a worker that has just taken over would else be looked at before the plan is known.
    awaits: (person) =>
      upsertSearchAttributes([{ key: attributes.status, value: person ? 'awaiting-user' : 'running' }]),
    show: () => show(start, run()),
    stopLanes: () => lanes.cancel(),
    has: (change) => patched(change),
  }
}

/** What the activities were called by executions that are under way, begun by older code. */
const formerName = {
  enumerate: 'enumerateSlice',
  transfer: 'transferSlice',
  remove: 'remove',
  finalize: 'finalizeSlice',
} as const satisfies Record<LaneKind, string>

interface Controlled {
  run: Execution
  lanes: CancellationScope
  catalog: Catalog
}

/**
 * The row that running slices obey follows the pause flag, and says that the lanes are cancelled: they stop within moments, not
 * at their end, and not when Temporal tells them with the answer to their next heartbeat.
 */
class ControlRow {
  /** What it says: paused or not. */
  says: boolean
  readonly #start: ExecutionStart
  readonly #run: Execution
  readonly #lanes: CancellationScope
  readonly #catalog: Catalog
  #sawCancel = false
  #leaving = false

  constructor(start: ExecutionStart, { run, lanes, catalog }: Controlled) {
    this.#start = start
    this.#run = run
    this.#lanes = lanes
    this.#catalog = catalog
    this.says = start.carried?.controlPaused ?? start.paused
  }

  /** Also tells the job when a pause has taken effect. */
  async follow(): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      let told = false
      for (;;) {
        await condition(
          () => this.#leaving || this.#isCancelUnseen || this.says !== this.#run.paused || told !== this.#run.isDrained,
        )
        if (this.#leaving) return
        if (this.#isCancelUnseen) {
          this.#sawCancel = true
          if (patched('control row carries cancel')) await this.#write(this.#run.paused)
        }
        if (this.says !== this.#run.paused) await this.#write(this.#run.paused)
        told = this.#run.isDrained
        if (told) await this.#tellJob()
      }
    })
  }

  async leave(following: Promise<void>): Promise<void> {
    this.#leaving = true
    await following
  }

  /** No pause is left behind, unless the next run goes on under it. */
  async clear(): Promise<void> {
    if (this.says) await CancellationScope.nonCancellable(() => this.#write(false))
  }

  get #isCancelUnseen(): boolean {
    return !this.#sawCancel && this.#lanes.consideredCancelled
  }

  async #write(paused: boolean): Promise<void> {
    const { jobId, execution } = this.#start
    await this.#catalog.writeControl({ jobId, paused, ...(this.#sawCancel ? { cancelled: execution } : {}) })
    this.says = paused
  }

  async #tellJob(): Promise<void> {
    const { parent } = workflowInfo()
    if (!parent) return
    try {
      await getExternalWorkflowHandle(parent.workflowId).signal(drained, this.#start.execution)
    } catch (error) {
      // The job is gone or closing: nobody waits for the answer.
      if (isCancellation(error)) throw error
    }
  }
}

function show(start: ExecutionStart, run: Execution): void {
  setCurrentDetails(executionDetails(start.summary, run.state()))
}
