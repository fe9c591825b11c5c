import type { DatabaseSync } from 'node:sqlite'
import type { Addresses } from './addresses.ts'
import type { AuditLog } from './audit_log.ts'
import type { Containers } from './containers.ts'
import type { Counters } from './counters.ts'
import type { Leases } from './leases.ts'
import type { Trials } from './trials.ts'
import type { WholeContainers } from './whole_containers.ts'

export interface CurrentExecution {
  n: number
  auditLevel: number
  tries: number
  maxRetry: number
  lazyContainers: boolean
  /** Unix milliseconds; null until then. */
  endedMs: number | null
}

/** What the steps of the ledger share: one connection and what is remembered of it. */
export interface LedgerParts {
  db: DatabaseSync
  nowMs(): number
  /** The execution begun last. */
  current(): CurrentExecution
  counters: Counters
  addresses: Addresses
  leases: Leases
  trials: Trials
  audit: AuditLog
  containers: Containers
  wholes: WholeContainers
  /** An item, or a container, was flagged because it kept killing its holders: recorded, and told to whoever claims just now. */
  crashed(item: number, why: string): void
}
