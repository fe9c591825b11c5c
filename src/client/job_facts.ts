import { defaultName } from '../intake/connection.ts'
import {
  NotInCatalog,
  type Catalog,
  type StoredConnection,
  type StoredExecution,
  type StoredJob,
} from '../catalog/catalog.ts'
import { isPlatform } from '../connector/registry.ts'
import { asksForSimulation, readJob, type JobDocument } from '../job/document.ts'
import { scheduleOf } from '../job/schedule_of.ts'
import { countRun, type RunsOfDay } from '../schedule/next_run.ts'
import type { Schedule } from '../schedule/schedule.ts'
import type { JobStatus } from '../job/status.ts'
import type { JobFacts } from '../../workflows/messages.ts'

/**
 * What a job's workflow works by, read from the catalog: small, without paths or credentials.
 * @throws NotInCatalog
 */
export async function jobFacts(catalog: Catalog, jobId: string): Promise<JobFacts> {
  const stored = await catalog.jobs.get(jobId)
  if (!stored) throw new NotInCatalog(`there is no job ${jobId}`)
  const read = readJob(stored.document)
  // One that can't be read any more runs only when it is started, and then says what is wrong with it.
  const document: Pick<JobDocument, 'schedule' | 'stop_policy'> = read.ok ? read.job : {}
  const { on_execute, on_success, on_failure } = document.stop_policy ?? {}
  const schedule = scheduleOf(document)
  const last = await catalog.executions.get(jobId, stored.lastExecution)
  const unfinished = isUnfinished(stored, last)
  const today = await runsOfDay(catalog, stored, schedule)
  const source = await connectionOf(catalog, stored, 'source')
  const destination = await connectionOf(catalog, stored, 'destination')
  return {
    name: stored.name,
    category: stored.category.name,
    source: source?.platform ?? 'unknown',
    destination: destination?.platform ?? 'unknown',
    ...(isNamed(source) ? { sourceName: source.name } : {}),
    ...(isNamed(destination) ? { destinationName: destination.name } : {}),
    schedule,
    limits: {
      ...(on_execute === undefined ? {} : { on_execute }),
      ...(on_success === undefined ? {} : { on_success }),
      ...(on_failure === undefined ? {} : { on_failure }),
    },
    counts: stored.counts,
    // The next one takes the number after it.
    lastExecution: unfinished ? stored.lastExecution : Math.max(stored.lastExecution, stored.lastInLedger),
    unfinished,
    ...(last ? { lastStartMs: Math.round(last.startedOn * 1_000) } : {}),
    ...(last && last.endedOn !== null ? { lastEndMs: Math.round(last.endedOn * 1_000) } : {}),
    ...(today ? { today } : {}),
    rest: resting.has(stored.status)
      ? { status: stored.status, sentence: stored.statusReason }
      : { status: 'idle', sentence: '' },
    paused: stored.status === 'paused',
    disabled: stored.disabled || (await isToBeDeleted(catalog, jobId)),
    simulated: asksForSimulation(read),
  }
}

/** From the order on nothing of it begins any more. */
async function isToBeDeleted(catalog: Catalog, jobId: string): Promise<boolean> {
  const order = await catalog.orders.get(jobId)
  return order?.kind === 'delete' && order.refusal === undefined
}

const resting: ReadonlySet<JobStatus> = new Set(['failed', 'failed-to-start', 'warn', 'complete'])

function isUnfinished({ status, lastExecution }: StoredJob, last: StoredExecution | undefined): boolean {
  if (lastExecution === 0) return false
  return last ? last.endedOn === null : status === 'running' || status === 'cancelling'
}

/** Only `repeat_count` asks; a workflow that was not lost knows better. */
async function runsOfDay(catalog: Catalog, job: StoredJob, schedule: Schedule): Promise<RunsOfDay | undefined> {
  if (schedule.runsPerDay === undefined) return undefined
  const { rows } = await catalog.executions.list(job.id, { offset: 0, limit: Math.min(schedule.runsPerDay, 1_000) })
  const begun = rows.map((row) => Math.round(row.startedOn * 1_000)).sort((a, b) => a - b)
  return begun.reduce<RunsOfDay | undefined>((today, startMs) => countRun(schedule, today, startMs), undefined)
}

async function connectionOf(
  catalog: Catalog,
  job: StoredJob,
  side: 'source' | 'destination',
): Promise<StoredConnection | undefined> {
  const { transfer } = job.document as { transfer?: Record<string, { connection?: { id?: unknown } } | undefined> }
  const id = transfer?.[side]?.connection?.id
  return typeof id === 'string' ? catalog.connections.get(id) : undefined
}

/** A name that we made holds an address, which is nothing for a history. */
function isNamed(connection: StoredConnection | undefined): connection is StoredConnection {
  return connection !== undefined && isPlatform(connection.platform) && connection.name !== defaultName(connection)
}
