import type { Catalog, StoredExecution } from '../src/catalog/catalog.ts'
import { jobFacts } from '../src/client/job_facts.ts'
import type { ExecutionRef } from '../src/transfer/engine.ts'
import type { ExecutionOutcome, Settled } from '../workflows/messages.ts'

interface SettleInput extends ExecutionRef {
  /** What its workflow closed as; holds when no end was recorded. */
  unrecorded: Pick<ExecutionOutcome, 'status' | 'sentence'>
}

/**
 * How an execution ended, by the catalog, which is the truth: `complete` wrote it there. One that was terminated from
 * outside has no end there, and gets it here; it keeps the phase it came to.
 */
export function settleExecution(catalog: Catalog) {
  return async ({ jobId, execution, unrecorded }: SettleInput): Promise<Settled> => {
    const facts = await jobFacts(catalog, jobId)
    const run = await catalog.executions.get(jobId, execution)
    if (!run) return { facts, ...unrecorded, simulated: facts.simulated, failed: 0 }
    if (run.endedOn === null) {
      await catalog.executions.update(jobId, execution, {
        ...unrecorded,
        endedOn: Date.now() / 1_000,
      })
      return { facts, ...unrecorded, simulated: run.simulated, failed: failedItems(run) }
    }
    const { status, sentence, simulated } = run
    return { facts, status, sentence, simulated, failed: failedItems(run) }
  }
}

function failedItems({ balance }: StoredExecution): number {
  return balance ? balance.byStatus.retry.items + balance.byStatus.remediation.items : 0
}
