import type { ExecutionPhase, ExecutionStatus, JobStatus } from '../src/job/status.ts'
import type { RunsOfDay } from '../src/schedule/next_run.ts'
import type { Schedule } from '../src/schedule/schedule.ts'
import type { StopCounts, StopLimits } from '../src/schedule/stop_policy.ts'

/**
 * What goes between clients, workflows and activities: ids, names and counts, and sentences about what went wrong, under 1 KB
 * each way. Nothing here carries a credential or an item; a sentence may name a path.
 */

export interface JobStart {
  jobId: string
  /** As the catalog had them when the workflow was started, or carried over continue-as-new. */
  facts: JobFacts
  options?: WorkflowOptions
}

/** What the job workflow needs of a stored job; who starts or commands it reads them from the catalog. */
export interface JobFacts {
  name: string
  category: string
  /** Platform ids. */
  source: string
  destination: string
  /** What people call the connections, where they do. */
  sourceName?: string
  destinationName?: string
  schedule: Schedule
  limits: StopLimits
  counts: StopCounts
  lastExecution: number
  /** The last execution began, and no end of it is recorded: it goes on under its number. */
  unfinished: boolean
  lastStartMs?: number
  lastEndMs?: number
  today?: RunsOfDay
  /** What the job is when nothing runs, by how its last execution ended. */
  rest: { status: JobStatus; sentence: string }
  paused: boolean
  disabled: boolean
  simulated: boolean
}

/** Tests make them small. */
export interface WorkflowOptions {
  /** How long a slice works before it answers. Default 20,000. */
  sliceMs?: number
  /** Events after which a run continues as new. Default 1,200, so that with what is in flight it stays under 1,500. */
  historyEvents?: number
  /** How long `pause` and `cancel` wait for what is in hand before they answer that it isn't over yet. Default 9,000. */
  answerMs?: number
  /** How long a job that has nothing to wait for but commands stays open. Default 600,000. */
  idleMs?: number
}

export interface ExecutionStart {
  jobId: string
  execution: number
  /** Which execution of what, for people; a new run of the workflow has no summary of its own in the Web UI. */
  summary: string
  /** Waits before it does anything. */
  paused: boolean
  /** Set by `max_execution`: the job workflow keeps the time, the execution only says so when it is over. */
  deadlineMs?: number
  options?: WorkflowOptions
  /** Carried over continue-as-new. */
  carried?: ExecutionCarried
}

export interface ExecutionCarried {
  initialized: Initialized
  phase: ExecutionPhase
  tally: Tally
  /** A person has said yes to what is removed, or need not. */
  approved?: true
  /** What the control row says. */
  controlPaused: boolean
}

/** Sums of what slices answered; rough while activities are retried, the ledger has the exact ones. */
export interface Tally {
  slices: number
  found: number
  transferred: number
  failed: number
  bytes: number
}

/** Answers of the job's updates. */
export interface Started {
  execution: number
}

export interface Paused {
  /** False when something was still in hand at the deadline; no new write starts all the same. */
  drained: boolean
  sentence: string
}

export interface Resumed {
  /** The execution that goes on; absent when the job only waits for its next run. */
  execution?: number
}

export interface Cancelled {
  /** False when it was still winding down at the deadline. */
  ended: boolean
  sentence: string
}

export interface Approved {
  sentence: string
}

/** How a job workflow closes. */
export interface JobOutcome {
  status: JobStatus
  sentence: string
  counts: StopCounts
}

/** What the query `state` of a job answers. */
export interface JobState {
  status: JobStatus
  sentence: string
  counts: StopCounts
  execution: number
  running: boolean
  nextRunMs?: number
}

/** What the query `progress` of an execution answers. */
export interface ExecutionState {
  phase: ExecutionPhase
  paused: boolean
  tally: Tally
  /** The trouble that is being waited out. */
  waitingFor?: string
  /** What waits for a person's yes. */
  approval?: Approval
}

/** What a job's row in the catalog is set to. */
export interface JobRecord {
  jobId: string
  status: JobStatus
  statusReason: string
  counts: StopCounts
  lastExecution: number
  nextRunMs: number | null
}

/** An execution whose workflow has closed: the catalog's row, ended in passing if nobody could. */
export interface Settled {
  facts: JobFacts
  status: ExecutionStatus
  sentence: string
  simulated: boolean
  failed: number
}

/** How an execution ended that could not write it down itself. */
export type Unrecorded = Pick<ExecutionOutcome, 'status' | 'sentence'>

/** What `initialize` answers: all that the workflow needs to know of the document. */
export interface Initialized {
  failurePolicy: 'continue' | 'halt'
  enumerateLanes: number
  /** Writers per transfer lane; its sum is `parallel_writes.requested`. */
  transferLanes: number[]
  taskQueue?: string
  /** Something may be removed there, once all else is done. */
  removes?: 'source' | 'destination' | 'both'
  /** Nothing is written before everything was looked at: what is there may be somebody else's. */
  looksFirst?: true
}

/** What waits to be removed. */
export interface PlannedRemovals {
  items: number
  /** Given when a person has to say yes to it first. */
  approval?: Approval
}

export interface Approval {
  /** Names the plan: another one has another. */
  hash: string
  sentence: string
}

export interface SliceInput {
  jobId: string
  execution: number
  lane: string
  /** Writers (transfer lanes) or readers (enumerate lanes) of this lane. */
  width: number
  sliceMs: number
}

export interface SliceResult {
  /** `more`: call again. `finished`: this lane has nothing left and nothing can come. `paused`: stopped by the control row. */
  state: 'more' | 'finished' | 'paused'
  items: number
  failed: number
  bytes: number
}

export interface ExecutionOutcome {
  status: ExecutionStatus
  /** One sentence for the Web UI and the report. */
  sentence: string
  found: number
  changed: number
  failed: number
  flagged: number
  /** Why items failed, the most frequent reasons first. */
  failures?: { reason: string; items: number }[]
}

/** What ended the phases: nothing (all done), or why not. */
export type EndedBy =
  | { kind: 'done' }
  | { kind: 'halted'; why: string }
  | { kind: 'cancelled'; why: string }
  | { kind: 'broken'; why: string }
  | { kind: 'failed_to_start'; why: string }
