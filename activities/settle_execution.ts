import type { Catalog } from '../src/catalog/catalog.ts'
import { settleExecution as settle, type SettleInput } from '../src/client/settle_execution.ts'
import type { Settled } from '../workflows/messages.ts'

export function settleExecution(catalog: Catalog) {
  return (execution: SettleInput): Promise<Settled | undefined> => settle(catalog, execution)
}
