import type { Catalog } from '../catalog/catalog.ts'
import type { JobCommands } from '../client/job_commands.ts'
import type { LedgerViews } from '../open_home/ledger_views.ts'

/** What the API needs from the rest of the house; small, so that tests can stand in for it. */
export interface ApiParts {
  catalog: Catalog
  commands: JobCommands
  ledgers: LedgerViews
  /** Done, or kept for whoever serves the home next. @throws Refused */
  deleteJob(jobId: string): Promise<'deleted' | 'kept'>
}
