import { executionWorkflowId, jobWorkflowId } from '../../workflows/names.ts'
import type { JobCommands } from '../client/job_commands.ts'
import type { Deleted } from '../client/keep_order.ts'
import type { Addresses, HeldBy } from '../home/lock.ts'

export interface ServeOptions {
  /** Carry jobs out in this process. */
  worker: boolean
  /** Where nobody serves the home, commands that make sense then are kept; else there is nobody to command. */
  keep?: boolean
  /** Listen for the REST API; with `worker` only if this process is the one that serves. */
  api?: {
    host: string
    port: number
    /** Whoever reaches it may use it: for a machine of one's own. Else each call shows the home's token. */
    withoutToken?: boolean
  }
  /** One line about what is being done, for a person who waits. */
  say(line: string): void
  /** Calls it off while it is still being started: nothing that was begun stays behind, and its reason is raised. */
  signal?: AbortSignal
}

/** A home that is being served. */
export interface Stevedore {
  readonly addresses: Addresses
  /** Of Temporal. */
  readonly namespace: string
  /** Of this home alone. */
  readonly taskQueue: string
  /** False: another process serves this home, and this one only sends it commands. */
  readonly serves: boolean
  /** That other process. */
  readonly holder?: HeldBy
  /** Whether the other process is still there; true when `serves`. */
  stillServed(): boolean
  /** Resolves when something that serves has ended by itself; never when all is well. */
  readonly broken: Promise<Error>
  readonly commands: JobCommands
  /** Nobody serves the home: commands are kept for whoever does next. */
  readonly keeps?: true
  /** See `deleteJob` (`src/client/keep_order.ts`). */
  deleteJob(jobId: string): Promise<Deleted>
  close(): Promise<void>
}

/** Where the Web UI shows a job, or one execution of it. */
export function webUiOf({ addresses, namespace }: Stevedore, jobId: string, execution?: number): string | undefined {
  if (addresses.ui === undefined) return undefined
  const workflow = execution === undefined ? jobWorkflowId(jobId) : executionWorkflowId(jobId, execution)
  return `${addresses.ui}/namespaces/${namespace}/workflows/${encodeURIComponent(workflow)}`
}
