import { nextRun, countRun } from '../src/schedule/next_run.ts'
import { countExecution, mostOf, stopPolicy } from '../src/schedule/stop_policy.ts'
import { stoppedFromOutside } from './names.ts'
import type { ExecutionStatus, JobStatus } from '../src/job/status.ts'
import type { JobFacts, JobRecord, JobStart, JobState, Settled } from './messages.ts'

/** One job between and during its executions: what it waits for, what it refuses, what its row in the catalog says. */
export class Job {
  readonly jobId: string
  readonly options: JobStart['options']
  facts: JobFacts
  /** The execution that is to begin, or has begun and not ended. */
  wanted: number | undefined
  isRunning = false
  isCancelling = false
  /** The running execution is paused, and nothing of it writes any more. */
  isDrained = false
  /** Somebody cancels its workflow from outside: what runs is ended, and nothing runs by itself until a person starts it. */
  isStopped = false
  /** For good; one sentence. */
  complete: string | undefined

  constructor({ jobId, facts, options }: JobStart) {
    this.jobId = jobId
    this.facts = facts
    this.options = options
    if (facts.unfinished) this.wanted = facts.lastExecution
  }

  get paused(): boolean {
    return this.facts.paused
  }

  set paused(paused: boolean) {
    this.facts = { ...this.facts, paused }
  }

  /**
   * What the catalog says now. Newer than what we have, except for what we counted ourselves; but a workflow that was reset has
   * forgotten executions that the catalog knows.
   */
  learn(facts: JobFacts): void {
    const { counts, lastExecution, lastStartMs, lastEndMs, today, paused, rest } = this.facts
    const hasForgotten = facts.lastExecution > lastExecution
    this.facts = {
      ...facts,
      paused,
      // Of one that is to be taken up.
      unfinished: this.wanted !== undefined && !this.isRunning && this.facts.unfinished,
      counts: mostOf(counts, facts.counts),
      lastExecution: Math.max(lastExecution, facts.lastExecution),
      ...(hasForgotten
        ? {}
        : {
            rest,
            ...(lastStartMs === undefined ? {} : { lastStartMs }),
            ...(lastEndMs === undefined ? {} : { lastEndMs }),
            ...(today === undefined ? {} : { today }),
          }),
    }
    if (this.wanted !== undefined || !hasForgotten || !facts.unfinished) return
    this.wanted = facts.lastExecution
    this.facts = { ...this.facts, unfinished: true }
  }

  /** Why no execution may begin, whatever the catalog says. Changes nothing: it is asked by a validator. */
  refusesToBegin(): string | undefined {
    const job = JSON.stringify(this.facts.name)
    if (this.wanted !== undefined) return `${job} is running (execution ${this.wanted}); wait for its end, or cancel it`
    if (this.isStopped) return `the workflow of ${job} is being cancelled`
    return this.paused ? `${job} is paused; resume it first` : undefined
  }

  /** Why no execution may be started now; nothing when one may. */
  refusesStart(nowMs: number): string | undefined {
    const job = JSON.stringify(this.facts.name)
    const busy = this.wanted === undefined ? undefined : this.refusesToBegin()
    if (busy !== undefined) return busy
    const over = this.isOver(nowMs)
    if (over !== undefined) return `${job} is complete: ${over}`
    return this.facts.disabled ? `${job} is disabled` : this.refusesToBegin()
  }

  refusesPause(): string | undefined {
    if (this.wanted !== undefined || this.paused || this.facts.schedule.mode === 'auto') return undefined
    return `${JSON.stringify(this.facts.name)} isn't running, and runs only when it is started: there is nothing to pause`
  }

  refusesResume(): string | undefined {
    return this.paused ? undefined : `${JSON.stringify(this.facts.name)} isn't paused`
  }

  refusesCancel(): string | undefined {
    return this.wanted === undefined ? `${JSON.stringify(this.facts.name)} isn't running` : undefined
  }

  /** The number of the execution that is to begin. */
  want(facts?: JobFacts): number {
    if (facts) this.learn(facts)
    this.wanted = this.facts.lastExecution + 1
    return this.wanted
  }

