/** Commands to a job's workflow. Each answers when it is in effect, or raises `Refused`. */
export interface JobCommands {
  start(jobId: string): Promise<{ execution: number }>
  pause(jobId: string): Promise<unknown>
  resume(jobId: string): Promise<unknown>
  cancel(jobId: string): Promise<unknown>
  /** Lets go what the execution under way waits to remove, when it is the plan of this hash. */
  approve(jobId: string, hash: string): Promise<{ sentence: string }>
  /** Ends workflows of the job that can't go on, and goes on without them from what catalog and ledger say. */
  repair(jobId: string): Promise<unknown>
  /** Makes sure that a job which runs by itself does. */
  ensure(jobId: string): Promise<unknown>
  /** Why nothing the job's workflows are told has any effect, and the way out; nothing when they go on. Never raises. */
  stuck(jobId: string): Promise<string | undefined>
}

/** Those a person gives. */
export type JobCommand = 'start' | 'pause' | 'resume' | 'cancel' | 'repair'

/** A workflow of the job can't go on by itself; the message says why, and the way out. */
export class WorkflowStuck extends Error {
  override readonly name = 'WorkflowStuck'
}
