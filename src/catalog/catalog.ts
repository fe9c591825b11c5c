import type { Reset } from '../job/reset.ts'
import type { Balance } from '../ledger/ledger.ts'
import type { StopCounts } from '../schedule/stop_policy.ts'
import type { ExecutionPhase, ExecutionStatus, JobStatus } from '../job/status.ts'

/** There is nothing of that id. */
export class NotInCatalog extends Error {
  override readonly name = 'NotInCatalog'
}

/**
 * Jobs, connections, maps, categories and executions: the truth that workflows follow. SQLite now, PostgreSQL later, so
 * everything is a promise. Ids are 32 lower-case hex characters except categories and executions.
 */
export interface Catalog {
  readonly jobs: Jobs
  readonly connections: Connections
  readonly maps: Maps
  readonly categories: Categories
  readonly executions: Executions
  readonly requests: ItemRequests
  readonly control: Controls
  readonly orders: Orders
  close(): Promise<void>
}

export interface Listed<T> {
  rows: T[]
  total: number
}

export interface Paging {
  offset: number
  limit: number
  /** Text the name contains, without regard to case; of executions, their sentence. */
  q?: string
}

export interface StoredJob {
  id: string
  name: string
  kind: 'transfer'
  /** As posted, unknown keys kept, defaults not filled in, inline connections and maps replaced by references. No secrets. */
  document: Record<string, unknown>
  status: JobStatus
  /** One sentence that says why the job is in this status; empty when the status says it all. */
  statusReason: string
  category: { id: number; name: string }
  disabled: boolean
  priority: number
  /** Cumulative; simulated and failed-to-start executions count for none. */
  counts: StopCounts
  lastExecution: number
  /** The last execution in the job's ledger, when that was found ahead of `lastExecution`; else 0. Numbers up to it are spent. */
  lastInLedger: number
  /** Unix seconds, as all times here; null when nothing is scheduled. */
  executeOn: number | null
  /** What the next execution begins without. */
  resets: readonly Reset[]
  createdOn: number
  modifiedOn: number
}

export interface Jobs {
  create(job: {
    name: string
    document: Record<string, unknown>
    categoryId: number
    status?: JobStatus
    priority?: number
    disabled?: boolean
  }): Promise<StoredJob>
  get(id: string): Promise<StoredJob | undefined>
  /** Oldest first. */
  list(paging: Paging & JobFilter): Promise<Listed<StoredJob>>
  update(
    id: string,
    change: Partial<
      Pick<
        StoredJob,
        | 'name'
        | 'document'
        | 'status'
        | 'statusReason'
        | 'counts'
        | 'lastExecution'
        | 'lastInLedger'
        | 'executeOn'
        | 'resets'
        | 'disabled'
        | 'priority'
      > & { categoryId: number }
    >,
  ): Promise<StoredJob>
  /** The newest job of exactly that name; names need not be unique. */
  findByName(name: string): Promise<StoredJob | undefined>
  /** All jobs of exactly that name, oldest first; none that is to be deleted. */
  named(name: string): Promise<StoredJob[]>
  /** With its executions, claims and orders; connections and maps stay. */
  delete(id: string): Promise<void>
  /**
   * Brake 10, two jobs writing one root: notes where an execution reads and writes, in place of what its job claimed before,
   * unless another job's claim is at, above or below one of the roots, and one of the two writes: then nothing changes and that
   * claim is the answer. Claims end with their execution (`executions.update` with `endedOn`) or by `releaseRoots`, not with a
   * process.
   */
  claimRoots(jobId: string, execution: number, roots: readonly RootToClaim[]): Promise<RootClaim | undefined>
  releaseRoots(jobId: string): Promise<void>
  /** A person asks for the execution that begins next. */
  expectPerson(jobId: string): Promise<void>
}

/** What holds of all jobs in a list. */
export interface JobFilter {
  /** One of these; none of none. */
  statuses?: readonly JobStatus[]
  kind?: string
  /** A name, without regard to case, or an id. */
  category?: string
  sourcePlatform?: string
  destinationPlatform?: string
  simulated?: boolean
}

/** A place that is read or written, as `Session.resolve` names it. */
export interface ClaimedRoot {
  place: string
  above: readonly string[]
}

export interface RootToClaim extends ClaimedRoot {
  writes: boolean
}

export interface RootClaim {
  jobId: string
  jobName: string
  execution: number
  place: string
  writes: boolean
  /** Which of the roots that were to be claimed it is in the way of. */
  inTheWayOf: RootToClaim
}

export interface StoredConnection {
  id: string
  name: string
  platform: string
  /** Without secrets. */
  auth: Record<string, unknown>
  disabled: boolean
  createdOn: number
  modifiedOn: number
}

