import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Listed, Paging, StoredExecution } from '../catalog/catalog.ts'
import { shown } from '../secret/shown.ts'
import { Unacceptable } from '../problem.ts'
import { many } from './envelope.ts'
import { apiError, notFound } from './errors.ts'
import { wanted, widening } from './fields.ts'
import { executionView } from './job_view.ts'
import type { ApiParts } from './parts.ts'
import { pages, paging } from './paging.ts'
import { queryOf, single, text, together, type Query } from './query.ts'

/** Executions of one job (`/v1/jobs/{id}/history`, `/v1/jobs/history?job=`) or of all, newest first. */
export function historyRoutes(app: FastifyInstance, { catalog, ledgers }: ApiParts): void {
  app.get<{ Params: { id: string } }>('/v1/jobs/:id/history', (request) => history(request, request.params.id))
  app.get('/v1/jobs/history', (request) => history(request))

  async function history(request: FastifyRequest, ofJob?: string): Promise<unknown> {
    const which = ofJob === undefined ? ['job', 'execution'] : ['execution']
    const query = queryOf(request, [...which, ...pages, ...widening])
    const { page, execution, ...asked } = together({
      page: () => paging(query),
      job: () => text(query, 'job'),
      execution: () => executionAsked(query),
    })
    const jobId = ofJob ?? asked.job
    if (jobId === undefined && execution !== undefined)
      throw apiError(400, 'missing', 'says of which job: ?job={id}&execution=…', 'job')
    const { rows, total } = jobId === undefined ? await ofAll(page) : await ofOne(jobId, page, execution)
    return many(
      request,
      'job_executions',
      rows.map((row) => executionView(row, ledgers)),
      { ...page, total, fields: wanted(query).names },
    )
  }

  async function ofOne(jobId: string, page: Paging, which: Which | undefined): Promise<Listed<StoredExecution>> {
    const job = await catalog.jobs.get(jobId)
    if (job === undefined) throw notFound('job', jobId)
    if (which === undefined) return catalog.executions.list(jobId, page)
    const one = await catalog.executions.get(jobId, typeof which === 'number' ? which : job.lastExecution)
    const rows = one === undefined || (which === 'current' && one.endedOn !== null) ? [] : [one]
    return { rows, total: rows.length }
  }

  /** The catalog lists executions by job: a page of all jobs' is put together from the newest of each. */
  async function ofAll({ offset, limit, ...sought }: Paging): Promise<Listed<StoredExecution>> {
    const rows: StoredExecution[] = []
    let total = 0
    for (const job of await allJobs()) {
      const listed = await catalog.executions.list(job, { ...sought, offset: 0, limit: offset + limit })
      rows.push(...listed.rows)
      total += listed.total
    }
    rows.sort((a, b) => b.startedOn - a.startedOn || b.execution - a.execution)
    return { rows: rows.slice(offset, offset + limit), total }
  }

  async function allJobs(): Promise<string[]> {
    const ids: string[] = []
    for (;;) {
      const { rows, total } = await catalog.jobs.list({ offset: ids.length, limit: 1_000 })
      ids.push(...rows.map((job) => job.id))
      if (rows.length === 0 || ids.length >= total) return ids
    }
  }
}

/** An execution by its number, or one of these. */
type Which = number | 'last' | 'current'

function executionAsked(query: Query): Which | undefined {
  const asked = single(query, 'execution')
  if (asked === undefined || asked === 'last' || asked === 'current') return asked
  if (/^\d{1,9}$/.test(asked)) return Number(asked)
  const description = `${shown(asked)} is not a number, last or current`
  throw new Unacceptable([{ code: 'invalid', property: 'execution', description }])
}
