import type { FastifyInstance } from 'fastify'
import type { StoredJob } from '../catalog/catalog.ts'
import { acceptJob } from '../accept/job.ts'
import { refusals } from '../accept/not_carried_out.ts'
import type { JobStatus } from '../../workflows/messages.ts'
import { objectOf } from './body.ts'
import { many, one } from './envelope.ts'
import { ApiError, apiError, notFound, Unanswered } from './errors.ts'
import { view, wanted } from './fields.ts'
import { jobView, sparseJob } from './job_view.ts'
import { flag, oneOf, paging, text, type Query } from './paging.ts'
import type { ApiParts } from './parts.ts'
import { Refused } from '../refused.ts'
import type { JobCommands } from '../stevedore.ts'

export const statuses = [
  'idle',
  'start',
  'running',
  'paused',
  'cancelling',
  'complete',
  'failed',
  'failed-to-start',
  'success',
  'warn',
] as const satisfies readonly JobStatus[]

const commands = ['start', 'pause', 'resume', 'cancel'] as const satisfies readonly (keyof JobCommands)[]

export function jobRoutes(app: FastifyInstance, { catalog, ledgers, commands: send }: ApiParts): void {
  const shown = (job: StoredJob): Promise<Record<string, unknown>> => jobView(job, { catalog, ledgers })

  app.post('/v1/jobs', async (request, reply) => {
    const query = request.query as Query
    const accepted = await acceptJob(objectOf(request.body), catalog, { strict: flag(query, 'strict') })
    const { job, warnings, refusals: refused } = accepted
    const isToRun = asksToRun(job)
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
    const query = request.query as Query
    const page = paging(query)
    const status = oneOf(query, 'status', statuses)
    const kind = text(query, 'kind')
    const category = text(query, 'category')
    const { rows, total } = await catalog.jobs.list({
      ...page,
      ...(status === undefined ? {} : { status }),
      ...(kind === undefined ? {} : { kind }),
      ...(category === undefined ? {} : { category }),
    })
    const fields = wanted(query)
    const views = await Promise.all(rows.map(async (job) => view(await shown(job), sparseJob, fields)))
    return many(request, 'jobs', views, { ...page, total, fields: fields.names })
  })

  app.get<{ Params: { id: string } }>('/v1/jobs/:id', async (request) => {
    const job = await found(request.params.id)
    return one('job', view(await shown(job), sparseJob, wanted(request.query as Query)))
  })

  app.patch<{ Params: { id: string } }>('/v1/jobs/:id', async (request) => {
    const query = request.query as Query
    refuseUnknown(query)
    const asked = commands.filter((command) => flag(query, command))
    const job = await found(request.params.id)
    const [first, ...others] = asked
    if (others.length > 0) throw apiError(400, 'invalid', `only one of ${asked.join(', ')} at a time`, others[0])
    if (first === undefined || !isNoBody(request.body))
      throw apiError(
        400,
        'invalid',
        `a job takes one of ?${commands.join('=1, ?')}=1 and no body; what it does is changed by running its file again (stevedore run)`,
      )
    if (first === 'start') await refuseHarm(job)
    await command(first, job.id)
    return one('job', view(await shown(await found(job.id)), sparseJob, wanted(query)))
  })

  async function command(what: keyof JobCommands, jobId: string): Promise<void> {
    try {
      await send[what](jobId)
    } catch (error) {
      if (error instanceof Refused) throw apiError(409, 'refused', error.message)
      throw new Unanswered(what, error)
    }
  }

  async function refuseHarm(job: StoredJob): Promise<void> {
    const refused = await refusals(job, catalog)
    if (refused.length > 0) throw new ApiError(409, refused)
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

/** A parameter that is passed over could be the one that matters: `?start=1&reset=hard` is not `?start=1`. */
function refuseUnknown(query: Query): void {
  const known = [...commands, 'fields', 'include']
  const unknown = Object.keys(query).filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  const description = `is nothing a job can be asked here; there are ${commands.join(', ')}`
  throw new ApiError(
    400,
    unknown.map((property) => ({ code: 'invalid', description, property })),
  )
}

/** Clients send `{}` with a command, or nothing. */
function isNoBody(body: unknown): boolean {
  if (body === undefined) return true
  return typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0
}
