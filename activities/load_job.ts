import type { Catalog } from '../src/catalog/catalog.ts'
import { jobFacts } from '../src/client/job_facts.ts'
import type { JobFacts } from '../workflows/messages.ts'

export function loadJob(catalog: Catalog) {
  return (jobId: string): Promise<JobFacts> => jobFacts(catalog, jobId)
}
