import type { DatabaseSync } from 'node:sqlite'
import type { Addresses } from './addresses.ts'
import type { AuditLog } from './audit_log.ts'
import type { Counters } from './counters.ts'
import type { CurrentExecution } from './current_execution.ts'
import type { Leases } from './leases.ts'
import type { Plans } from './plans.ts'
import type { Trials } from './trials.ts'
import type { WholeContainers } from './whole_containers.ts'

/** What the steps of the ledger share: one connection and what is remembered of it. */
export interface LedgerParts {
  db: DatabaseSync
  nowMs(): number
  /** The execution begun last. */
  current(): CurrentExecution
  counters: Counters
  addresses: Addresses
  leases: Leases
  plans: Plans
  trials: Trials
  audit: AuditLog
  wholes: WholeContainers
  /** An item, or a container, was flagged because it kept killing its holders: recorded, and told to whoever claims just now. */
  crashed(item: number, why: string): void
}
