import { ActivityFailure, CancelledFailure } from '@temporalio/common'
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { catalogActivities } from './activity_options.ts'
import { Alarm } from './alarm.ts'
import { ChildExecution } from './child_execution.ts'
import { rootMessage, unrecordedEnd } from './how_it_ended.ts'
import { Inbox, type Answer } from './inbox.ts'
import type { job as jobWorkflow } from './job.ts'
import { Job } from './job_run.ts'
import type { JobStatus } from '../src/job/status.ts'
import type { Cancelled, JobOutcome, JobStart, JobState, Paused, Resumed, Started, Unrecorded } from './messages.ts'
import { refused, unrecorded } from './names.ts'
import { jobDetails, jobSummary } from './progress_text.ts'
import { attributes } from './search_attributes.ts'
import { WaitingAnswers } from './waiting_answers.ts'

const defaultHistoryEvents = 1_200
const defaultAnswerMs = 9_000
const defaultIdleMs = 600_000
const mostBetweenLooksMs = 60_000

/**
 * A job's workflow as one actor. What happens is put into the inbox; the loop takes it out, lets the job's state change, writes
 * down what the state is now, and does what follows from it. Only the loop talks to the catalog, to Temporal, and to whoever
 * waits for an answer, so that all of it has one order, on replay too.
 */
export class JobLoop {
  readonly #job: Job
  readonly #options: NonNullable<JobStart['options']>
  readonly #catalog = catalogActivities()
  readonly #inbox = new Inbox()
  readonly #waiting = new WaitingAnswers()
  readonly #nextRun = new Alarm('next scheduled run', () => this.#put(() => this.#becomeDue()))
  readonly #longestRun = new Alarm('schedule.max_execution', () => this.#put(() => this.#becomeOverdue()))
  readonly #answerDue = new Alarm('an answer is due', () => this.#put(() => undefined))
  readonly #nextLook = new Alarm('look whether the execution has ended', () => this.#put(() => this.#look()))
  readonly #idle = new Alarm('close when nothing is wanted', () => this.#put(() => this.#becomeIdle()))
  #child: ChildExecution | undefined
  #deadlineMs: number | undefined
  #looks = 0
  #isIdle = false
  #isOverdue = false
  /** What the catalog was told last. */
  #recorded = ''
  /** The catalog can't be told any more: whoever waits hears of it, and the workflow fails. */
  #broken: Error | undefined
  #shown: JobStatus | undefined

  constructor(start: JobStart) {
    this.#job = new Job(start)
    this.#options = start.options ?? {}
    this.#show()
  }

