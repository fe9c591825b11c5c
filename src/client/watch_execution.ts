import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredExecution, StoredJob } from '../catalog/catalog.ts'
import type { Progress } from '../ledger/ledger.ts'
import type { OpenHome } from '../open_home/open_home.ts'

interface Watch {
  onProgress(progress: Progress, atMs: number): void
  /** Called when it begins to wait for something else, and without it when it goes on. */
  onWaiting(why: string | undefined): void
  /** Called between two looks; what it resolves to ends the watching unless it is undefined. */
  between?(job: StoredJob | undefined): Promise<'stop' | undefined>
}

const mostMs = 100
const leastMs = 10

/**
 * Follows an execution in catalog and ledger, whichever process carries it out, until its end is recorded and the job is
 * at rest. Looks often at first, so that a tiny job is over as soon as it is done.
 */
export async function watchExecution(
  { catalog, ledgers }: Pick<OpenHome, 'catalog' | 'ledgers'>,
  { jobId, execution }: { jobId: string; execution: number },
  watch: Watch,
): Promise<StoredExecution | 'failed_to_start' | 'stopped'> {
  let waitingFor: string | undefined
  for (let wait = leastMs; ; wait = Math.min(mostMs, wait * 1.3)) {
    const run = await catalog.executions.get(jobId, execution)
    const job = await catalog.jobs.get(jobId)
    // One that runs by itself may have begun the next already.
    const atRest =
      job !== undefined && (job.lastExecution > execution || !['start', 'running', 'cancelling'].includes(job.status))
    if (run && run.endedOn !== null && atRest) return run
    if (!run && job?.status === 'failed-to-start') return 'failed_to_start'
    if (run && run.endedOn === null) {
      if (run.waitingFor !== waitingFor) watch.onWaiting((waitingFor = run.waitingFor))
      const now = ledgers.open(jobId, run.simulated ? 'simulated' : 'real')?.progress(execution)
      if (now) watch.onProgress(now, Date.now())
    }
    if ((await watch.between?.(job)) === 'stop') return 'stopped'
    await sleep(wait)
  }
}
