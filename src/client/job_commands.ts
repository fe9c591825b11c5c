/** Commands to a job's workflow. Each answers when it is in effect, or raises `Refused`. */
export interface JobCommands {
  start(jobId: string): Promise<{ execution: number }>
  pause(jobId: string): Promise<unknown>
  resume(jobId: string): Promise<unknown>
  cancel(jobId: string): Promise<unknown>
  /** Makes sure that a job which runs by itself does. */
  ensure(jobId: string): Promise<unknown>
}
