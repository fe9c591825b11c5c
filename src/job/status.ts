/** What a job or an execution is at, in the words of the wire. */

export type ExecutionPhase = 'pending' | 'initialize' | 'changes' | 'executing' | 'finalize' | 'complete'

/** Wire words of the reference (job-policies 25). */
export type ExecutionStatus =
  'running' | 'failing' | 'failed' | 'completed' | 'cancelled' | 'failed_to_start' | 'warn' | 'no_changes'

export type JobStatus =
  | 'idle'
  | 'start'
  | 'running'
  | 'paused'
  | 'cancelling'
  | 'complete'
  | 'failed'
  | 'failed-to-start'
  | 'success'
  | 'warn'