  /** Until the stop policy ends it, somebody cancels its workflow, or nothing but a command could make it run. */
  async run(): Promise<JobOutcome> {
    try {
      // What it was started with may be old: it may have been reset.
      await this.#load()
      this.#job.takeUp(Date.now())
      for (;;) {
        await this.#follow()
        if (await this.#isOver()) return this.#outcome()
        if (await this.#isToRenew()) await continueAsNew<typeof jobWorkflow>(this.#job.carryOver())
        await this.#inbox.takeAll()
      }
    } catch (error) {
      if (isOfCatalog(error)) await this.#failAll(error)
      throw error
    }
  }

  state(): JobState {
    return this.#job.state(Date.now())
  }

  refuseStart(): void {
    refuse(this.#job.refusesToBegin())
  }

  refusePause(): void {
    refuse(this.#job.refusesPause())
  }

  refuseResume(): void {
    refuse(this.#job.refusesResume())
  }

  refuseCancel(): void {
    refuse(this.#job.refusesCancel())
  }

  start(): Promise<Started> {
    return this.#ask(async (answer) => {
      // Document and limits may have changed since.
      if (this.#job.refusesToBegin() === undefined) await this.#load()
      refuse(this.#job.refusesStart(Date.now()))
      const execution = this.#job.want()
      this.#job.takeUp(Date.now())
      this.#waiting.add(answer, { settled: () => ({ execution }) })
    })
  }

  pause(): Promise<Paused> {
    return this.#ask((answer) => {
      const job = this.#job
      refuse(job.refusesPause())
      const running = job.wanted
      job.paused = true
      this.#waiting.add(answer, {
        settled() {
          if (running === undefined) return { drained: true, sentence: 'paused: no run starts by itself' }
          if (job.wanted !== running) return { drained: true, sentence: `execution ${running} ended meanwhile` }
          if (!job.paused) return { drained: false, sentence: 'resumed meanwhile' }
          if (!job.isDrained) return undefined
          return { drained: true, sentence: `execution ${running} is paused; nothing is being written` }
        },
        late: this.#late(() => ({
          drained: false,
          sentence: `execution ${running} begins nothing new; what is in hand still goes on`,
        })),
      })
    })
  }

  resume(): Promise<Resumed> {
    return this.#ask((answer) => {
      const job = this.#job
      refuse(job.refusesResume())
      const running = job.wanted
      job.paused = false
      job.isDrained = false
      const resumed = running === undefined ? {} : { execution: running }
      this.#waiting.add(answer, {
        settled: () => (job.wanted !== running || (this.#child?.knows(job.paused) ?? true) ? resumed : undefined),
        late: this.#late(() => resumed),
      })
    })
  }

  cancel(): Promise<Cancelled> {
    return this.#ask((answer) => {
      const job = this.#job
      refuse(job.refusesCancel())
      const running = job.wanted
      job.isCancelling = true
      this.#waiting.add(answer, {
        settled: () =>
          job.wanted === running ? undefined : { ended: true, sentence: `execution ${running} has ended` },
        late: this.#late(() => ({
          ended: false,
          sentence: `execution ${running} begins nothing new, and ends when what is in hand is finished`,
        })),
      })
    })
  }

  drained(execution: number): void {
    this.#put(() => {
      if (execution === this.#job.wanted) this.#job.isDrained = this.#job.paused
    })
  }

  ended(execution: number, how?: Unrecorded): void {
    this.#put(() => this.#settle(execution, how))
  }

  /** Somebody cancels the workflow itself. */
  stop(): void {
    this.#put(() => {
      this.#job.isStopped = true
    })
  }

  #put(message: () => void | Promise<void>): void {
    this.#inbox.put(() => (this.#broken ? undefined : message()))
  }

  #ask<T>(message: (answer: Answer<T>) => void | Promise<void>): Promise<T> {
    return this.#inbox.ask<T>(async (answer) => {
      if (this.#broken) return answer.reject(this.#broken)
      try {
        await message(answer)
      } catch (error) {
        if (isOfCatalog(error)) answer.reject(notRecorded(error))
        if (!isRefusal(error)) throw error
        answer.reject(error)
      }
    })
  }

  #late<T>(answer: () => T): { byMs: number; answer(): T } {
    return { byMs: Date.now() + (this.#options.answerMs ?? defaultAnswerMs), answer }
  }

  /** The catalog is asked again: document and limits may have changed, and an execution have gone by that we don't know. */
  async #load(): Promise<void> {
    const job = this.#job
    job.learn(await this.#catalog.loadJob(job.jobId))
    if (job.wanted === undefined) job.complete = job.isOver(Date.now())
  }

  async #becomeDue(): Promise<void> {
    const job = this.#job
    if (job.refusesToBegin() !== undefined) return
    await this.#load()
    const now = Date.now()
    const due = job.nextRunMs(now)
    if (job.wanted === undefined && due !== undefined && due <= now) job.want()
    job.takeUp(now)
  }

  #becomeOverdue(): void {
    this.#isOverdue = true
  }

  #becomeIdle(): void {
    this.#isIdle = true
  }

  /** Of an adopted execution only the catalog tells. */
  async #look(): Promise<void> {
    if (!this.#child?.isAdopted) return
    await this.#settle(this.#child.execution)
    this.#nextLook.set(this.#child && Date.now() + Math.min(1_000 * 2 ** this.#looks++, mostBetweenLooksMs))
  }

  /** @param how what holds where no end is on record; absent when it may not have ended at all */
  async #settle(execution: number, how?: Unrecorded): Promise<void> {
    const job = this.#job
    if (execution !== job.wanted) return
    const { jobId } = job
    const settled = await this.#catalog.settleExecution({ jobId, execution, ...(how ? { unrecorded: how } : {}) })
    if (!settled) return
    job.end(settled, Date.now())
    this.#child = undefined
    this.#nextLook.set(undefined)
    this.#isOverdue = false
    this.#looks = 0
  }

  /** What is so now is written down, and what follows from it is done. */
  async #follow(): Promise<void> {
    await this.#record()
    const job = this.#job
    const now = Date.now()
    if (job.wanted !== undefined) this.#child ??= this.#begin(job.wanted)
    this.#child?.follow({
      paused: job.paused,
      isCancelling: job.isCancelling || job.isStopped || this.#isOverdue,
    })
    this.#waiting.look(now)
    this.#answerDue.set(this.#waiting.nextDueMs)
    const next = job.isRunning ? undefined : job.nextRunMs(now)
    this.#nextRun.set(next)
    this.#longestRun.set(job.isRunning && !this.#isOverdue ? this.#deadlineMs : undefined)
    if (job.isRunning || next !== undefined) this.#isIdle = false
    const waitsForNothing =
      !job.isRunning && next === undefined && job.complete === undefined && !job.isStopped && !this.#isIdle
    if (!waitsForNothing) this.#idle.set(undefined)
    else if (!this.#idle.isSet) this.#idle.set(now + (this.#options.idleMs ?? defaultIdleMs))
  }

  #begin(execution: number): ChildExecution {
    const { jobId, facts, paused, options } = this.#job
    const { maxExecutionMs } = facts.schedule
    this.#deadlineMs = maxExecutionMs === undefined ? undefined : Date.now() + maxExecutionMs
    const start = {
      jobId,
      execution,
      summary: jobSummary(facts, execution),
      paused,
      ...(this.#deadlineMs === undefined ? {} : { deadlineMs: this.#deadlineMs }),
      ...(options ? { options } : {}),
    }
    return new ChildExecution(start, facts, {
      onStarted: () => this.#put(() => undefined),
      onTold: () => this.#put(() => undefined),
      onAdopted: () => this.#put(() => this.#look()),
      onClosed: (error) => this.#put(() => this.#settle(execution, unrecordedEnd(error))),
    })
  }

  /** Catalog, search attribute and details say what is so now. */
  async #record(): Promise<void> {
    this.#show()
    const record = this.#job.record(Date.now())
    if (record.status !== this.#shown) upsertSearchAttributes([{ key: attributes.status, value: record.status }])
    this.#shown = record.status
    const text = JSON.stringify(record)
    if (text === this.#recorded) return
    await this.#catalog.recordJob(record)
    this.#recorded = text
  }

  #show(): void {
    setCurrentDetails(jobDetails(this.#job.facts.name, this.state()))
  }

  /** Nobody waits, nothing runs, and only a new run of this workflow could change that. */
  async #isOver(): Promise<boolean> {
    const { wanted, complete, isStopped } = this.#job
    if (wanted !== undefined || (complete === undefined && !isStopped && !this.#isIdle)) return false
    return this.#isQuiet()
  }

  /** An execution of this run would not outlive it; one that was adopted does, and is adopted again. */
  async #isToRenew(): Promise<boolean> {
    const { historyLength, continueAsNewSuggested } = workflowInfo()
    const isLong = historyLength >= (this.#options.historyEvents ?? defaultHistoryEvents) || continueAsNewSuggested
    if (!isLong || (this.#child && !this.#child.isAdopted)) return false
    return this.#isQuiet()
  }

  async #isQuiet(): Promise<boolean> {
    if (!this.#waiting.isEmpty) return false
    await condition(() => allHandlersFinished() || !this.#inbox.isEmpty)
    return this.#inbox.isEmpty
  }

  #outcome(): JobOutcome {
    const { status, sentence, counts } = this.state()
    this.#show()
    if (this.#job.isStopped && this.#job.complete === undefined)
      throw new CancelledFailure(`cancelled; the job is ${status}`)
    return { status, sentence, counts }
  }

  /** What is not in the catalog has not happened, for whoever asks there. */
  async #failAll(error: Error): Promise<void> {
    this.#broken = notRecorded(error)
    this.#waiting.rejectAll(this.#broken)
    for (;;) {
      await condition(() => allHandlersFinished() || !this.#inbox.isEmpty)
      if (this.#inbox.isEmpty) return
      await this.#inbox.takeAll()
    }
  }
}

function notRecorded(error: Error): ApplicationFailure {
  return ApplicationFailure.nonRetryable(rootMessage(error), unrecorded)
}

/** Of a local activity, which will not go better when it is tried again. */
function isOfCatalog(error: unknown): error is Error {
  return error instanceof ActivityFailure || (error instanceof ApplicationFailure && !isRefusal(error))
}

function isRefusal(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.type === refused
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw ApplicationFailure.nonRetryable(why, refused)
}