export interface Connections {
  /** `secrets` are encrypted with the home's key and never come back except through `reveal`. */
  create(connection: {
    name: string
    platform: string
    auth: Record<string, unknown>
    secrets: Record<string, string>
    disabled?: boolean
  }): Promise<StoredConnection>
  get(id: string): Promise<StoredConnection | undefined>
  /** `secrets` take the place of all there were. @throws NotInCatalog */
  update(
    id: string,
    change: Pick<StoredConnection, 'name' | 'auth' | 'disabled'> & { secrets: Record<string, string> },
  ): Promise<StoredConnection>
  /** Those who refer to it lose it: see {@link Connections.users}. */
  delete(id: string): Promise<void>
  /** What refers to it: jobs by one of their sides, and maps. */
  users(id: string): Promise<User[]>
  list(paging: Paging & { platform?: string; disabled?: boolean }): Promise<Listed<StoredConnection>>
  /** `auth` with its secrets, for opening a session; never for an answer, a log or a workflow. */
  reveal(id: string): Promise<{ platform: string; auth: Record<string, unknown> } | undefined>
}

/** Who refers to something stored. */
export interface User {
  type: 'job' | MapType
  id: string
  name: string
}

export type MapType = 'account_map' | 'group_map'

export interface StoredMap {
  id: string
  type: MapType
  name: string
  /** The wire object (maps-filters-connections 3.2), as checked. */
  document: Record<string, unknown>
  createdOn: number
  modifiedOn: number
}

export interface Maps {
  create(map: { type: MapType; name: string; document: Record<string, unknown> }): Promise<StoredMap>
  get(type: MapType, id: string): Promise<StoredMap | undefined>
  /** @throws NotInCatalog */
  update(type: MapType, id: string, change: Pick<StoredMap, 'name' | 'document'>): Promise<StoredMap>
  delete(type: MapType, id: string): Promise<void>
  /** The jobs that refer to it. */
  users(type: MapType, id: string): Promise<User[]>
  list(type: MapType, paging: Paging): Promise<Listed<StoredMap>>
}

export interface Categories {
  /** Finds by name without regard to case, or makes it; no name is the default category, id -1. */
  named(name?: string): Promise<{ id: number; name: string }>
  get(id: number): Promise<{ id: number; name: string } | undefined>
}

export interface StoredExecution {
  jobId: string
  execution: number
  status: ExecutionStatus
  phase: ExecutionPhase
  simulated: boolean
  /** A person asked for it; else the job's schedule did. */
  byPerson: boolean
  startedOn: number
  endedOn: number | null
  sentence: string
  warnings: string[]
  balance: Balance | null
  /** While trouble is waited out: which, for people. As the worker said it last; one that died can't take it back. */
  waitingFor?: string
  /** The job's document as it was when this began; kept until its end. */
  document?: Record<string, unknown>
}

export interface Executions {
  /** Idempotent: the row of an execution begun before comes back as it is. */
  begin(jobId: string, execution: number, simulated: boolean): Promise<StoredExecution>
  /** Changes nothing of one that has ended. */
  update(
    jobId: string,
    execution: number,
    change: Partial<
      Pick<StoredExecution, 'status' | 'phase' | 'endedOn' | 'sentence' | 'warnings' | 'balance'> & {
        waitingFor: string | null
      }
    >,
  ): Promise<void>
  get(jobId: string, execution: number): Promise<StoredExecution | undefined>
  list(jobId: string, paging: Paging): Promise<Listed<StoredExecution>>
}

export type ItemRequest = 'retry' | 'ignore'

/** What people want done about items that failed, until the job's next execution heeds it. Items are the ids of its ledger. */
export interface ItemRequests {
  /** In place of what was asked about the same items before. @throws NotInCatalog */
  put(jobId: string, items: readonly number[], request: ItemRequest): Promise<void>
  of(jobId: string): Promise<ReadonlyMap<number, ItemRequest>>
  drop(jobId: string, items: Iterable<number>): Promise<void>
}

/** What a running slice obeys, polled by its supervisor. */
interface Control {
  paused: boolean
  /** The execution that is being cancelled: one that comes after it is not. */
  cancelled?: number
}

export interface Controls {
  read(jobId: string): Promise<Control>
  write(jobId: string, control: Control): Promise<void>
  /** An execution begins, maybe under the number of one that was cancelled and ended by force. */
  clearCancel(jobId: string): Promise<void>
}

/** In the order of their weight: of two for one job the heavier one stays. */
export const orderKinds = ['refresh', 'pause', 'cancel', 'delete'] as const

/** What whoever serves the home is to do about a job. */
export interface KeptOrder {
  jobId: string
  /** `refresh`: its settings were changed, and a workflow that waits by the former ones is to wait by these. */
  kind: (typeof orderKinds)[number]
  /** Why it was not done; whoever asked takes note and drops it. */
  refusal?: string
}

/** Orders for whoever serves the home next, or now; one for each job. */
export interface Orders {
  /** @throws NotInCatalog */
  keep(jobId: string, kind: KeptOrder['kind']): Promise<void>
  get(jobId: string): Promise<KeptOrder | undefined>
  /** Oldest first. */
  list(): Promise<KeptOrder[]>
  refuse(jobId: string, why: string): Promise<void>
  drop(jobId: string): Promise<void>
}
