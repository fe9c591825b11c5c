import type { Catalog } from '../src/catalog/catalog.ts'
import { recordJob as record } from '../src/client/record_job.ts'
import type { JobRecord } from '../workflows/messages.ts'

export function recordJob(catalog: Catalog) {
  return (job: JobRecord): Promise<void> => record(catalog, job)
}
