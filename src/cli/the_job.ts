import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { Unacceptable } from '../problem.ts'
import { printable, table } from '../report/format.ts'
import type { Terminal } from './terminal.ts'

/**
 * A job by its id, the beginning of one (6 characters at least), or its name. Of several of one name a person is asked
 * which; none is picked.
 *
 * @throws Unacceptable naming what there is
 */
export async function theJob(name: string, catalog: Catalog, terminal?: Terminal): Promise<StoredJob> {
  const byId = /^[0-9a-f]{32}$/.test(name) ? await catalog.jobs.get(name) : undefined
  if (byId) return byId
  const named = await catalog.jobs.named(name)
  if (named.length > 0) return oneOf(named, terminal)
  const jobs = await allJobs(catalog)
  const beginning = /^[0-9a-f]{6,31}$/.test(name) ? jobs.filter((job) => job.id.startsWith(name)) : []
  const [only] = beginning
  if (only && beginning.length === 1) return only
  const names = jobs.slice(0, 10).map((job) => JSON.stringify(printable(job.name)))
  const there = names.length === 0 ? 'there are no jobs in this home' : `there are ${names.join(', ')}`
  throw new Unacceptable([{ code: 'unknown_id', description: `no job is called ${JSON.stringify(name)}; ${there}` }])
}

/** @throws Unacceptable with their ids, where nobody is there to ask, or the answer is none of them */
export async function oneOf(jobs: readonly StoredJob[], terminal: Terminal | undefined): Promise<StoredJob> {
  const [only, ...others] = jobs
  if (only && others.length === 0) return only
  const rows = table(jobs.map((job, i) => [String(i + 1), job.id, job.status, `made ${dayOf(job.createdOn)}`]))
  const called = `${jobs.length} jobs are called ${JSON.stringify(printable(only!.name))}`
  const answer = await terminal?.ask?.(`${called}:\n${rows.join('\n')}\nWhich one? `)
  const chosen = jobs.find((job, i) => answer?.trim() === String(i + 1) || answer?.trim() === job.id)
  if (chosen) return chosen
  throw new Unacceptable([
    { code: 'ambiguous', description: `${called}; give the id of one: ${jobs.map(({ id }) => id).join(', ')}` },
  ])
}

function dayOf(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString().slice(0, 10)
}

export async function allJobs(catalog: Catalog, q?: string): Promise<StoredJob[]> {
  const jobs: StoredJob[] = []
  for (;;) {
    const page = await catalog.jobs.list({ offset: jobs.length, limit: 1_000, ...(q === undefined ? {} : { q }) })
    jobs.push(...page.rows)
    if (page.rows.length === 0 || jobs.length >= page.total) return jobs
  }
}
