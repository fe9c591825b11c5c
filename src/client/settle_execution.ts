import type { Catalog, StoredExecution } from '../catalog/catalog.ts'
import { Job } from '../../workflows/job_run.ts'
import type { Settled, Unrecorded } from '../../workflows/messages.ts'
import { jobFacts } from './job_facts.ts'
import { recordJob } from './record_job.ts'

export interface SettleInput {
  jobId: string
  execution: number
  /** What its workflow closed as; holds when no end was recorded. Absent where nobody knows that it has closed. */
  unrecorded?: Unrecorded
}

/**
 * How an execution ended, by the catalog, which is the truth: `complete` wrote it there. One that was terminated from
 * outside has no end there, and gets it here; it keeps the phase it came to.
 *
 * @returns nothing when it has not ended, for all that is known
 */
export async function settleExecution(catalog: Catalog, settle: SettleInput): Promise<Settled | undefined> {
  const { jobId, execution, unrecorded } = settle
  const facts = await jobFacts(catalog, jobId)
  const run = await catalog.executions.get(jobId, execution)
  if (!run) return unrecorded && { facts, ...unrecorded, simulated: facts.simulated, failed: 0 }
  if (run.endedOn === null) {
    if (!unrecorded) return undefined
    await catalog.executions.update(jobId, execution, {
      ...unrecorded,
      endedOn: Date.now() / 1_000,
    })
    return { facts, ...unrecorded, simulated: run.simulated, failed: failedItems(run) }
  }
  const { status, sentence, simulated } = run
  return { facts, status, sentence, simulated, failed: failedItems(run) }
}

function failedItems({ balance }: StoredExecution): number {
  return balance ? balance.byStatus.retry.items + balance.byStatus.remediation.items : 0
}

/**
 * Does what a job's workflow would have done at the end of its last execution, had it not been ended from outside before: the
 * execution is counted, and the job is at rest until somebody starts it.
 */
export async function settleForGone(catalog: Catalog, settle: SettleInput): Promise<void> {
  const settled = await settleExecution(catalog, settle)
  if (!settled) return
  const { jobId, execution } = settle
  const job = new Job({ jobId, facts: { ...settled.facts, lastExecution: execution } })
  job.wanted = execution
  const now = Date.now()
  job.takeUp(now)
  job.end(settled, now)
  job.isStopped = true
  await recordJob(catalog, job.record(now))
}
