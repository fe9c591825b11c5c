import type {
  EndedBy,
  ExecutionOutcome,
  Initialized,
  PlannedRemovals,
  SliceInput,
  SliceResult,
} from '../../../workflows/messages.ts'

/** What no activity calls: whoever serves the home does it. */
export interface JobRemoval {
  /** @throws see `removeJob` */
  removeJob(jobId: string): Promise<void>
}

/**
 * What activities call: it owns the threads (one per open ledger, several for I/O) and knows nothing of Temporal.
 * Every call may be repeated after a death at any line of the one before.
 */
export interface Engine {
  /**
   * Loads document, maps and connections, opens the ledger, checks settings, roots and overlap, begins the execution.
   * @throws FailedToStart with every reason found; ConnectionTrouble when trying again may help
   */
  initialize(job: ExecutionRef): Promise<Initialized>
  enumerate(slice: SliceInput, run: SliceRun): Promise<SliceResult>
  /** @throws ItemsWaiting when only items with a later `not_before` are left; HaltedByItem under `failure_policy: halt` */
  transfer(slice: SliceInput, run: SliceRun): Promise<SliceResult>
  finalize(slice: SliceInput, run: SliceRun): Promise<SliceResult>
  /** What is to be removed once all else is done, and whether a person has to approve of it first. */
  planRemovals(job: ExecutionRef): Promise<PlannedRemovals>
  remove(slice: SliceInput, run: SliceRun): Promise<SliceResult>
  /** Counts that balance, stored with the execution. Never throws for what the job's data are like. */
  complete(job: ExecutionRef, ended: EndedBy): Promise<ExecutionOutcome>
  /** Stops taking work, lets items in hand finish and commits, then ends every thread. */
  close(): Promise<void>
}

export interface ExecutionRef {
  jobId: string
  execution: number
}

export interface SliceRun {
  /** Cancelled by Temporal, or the worker is shutting down: items in hand finish and commit, then the slice rejects with the reason. */
  signal: AbortSignal
  /** Called at least every second while the slice lives, whatever the I/O threads are doing. */
  onBeat(beat: Beat): void
}

export interface Beat {
  items: number
  bytes: number
  /** The path last worked on; shown in the Web UI. */
  inHand?: string
}
