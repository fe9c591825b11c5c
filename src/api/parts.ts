import type { Catalog } from '../catalog/catalog.ts'
import type { JobCommands } from '../stevedore.ts'
import type { LedgerViews } from '../ledger_views.ts'

/** What the API needs from the rest of the house; small, so that tests can stand in for it. */
export interface ApiParts {
  catalog: Catalog
  commands: JobCommands
  ledgers: LedgerViews
}
