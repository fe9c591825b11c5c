import type { Engine, ExecutionRef } from '../src/transfer/engine/engine.ts'
import type { EndedBy, ExecutionOutcome } from '../workflows/messages.ts'
import type { Catalog } from '../src/catalog/catalog.ts'
import { beating } from './beat.ts'

const mostReasons = 5

export function complete(engine: Engine, catalog: Catalog) {
  return ({ ended, ...execution }: ExecutionRef & { ended: EndedBy }): Promise<ExecutionOutcome> =>
    beating(async () => {
      const outcome = await engine.complete(execution, ended)
      const failures = await reasonsOf(catalog, execution)
      return failures.length === 0 ? outcome : { ...outcome, failures }
    })
}

/** Why items failed, for people who look at the workflow alone. */
async function reasonsOf(catalog: Catalog, { jobId, execution }: ExecutionRef) {
  const { balance } = (await catalog.executions.get(jobId, execution)) ?? {}
  return (balance?.byReason ?? [])
    .filter(({ status }) => status === 'retry' || status === 'remediation')
    .sort((a, b) => b.items - a.items)
    .slice(0, mostReasons)
    .map(({ reason, items }) => ({ reason, items }))
}
