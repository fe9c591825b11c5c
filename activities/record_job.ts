import type { Catalog } from '../src/catalog/catalog.ts'
import type { JobRecord } from '../workflows/messages.ts'

/** What the workflow knows of a job, for those who read the catalog. Sets, never adds: it may be repeated. */
export function recordJob(catalog: Catalog) {
  return async ({ jobId, nextRunMs, ...record }: JobRecord): Promise<void> => {
    await catalog.jobs.update(jobId, { ...record, executeOn: nextRunMs === null ? null : nextRunMs / 1_000 })
  }
}
