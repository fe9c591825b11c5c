import type { Catalog } from '../src/catalog/catalog.ts'
import { jobFacts } from '../src/client/job_facts.ts'
import type { Engine, ExecutionRef } from '../src/transfer/engine.ts'
import type { EndedBy, ExecutionOutcome } from '../workflows/messages.ts'
import { beating } from './beat.ts'

export function complete(engine: Engine, catalog: Catalog) {
  return ({ ended, ...execution }: ExecutionRef & { ended: EndedBy }): Promise<ExecutionOutcome> =>
    beating(async () => {
      // One that ended before its document could be read has no row to say so in.
      if (ended.kind !== 'done') await begin(catalog, execution)
      return engine.complete(execution, ended)
    })
}

async function begin(catalog: Catalog, { jobId, execution }: ExecutionRef): Promise<void> {
  if (await catalog.executions.get(jobId, execution)) return
  await catalog.executions.begin(jobId, execution, (await jobFacts(catalog, jobId)).simulated)
}
