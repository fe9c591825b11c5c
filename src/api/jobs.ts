import { isObject, wireNumber } from '../json/json.ts'
import type { FastifyInstance } from 'fastify'
import type { StoredJob } from '../catalog/catalog.ts'
import { changedMeanwhile, warningsOf } from '../intake/changed_meanwhile.ts'
import { editJob } from '../intake/edit_job.ts'
import { acceptJob } from '../intake/job.ts'
import { resetJob } from '../intake/reset_job.ts'
import { startProblems } from '../intake/start_problems.ts'
import { refusals } from '../intake/not_carried_out.ts'
import { plannedRemovals } from '../open_home/planned_removals.ts'
import { objectOf } from './body.ts'
import { many, one } from './envelope.ts'
import { ApiError, apiError, notFound, Unanswered } from './errors.ts'
import { view, wanted, widening } from './fields.ts'
import { jobFilter, jobFilters } from './job_filter.ts'
import { jobView, sparseJob } from './job_view.ts'
import { pages, paging } from './paging.ts'
import { flag, queryOf, together } from './query.ts'
import type { ApiParts } from './parts.ts'
import { Refused } from '../client/refused.ts'
import { WorkflowStuck, type JobCommand } from '../client/job_commands.ts'

const commands = ['start', 'pause', 'resume', 'cancel', 'repair'] as const satisfies readonly JobCommand[]