  /** Begins what is to begin. */
  takeUp(nowMs: number): void {
    if (this.wanted === undefined || this.isRunning) return
    const { schedule, today } = this.facts
    const goesOn = this.facts.unfinished
    this.isRunning = true
    this.isDrained = false
    this.facts = {
      ...this.facts,
      unfinished: false,
      lastExecution: this.wanted!,
      // One that goes on was counted when it began.
      ...(goesOn ? {} : { lastStartMs: nowMs, today: countRun(schedule, today, nowMs) }),
    }
  }

  /** Counts an execution that has closed, and sees whether it was the last. */
  end({ facts, ...ended }: Settled, nowMs: number): void {
    const { counts, lastExecution, lastStartMs, today, paused } = this.facts
    this.facts = {
      ...facts,
      // The catalog has it counted already if a run that is gone did.
      counts: mostOf(countExecution(counts, ended), facts.counts),
      lastExecution,
      lastEndMs: nowMs,
      unfinished: false,
      rest: atRest(facts, ended),
      // A pause is of the execution; only a job that would run again by itself stays paused.
      paused: paused && facts.schedule.mode === 'auto',
      ...(lastStartMs === undefined ? {} : { lastStartMs }),
      ...(today === undefined ? {} : { today }),
    }
    this.wanted = undefined
    this.isRunning = false
    this.isCancelling = false
    this.isDrained = false
    this.complete = this.isOver(nowMs)
  }

  /** Why the job never runs again; nothing while it may. */
  isOver(nowMs: number): string | undefined {
    const { limits, counts, schedule } = this.facts
    const verdict = stopPolicy(limits, counts)
    if (verdict.met) return verdict.sentence
    if (schedule.mode === 'auto' && nextRun(schedule, { ...this.#history(), nowMs }) === undefined) {
      return 'schedule.end_date leaves no further run'
    }
    return undefined
  }

  /** When the next scheduled run begins; while one runs, when it would if that ended now. */
  nextRunMs(nowMs: number): number | undefined {
    if (this.paused || this.isStopped || this.facts.disabled || this.complete !== undefined) return undefined
    return nextRun(this.facts.schedule, { ...this.#history(), nowMs })
  }

  record(nowMs: number): JobRecord {
    const { status, sentence, counts, execution, nextRunMs } = this.state(nowMs)
    const { jobId } = this
    return { jobId, status, statusReason: sentence, counts, lastExecution: execution, nextRunMs: nextRunMs ?? null }
  }

  state(nowMs: number): JobState {
    const { counts, lastExecution } = this.facts
    const next = this.isRunning ? undefined : this.nextRunMs(nowMs)
    return {
      ...this.#status(),
      counts,
      execution: lastExecution,
      running: this.isRunning,
      ...(next === undefined ? {} : { nextRunMs: next }),
    }
  }

  /** For a new run of the workflow, between two executions. */
  carryOver(): JobStart {
    return { jobId: this.jobId, facts: this.facts, ...(this.options ? { options: this.options } : {}) }
  }

  #status(): { status: JobStatus; sentence: string } {
    if (this.complete !== undefined) return { status: 'complete', sentence: this.complete }
    if (this.isCancelling) return { status: 'cancelling', sentence: 'what is in hand is finished first' }
    if (this.paused) return { status: 'paused', sentence: '' }
    if (this.isRunning) return { status: 'running', sentence: '' }
    const { rest, schedule } = this.facts
    return this.isStopped && schedule.mode === 'auto' ? { status: 'idle', sentence: stoppedFromOutside } : rest
  }

  #history() {
    const { lastStartMs, lastEndMs, today } = this.facts
    return {
      ...(lastStartMs === undefined ? {} : { lastStartMs }),
      ...(lastEndMs === undefined ? {} : { lastEndMs }),
      ...(today === undefined ? {} : { today }),
    }
  }
}

/** What a job is between executions, by how the last one ended. */
function atRest({ schedule }: JobFacts, ended: Omit<Settled, 'facts'>): JobFacts['rest'] {
  const status = restingStatus[ended.status]
  if (status !== 'idle') return { status, sentence: ended.sentence }
  return schedule.mode === 'ad-hoc' ? { status: 'complete', sentence: ended.sentence } : { status, sentence: '' }
}

const restingStatus: Record<ExecutionStatus, JobStatus> = {
  running: 'idle',
  completed: 'idle',
  no_changes: 'idle',
  cancelled: 'idle',
  warn: 'warn',
  failing: 'failed',
  failed: 'failed',
  failed_to_start: 'failed-to-start',
}
