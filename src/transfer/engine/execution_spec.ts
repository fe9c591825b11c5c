import type { Side } from '../../job/endpoint.ts'
import type { Settings } from '../../job/settings.ts'

/** Everything an I/O thread needs to work on one execution. Plain data; holds credentials, so it never leaves the process. */
export interface ExecutionSpec {
  jobId: string
  execution: number
  /** Decisions are recorded, nothing is written on either side. */
  simulated: boolean
  settings: Settings
  source: SideSpec
  destination: SideSpec
  /** Wire documents of the maps; absent: the default rules. */
  accountMap?: Record<string, unknown>
  groupMap?: Record<string, unknown>
  /** When the execution began: the clock of date filters, the same for every item and every retry. */
  nowNs: bigint
  /** Two modification times closer than this are not told apart (brake 9). */
  toleranceNs: bigint
  /** `async` when either side is: then many operations are under way in one thread. */
  io: 'blocking' | 'async'
  /** Writes in flight over all lanes and workers: what was asked for, as far as the process allows. */
  inFlight: number
  /** How far bandwidth is used, of all threads ({@link Pace}). */
  pace: SharedArrayBuffer
  limits: Limits
}

/** Tests make them small. */
export interface Limits {
  /** Up to this many entries a container is planned in memory; beyond, its listing is spooled to disk. */
  entriesInMemory: number
  /** An item's wait for its next try, times this. */
  patience: number
  /** How often it is looked whether the job was paused or cancelled. */
  controlMs: number
  /** I/O threads of a worker: how many calls that block may be under way in its process. */
  threads: number
  /** Trouble with a connection that passes sooner is waited for on the spot; what lasts longer is an outage. */
  patienceMs: number
}

/** How long a claim holds when nobody renews it, which is how long a dead worker's work is left alone. */
export const leaseMs = 20_000

export const limits: Limits = { entriesInMemory: 20_000, patience: 1, controlMs: 250, threads: 16, patienceMs: 30_000 }

export interface SideSpec {
  connectionId: string
  platform: string
  auth: Record<string, unknown>
  path: string
}

/** Under this the ledger remembers which folder a root was. */
export function rootKey(which: Side): string {
  return `root:${which}`
}

/** Remembered by the ledger when the destination root is of this job's making. */
export const rootMade = 'root:made'

/** Staging keys of a job begin with this; with the item and the lease's token they name a staging for good. */
export function stagingKey(jobId: string, item: number, token: number): string {
  return `${jobId.slice(0, 6)}-${item.toString(36)}-${token.toString(36)}`
}

/** What names of stagings of this job look like to a shell, where they are files. */
export function stagedNames(jobId: string): string {
  return `.~${jobId.slice(0, 6)}-*`
}

/** Whether a name is that of a staging of any job, or of what such a one has moved aside. */
export function isStagingName(name: string): boolean {
  return /^\.~[0-9a-z-]{6}-[0-9a-z]+-[0-9a-z]+(~|-old)?$/.test(name)
}

/** Whether a name is that of a staging of this job, or of what announces its name, where they are files; which item it was for. */
export function stagedItem(jobId: string, name: string): number | undefined {
  const item = new RegExp(`^\\.~${jobId.slice(0, 6)}-([0-9a-z]+)-[0-9a-z]+~?$`).exec(name)?.[1]
  return item === undefined ? undefined : parseInt(item, 36)
}
