import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog, KeptOrder } from '../catalog/catalog.ts'
import type { JobCommands } from './job_commands.ts'
import { jobFacts } from './job_facts.ts'
import { Refused } from './refused.ts'
import { stillRunning } from './obey_orders.ts'

const lookMs = 50

/** Whether it has gone, or the order is kept for whoever serves the home next. */
export type Deleted = 'deleted' | 'kept'

/**
 * Asks whoever serves the home to delete a job, and waits for the answer; what it left half-way is cleared away first.
 *
 * @param isServed whether somebody is there to do it
 * @throws Refused while it runs, or when its destination can't be cleared
 */
export async function deleteJob(jobId: string, catalog: Catalog, isServed: () => boolean): Promise<Deleted> {
  const { name, unfinished, lastExecution } = await jobFacts(catalog, jobId)
  if (unfinished && isServed()) throw new Refused(stillRunning(name, lastExecution))
  await catalog.orders.keep(jobId, 'delete')
  while (isServed()) {
    const order = await catalog.orders.get(jobId)
    if (!order && !(await catalog.jobs.get(jobId))) return 'deleted'
    // Taken back by one that serves the home since: it was asked before its start.
    if (!order) throw new Refused(`${JSON.stringify(name)} was not deleted: whoever serves the home says why`)
    if (order.refusal !== undefined) {
      await catalog.orders.drop(jobId)
      throw new Refused(order.refusal)
    }
    await sleep(lookMs)
  }
  return 'kept'
}

/** Commands to jobs of a home that nobody serves: kept where that makes sense, for the next start. */
export function keptCommands(catalog: Catalog, notServed: () => Error): JobCommands {
  const keep = async (jobId: string, kind: KeptOrder['kind']): Promise<void> => catalog.orders.keep(jobId, kind)
  const refuse = (): Promise<never> => Promise.reject(notServed())
  return {
    async pause(jobId) {
      const { name, unfinished, paused, schedule } = await jobFacts(catalog, jobId)
      if (!unfinished && !paused && schedule.mode !== 'auto')
        throw new Refused(
          `${JSON.stringify(name)} isn't running, and runs only when it is started: there is nothing to pause`,
        )
      await keep(jobId, 'pause')
    },
    async cancel(jobId) {
      const { name, unfinished } = await jobFacts(catalog, jobId)
      if (!unfinished) throw new Refused(`${JSON.stringify(name)} isn't running`)
      await keep(jobId, 'cancel')
    },
    /** A pause that is only kept has not come to be. */
    async resume(jobId) {
      const order = await catalog.orders.get(jobId)
      if (order?.kind !== 'pause') throw notServed()
      await catalog.orders.drop(jobId)
    },
    start: refuse,
    approve: refuse,
    ensure: refuse,
    repair: refuse,
    /** Whose workflows nobody can be asked about. */
    stuck: () => Promise.resolve(undefined),
  }
}
