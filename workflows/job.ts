import { CancelledFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { catalog } from './activity_options.ts'
import { Clock } from './clock.ts'
import { cancel, drained, pause, resume, setPaused, start as startUpdate, state } from './commands.ts'
import type { execution } from './execution.ts'
import { rootMessage, unrecordedEnd } from './how_it_ended.ts'
import { Job } from './job_run.ts'
import type { Cancelled, JobFacts, JobOutcome, JobStart, JobStatus, Paused, Resumed, Started } from './messages.ts'
import { executionWorkflowId, refused, unrecorded } from './names.ts'
import { executionIntro, jobDetails, jobSummary } from './progress_text.ts'
import { attributes } from './search_attributes.ts'

type Run = typeof execution

interface Child {
  scope: CancellationScope
  /** Once it has started. */
  handle?: ChildWorkflowHandle<Run>
}

const defaultHistoryEvents = 1_200
const defaultAnswerMs = 9_000

/** A job for its whole life: waits, starts its executions one after another, counts them, and is complete when its stop policy says so. */
export async function job(start: JobStart): Promise<JobOutcome> {
  const life = new JobLife(start)
  life.listen()
  return life.live()
}

class JobLife {
  readonly #job: Job
  readonly #full: number
  readonly #answerMs: number
  /** Holds what makes the job run again by itself. The stop policy cancels it. */
  readonly #schedule = new CancellationScope()
  readonly #clock = new Clock(this.#schedule)
  #child: Child | undefined
  #recording: Promise<void> = Promise.resolve()
  /** The last execution whose beginning is in the catalog. */
  #recorded = 0
  #shown: JobStatus | undefined
  #broken: unknown

  constructor(start: JobStart) {
    this.#job = new Job(start)
    this.#full = start.options?.historyEvents ?? defaultHistoryEvents
    this.#answerMs = start.options?.answerMs ?? defaultAnswerMs
  }

  listen(): void {
    const job = this.#job
    setHandler(state, () => job.state(Date.now()))
    setHandler(drained, (n) => {
      if (n === job.wanted) job.isDrained = job.paused
    })
    setHandler(startUpdate, (facts) => this.#startNow(facts), {
      validator: (facts) => refuse(job.refusesStart(facts, Date.now())),
    })
    setHandler(pause, () => this.#pause(), { validator: () => refuse(job.refusesPause()) })
    setHandler(resume, () => this.#resume(), { validator: () => refuse(job.refusesResume()) })
    setHandler(cancel, () => this.#cancel(), { validator: () => refuse(job.refusesCancel()) })
    CancellationScope.current().cancelRequested.catch(() => this.#child?.scope.cancel())
  }

  /** Until the stop policy ends the schedule, or somebody cancels the job's workflow. */
  async live(): Promise<JobOutcome> {
    const job = this.#job
    if (job.wanted === undefined) {
      job.complete = job.isOver(Date.now())
      if (job.complete !== undefined) this.#schedule.cancel()
      else if (job.nextRunMs(Date.now()) !== undefined) void this.#record()
    }
    try {
      await this.#schedule.run(() => this.#oneAfterAnother())
    } catch (error) {
      if (!isCancellation(error)) throw error
    }
    await CancellationScope.nonCancellable(async () => {
      await this.#record()
      await condition(allHandlersFinished)
    })
    if (this.#broken !== undefined) throw this.#broken
    const { status, sentence, counts } = job.state(Date.now())
    if (job.complete === undefined) throw new CancelledFailure(`cancelled; the job is ${status}`)
    return { status, sentence, counts }
  }

  async #oneAfterAnother(): Promise<never> {
    const job = this.#job
    for (;;) {
      this.#clock.set(job.nextRunMs(Date.now()))
      await condition(() => job.wanted !== undefined || (this.#clock.hasRung && !job.paused))
      if (job.wanted === undefined) await this.#becomeDue()
      if (job.wanted !== undefined) await CancellationScope.nonCancellable(() => this.#execute())
      if (workflowInfo().historyLength >= this.#full || workflowInfo().continueAsNewSuggested) await this.#renew()
    }
  }

  /** The catalog is asked again: document and limits may have changed since the clock was set. */
  async #becomeDue(): Promise<void> {
    const job = this.#job
    const facts = await catalog.loadJob(job.jobId)
    if (job.wanted !== undefined || job.paused) return
    job.learn(facts)
    const now = Date.now()
    job.complete = job.isOver(now)
    if (job.complete !== undefined) return this.#schedule.cancel()
    const due = job.nextRunMs(now)
    if (due !== undefined && due <= now) job.want()
  }

  /** One execution, from its beginning to its record. */
  async #execute(): Promise<void> {
    const job = this.#job
    const child: Child = { scope: new CancellationScope() }
    this.#child = child
    job.begin(Date.now())
    this.#clock.set(job.nextRunMs(Date.now()))
    void this.#record()
    const ended = await child.scope
      .run(() => this.#runChild(child))
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    this.#child = undefined
    const { jobId, wanted } = job
    const settled = await catalog.settleExecution({ jobId, execution: wanted!, unrecorded: unrecordedEnd(ended) })
    job.end(settled, Date.now())
    if (job.complete !== undefined) this.#schedule.cancel()
    await this.#record()
  }

  async #runChild(child: Child): Promise<void> {
    const { wanted, facts } = this.#job
    const { maxExecutionMs } = facts.schedule
    const deadlineMs = maxExecutionMs === undefined ? undefined : Date.now() + maxExecutionMs
    child.handle = await this.#startChild(wanted!, deadlineMs)
    const limit = new CancellationScope()
    if (deadlineMs !== undefined) {
      void limit
        .run(() => sleep(Math.max(1, deadlineMs - Date.now()), { summary: 'schedule.max_execution' }))
        .then(() => child.scope.cancel())
        .catch(() => undefined)
    }
    try {
      await child.handle.result()
    } finally {
      limit.cancel()
    }
  }

  /** Waits while an execution of that number, left by a job workflow that is gone, is still ending. */
  async #startChild(execution: number, deadlineMs: number | undefined): Promise<ChildWorkflowHandle<Run>> {
    const { jobId, facts, paused, options } = this.#job
    const { category, source, destination } = facts
    const summary = jobSummary(facts, execution)
    for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 30_000)) {
      try {
        return await startChild<Run>('execution', {
          workflowId: executionWorkflowId(jobId, execution),
          args: [
            {
              jobId,
              execution,
              summary,
              paused,
              ...(deadlineMs === undefined ? {} : { deadlineMs }),
              ...(options ? { options } : {}),
            },
          ],
          // An execution without its job could be neither paused nor counted.
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: 'WAIT_CANCELLATION_COMPLETED',
          staticSummary: summary,
          staticDetails: executionIntro(facts, jobId, execution),
          typedSearchAttributes: [
            { key: attributes.job, value: jobId },
            { key: attributes.status, value: 'running' },
            { key: attributes.phase, value: 'pending' },
            { key: attributes.category, value: category },
            { key: attributes.source, value: source },
            { key: attributes.destination, value: destination },
          ],
        })
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
        await sleep(waitMs)
        const { unfinished } = await catalog.loadJob(jobId)
        if (!unfinished) throw ApplicationFailure.nonRetryable('it ended without its job')
      }
    }
  }

  async #startNow(facts: JobFacts): Promise<Started> {
    const execution = this.#job.want(facts)
    await condition(() => this.#recorded >= execution || this.#broken !== undefined)
    this.#failIfBroken()
    return { execution }
  }

  /** What is not in the catalog has not happened, for whoever asks there. */
  #failIfBroken(): void {
    if (this.#broken === undefined) return
    throw ApplicationFailure.nonRetryable(rootMessage(this.#broken), unrecorded)
  }

  async #pause(): Promise<Paused> {
    const job = this.#job
    const running = job.wanted
    job.paused = true
    this.#clock.set(undefined)
    await Promise.all([this.#record(), this.#tellChild()])
    this.#failIfBroken()
    if (running === undefined) return { drained: true, sentence: 'paused: no run starts by itself' }
    await condition(() => job.isDrained || job.wanted !== running || !job.paused, this.#answerMs)
    if (job.wanted !== running) return { drained: true, sentence: `execution ${running} ended meanwhile` }
    if (!job.paused) return { drained: false, sentence: 'resumed meanwhile' }
    return job.isDrained
      ? { drained: true, sentence: `execution ${running} is paused; nothing is being written` }
      : { drained: false, sentence: `execution ${running} begins nothing new; what is in hand still goes on` }
  }

  async #resume(): Promise<Resumed> {
    const job = this.#job
    job.paused = false
    job.isDrained = false
    this.#clock.set(job.nextRunMs(Date.now()))
    await Promise.all([this.#record(), this.#tellChild()])
    this.#failIfBroken()
    return job.wanted === undefined ? {} : { execution: job.wanted }
  }

  async #cancel(): Promise<Cancelled> {
    const job = this.#job
    const running = job.wanted!
    job.isCancelling = true
    void this.#record()
    await condition(() => this.#child !== undefined || job.wanted !== running)
    if (job.wanted === running) this.#child?.scope.cancel()
    const ended = await condition(() => job.wanted !== running, this.#answerMs)
    return ended
      ? { ended, sentence: `execution ${running} has ended` }
      : { ended, sentence: `execution ${running} begins nothing new, and ends when what is in hand is finished` }
  }

  /** The execution is told what holds now, however often that changed on the way. */
  async #tellChild(): Promise<void> {
    const job = this.#job
    const running = job.wanted
    if (running === undefined) return
    await condition(() => this.#child?.handle !== undefined || job.wanted !== running)
    try {
      await this.#child?.handle?.signal(setPaused, job.paused)
    } catch {
      // It has ended in this moment: there is nothing left to pause or to resume.
    }
  }

  /** Catalog, search attributes and details say what is so now; one after another, so that the last one stays. */
  #record(): Promise<void> {
    const job = this.#job
    this.#recording = this.#recording.then(() =>
      CancellationScope.nonCancellable(async () => {
        const state = job.state(Date.now())
        const running = job.isRunning ? state.execution : 0
        setCurrentDetails(jobDetails(job.facts.name, state))
        if (state.status !== this.#shown) upsertSearchAttributes([{ key: attributes.status, value: state.status }])
        this.#shown = state.status
        try {
          await catalog.recordJob(job.record(Date.now()))
        } catch (error) {
          this.#broken = error
          this.#schedule.cancel()
          // Nobody would know of an execution that goes on.
          this.#child?.scope.cancel()
        }
        this.#recorded = Math.max(this.#recorded, running)
      }),
    )
    return this.#recording
  }

  /** Between executions only: a running one would not outlive it. */
  async #renew(): Promise<void> {
    await condition(() => allHandlersFinished() || this.#job.wanted !== undefined)
    if (this.#job.wanted === undefined) await continueAsNew<typeof job>(this.#job.carryOver())
  }
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw ApplicationFailure.nonRetryable(why, refused)
}
