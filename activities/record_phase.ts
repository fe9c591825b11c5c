import type { Catalog } from '../src/catalog/catalog.ts'
import type { ExecutionRef } from '../src/transfer/engine/engine.ts'
import type { ExecutionPhase } from '../src/job/status.ts'

export function recordPhase(catalog: Catalog) {
  return ({ jobId, execution, phase }: ExecutionRef & { phase: ExecutionPhase }): Promise<void> =>
    catalog.executions.update(jobId, execution, { phase })
}
