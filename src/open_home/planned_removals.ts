import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import type { ShownPlan } from '../ledger/sqlite/planned_removals.ts'
import type { LedgerViews } from './ledger_views.ts'

/** What the execution under way is going to remove or overwrite; nothing when there is none, or nothing is to be. */
export async function plannedRemovals(
  { id, lastExecution }: StoredJob,
  { catalog, ledgers }: { catalog: Catalog; ledgers: LedgerViews },
): Promise<ShownPlan | undefined> {
  const last = await catalog.executions.get(id, lastExecution)
  if (!last || last.endedOn !== null || last.simulated) return undefined
  const plan = ledgers.open(id, 'real')?.plannedRemovals(lastExecution)
  return plan && plan.items + plan.replaced > 0 ? plan : undefined
}
