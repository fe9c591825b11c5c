import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { Unacceptable } from '../problem.ts'
import { printable } from '../report/format.ts'

/**
 * A job by its id, the beginning of one (6 characters at least), or its name.
 *
 * @throws Unacceptable naming what there is
 */
export async function theJob(name: string, catalog: Catalog): Promise<StoredJob> {
  const byId = /^[0-9a-f]{32}$/.test(name) ? await catalog.jobs.get(name) : undefined
  const found = byId ?? (await catalog.jobs.findByName(name))
  if (found) return found
  const jobs = await allJobs(catalog)
  const beginning = /^[0-9a-f]{6,31}$/.test(name) ? jobs.filter((job) => job.id.startsWith(name)) : []
  const [only] = beginning
  if (only && beginning.length === 1) return only
  const names = jobs.slice(0, 10).map((job) => JSON.stringify(printable(job.name)))
  const there = names.length === 0 ? 'there are no jobs in this home' : `there are ${names.join(', ')}`
  throw new Unacceptable([{ code: 'unknown_id', description: `no job is called ${JSON.stringify(name)}; ${there}` }])
}

export async function allJobs(catalog: Catalog, q?: string): Promise<StoredJob[]> {
  const jobs: StoredJob[] = []
  for (;;) {
    const page = await catalog.jobs.list({ offset: jobs.length, limit: 1_000, ...(q === undefined ? {} : { q }) })
    jobs.push(...page.rows)
    if (page.rows.length === 0 || jobs.length >= page.total) return jobs
  }
}