export function jobRoutes(app: FastifyInstance, { catalog, ledgers, commands: send, deleteJob }: ApiParts): void {
  const shown = (job: StoredJob): Promise<Record<string, unknown>> => jobView(job, { catalog, ledgers })

  app.post('/v1/jobs', async (request, reply) => {
    const query = queryOf(request, ['strict', ...widening])
    const accepted = await acceptJob(objectOf(request.body), catalog, { strict: flag(query, 'strict') })
    const { job, warnings } = accepted
    const isToRun = asksToRun(job)
    // What runs by itself may find what it needs when its time comes.
    const isReady = accepted.refusals.length === 0
    const missing = isToRun && isReady && !runsByItself(job) ? await startProblems(job, catalog) : []
    const refused = [...accepted.refusals, ...missing]
    if (isToRun && refused.length === 0) await command(runsByItself(job) ? 'ensure' : 'start', job.id)
    // The job is stored in any case: it can be looked at, and corrected.
    const code = isToRun ? 'not_started' : 'not_carried_out'
    const created = view(await shown(await found(job.id)), sparseJob, wanted(query))
    return reply
      .code(201)
      .header('location', `/v1/jobs/${job.id}`)
      .send({ ...one('job', created, 201), warnings: [...warnings, ...refused.map((reason) => ({ ...reason, code }))] })
  })

  app.get('/v1/jobs', async (request) => {
    const query = queryOf(request, [...jobFilters, ...pages, ...widening])
    const { page, filter } = together({ page: () => paging(query), filter: () => jobFilter(query) })
    const { rows, total } = await catalog.jobs.list({ ...page, ...filter })
    const fields = wanted(query)
    const jobs = await Promise.all(rows.map(async (job) => view(await shown(job), sparseJob, fields)))
    return many(request, 'jobs', jobs, { ...page, total, fields: fields.names })
  })

  app.get<{ Params: { id: string } }>('/v1/jobs/:id', async (request) => {
    const query = queryOf(request, widening)
    const job = await found(request.params.id)
    const answer = one('job', view(await shown(job), sparseJob, wanted(query)))
    const stuck = await send.stuck(job.id)
    return stuck === undefined ? answer : { ...answer, warnings: [{ code: 'workflow_stuck', description: stuck }] }
  })

  app.patch<{ Params: { id: string } }>('/v1/jobs/:id', async (request) => {
    const query = queryOf(request, [...commands, 'approve', 'reset', 'strict', ...widening])
    const approve = query['approve']?.toString()
    const asked = commands.filter((command) => flag(query, command))
    const job = await found(request.params.id)
    if (approve !== undefined) {
      if (asked.length > 0 || !isNoBody(request.body)) throw apiError(400, 'invalid', 'approve comes alone', 'approve')
      await refusable('approve', () => send.approve(job.id, approve))
      return one('job', view(await shown(await found(job.id)), sparseJob, wanted(query)))
    }
    const reset = query['reset']?.toString()
    if (reset !== undefined) return resetThen(job, { reset, asked, body: request.body }, wanted(query))
    const [first, ...others] = asked
    if (others.length > 0) throw apiError(400, 'invalid', `only one of ${asked.join(', ')} at a time`, others[0])
    if (first === undefined ? isNoBody(request.body) : !isNoBody(request.body))
      throw apiError(
        400,
        'invalid',
        `a job takes one of ?${commands.join('=1, ?')}=1 and no body, or a body that says what is to change`,
      )
    if (first === undefined) {
      const edited = await editJob(job, objectOf(request.body), catalog, { strict: flag(query, 'strict') })
      const changed = view(await shown(edited.job), sparseJob, wanted(query))
      return { ...one('job', changed), warnings: edited.warnings }
    }
    if (first === 'start') await refuseStart(job)
    const warnings = first === 'resume' ? warningsOf(await changedMeanwhile(job, catalog)) : []
    await command(first, job.id)
    const now = one('job', view(await shown(await found(job.id)), sparseJob, wanted(query)))
    return warnings.length === 0 ? now : { ...now, warnings }
  })

  /** By itself, or right before a start (reference: jobs-api 4). */
  async function resetThen(
    job: StoredJob,
    { reset, asked, body }: { reset: string; asked: readonly string[]; body: unknown },
    fields: ReturnType<typeof wanted>,
  ): Promise<Record<string, unknown>> {
    if (asked.some((what) => what !== 'start') || !isNoBody(body))
      throw apiError(400, 'invalid', 'reset comes alone, or with start', 'reset')
    if (asked.length > 0) await refuseStart(job)
    const why = await resetJob(job, reset, catalog)
    if (asked.length > 0) await command('start', job.id)
    const now = one('job', view(await shown(await found(job.id)), sparseJob, fields))
    return why === undefined ? now : { ...now, warnings: [{ code: 'nothing_to_reset', description: why }] }
  }

  app.get<{ Params: { id: string } }>('/v1/jobs/:id/approval', async (request) => {
    queryOf(request, [])
    const plan = await plannedRemovals(await found(request.params.id), { catalog, ledgers })
    if (plan === undefined) throw apiError(404, 'not_found', 'nothing waits for an approval')
    return one('approval', { ...plan, bytes: wireNumber(plan.bytes) })
  })

  app.delete<{ Params: { id: string } }>('/v1/jobs/:id', async (request, reply) => {
    queryOf(request, [])
    const job = await found(request.params.id)
    const before = view(await shown(job), sparseJob, { all: false, names: [] })
    const status = (await refusable('delete', () => deleteJob(job.id))) === 'deleted' ? 200 : 202
    return reply.code(status).send(one('job', before, status))
  })

  async function command(what: JobCommand | 'ensure', jobId: string): Promise<void> {
    await refusable(what, () => send[what](jobId))
  }

  async function refusable<T>(what: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      if (error instanceof Refused) throw apiError(409, 'refused', error.message)
      if (error instanceof WorkflowStuck) throw apiError(503, 'workflow_stuck', error.message)
      throw new Unanswered(what, error)
    }
  }

  async function refuseStart(job: StoredJob): Promise<void> {
    // One that is paused is said to be that, whatever else is wrong.
    if (job.status === 'paused') return
    for (const why of [refusals, startProblems]) {
      const refused = await why(job, catalog)
      if (refused.length > 0) throw new ApiError(409, refused)
    }
  }

  async function found(id: string): Promise<StoredJob> {
    const job = await catalog.jobs.get(id)
    if (job === undefined) throw notFound('job', id)
    return job
  }
}

/** What the document asks to happen at once. */
function asksToRun(job: StoredJob): boolean {
  return job.document.status === 'start' || runsByItself(job)
}

function runsByItself({ document }: StoredJob): boolean {
  return (document.schedule as { mode?: string } | undefined)?.mode === 'auto'
}

/** Clients send `{}` with a command, or nothing. */
function isNoBody(body: unknown): boolean {
  return body === undefined || (isObject(body) && Object.keys(body).length === 0)
}
