import type { Catalog } from '../catalog/catalog.ts'
import { mostOf } from '../schedule/stop_policy.ts'
import type { JobRecord } from '../../workflows/messages.ts'

/**
 * What a job's workflow knows of it, for those who read the catalog. Sets, never adds: it may be repeated. What only grows
 * never goes back: a workflow that was reset knows less than the catalog does.
 */
export async function recordJob(catalog: Catalog, record: JobRecord): Promise<void> {
  const { jobId, nextRunMs, counts, lastExecution, ...rest } = record
  const stored = await catalog.jobs.get(jobId)
  await catalog.jobs.update(jobId, {
    ...rest,
    counts: stored ? mostOf(stored.counts, counts) : counts,
    lastExecution: Math.max(stored?.lastExecution ?? 0, lastExecution),
    executeOn: nextRunMs === null ? null : nextRunMs / 1_000,
  })
}
