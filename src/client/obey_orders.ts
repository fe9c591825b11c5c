import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog, KeptOrder, StoredJob } from '../catalog/catalog.ts'
import type { JobClient } from './job_client.ts'
import { jobFacts } from './job_facts.ts'
import { Refused } from './refused.ts'
import { countExecution } from '../schedule/stop_policy.ts'
import type { EndedBy } from '../../workflows/messages.ts'

export interface OrderParts {
  catalog: Catalog
  client: JobClient
  engine: {
    complete(of: { jobId: string; execution: number }, ended: EndedBy): Promise<unknown>
    removeJob(jobId: string): Promise<void>
  }
  say(line: string): void
}

const lookMs = 250

/**
 * Obeys what was asked while nobody served the home, before a worker is at work: nothing of these jobs is carried out first.
 * Their workflows, which would go on, are ended; they begin again from the catalog, as it says now.
 */
export async function obeyKept(parts: OrderParts): Promise<void> {
  for (const order of await parts.catalog.orders.list()) {
    const job = await parts.catalog.jobs.get(order.jobId)
    if (job && order.refusal === undefined) await obeyUnserved(order, job, parts)
  }
}

async function obeyUnserved({ kind, jobId }: KeptOrder, job: StoredJob, parts: OrderParts): Promise<void> {
  const { catalog, client, say } = parts
  const name = JSON.stringify(job.name)
  await client.endWorkflows(jobId, `${kind}, asked while nobody served the home`)
  switch (kind) {
    case 'refresh':
      break
    case 'pause':
      await catalog.control.write(jobId, { paused: true })
      await catalog.jobs.update(jobId, { status: 'paused', executeOn: null })
      say(`${name} is paused, as was asked while nobody served this home.`)
      break
    case 'cancel':
      await cancelUnserved(job, parts)
      say(`${name}: execution ${job.lastExecution} is cancelled, as was asked while nobody served this home.`)
      break
    case 'delete':
      await deleteUnserved(job, parts)
      return
    default:
      return kind satisfies never
  }
  await catalog.orders.drop(jobId)
}

/** Ends the execution that nobody carries out, if there is one. */
async function cancelUnserved(job: StoredJob, { catalog, engine }: OrderParts): Promise<void> {
  const { unfinished, lastExecution: execution, simulated, schedule } = await jobFacts(catalog, job.id)
  if (!unfinished) return
  const ref = { jobId: job.id, execution }
  try {
    await engine.complete(ref, { kind: 'cancelled', why: 'on request' })
  } catch (error) {
    // Its destination is out of reach for now: the next execution clears away what it finds.
    const sentence = `cancelled (on request); what was half-way is cleared away later: ${(error as Error).message}`
    await catalog.executions.update(job.id, execution, { status: 'cancelled', sentence, endedOn: Date.now() / 1_000 })
    await catalog.jobs.releaseRoots(job.id)
  }
  await catalog.control.write(job.id, { paused: false })
  await catalog.jobs.update(job.id, {
    // As after a cancel that is obeyed at once: what would run again by itself stays paused.
    status: job.status === 'paused' && schedule.mode === 'auto' ? 'paused' : 'idle',
    statusReason: '',
    counts: countExecution(job.counts, { status: 'cancelled', simulated, failed: 0 }),
  })
}

/** What can't be deleted runs no more: it is paused, and can be deleted once more. */
async function deleteUnserved(job: StoredJob, parts: OrderParts): Promise<void> {
  const { catalog, engine, say } = parts
  const name = JSON.stringify(job.name)
  await cancelUnserved(job, parts)
  try {
    await engine.removeJob(job.id)
  } catch (error) {
    await catalog.jobs.update(job.id, { status: 'paused', executeOn: null })
    await catalog.orders.drop(job.id)
    return say(`${name} is not deleted but paused: ${notCleared(error)}`)
  }
  await catalog.jobs.delete(job.id)
  say(`${name} is deleted, as was asked while nobody served this home.`)
}

function notCleared(error: unknown): string {
  return `what it left half-way at its destination can't be cleared away: ${(error as Error).message}`
}

/** Looks for orders as long as the home is served, and obeys them. @returns stops, and resolves when none is in hand */
export function obeyOrders(parts: OrderParts): () => Promise<void> {
  const over = new AbortController()
  const { signal } = over
  const looking = (async () => {
    while (!signal.aborted) {
      // A catalog that is busy, a server that is away: the next look is due in a moment.
      await look(parts).catch(() => undefined)
      await sleep(lookMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  })()
  return async () => {
    over.abort()
    await looking
  }
}

async function look(parts: OrderParts): Promise<void> {
  for (const order of await parts.catalog.orders.list()) if (order.refusal === undefined) await obey(order, parts)
}

async function obey({ kind, jobId }: KeptOrder, parts: OrderParts): Promise<void> {
  const { catalog, client } = parts
  try {
    if (kind === 'delete') return await deleteServed(jobId, parts)
    if (kind === 'refresh') await client.refresh(jobId)
    else await client[kind](jobId)
  } catch (error) {
    if (kind === 'delete') return catalog.orders.refuse(jobId, (error as Error).message)
    // There is nothing to pause or to cancel any more; all else is tried again.
    if (!(error instanceof Refused)) throw error
  }
  await catalog.orders.drop(jobId)
}

/** From the order on no execution of it begins any more (`jobFacts`). */
async function deleteServed(jobId: string, { catalog, client, engine }: OrderParts): Promise<void> {
  const { name, unfinished, lastExecution } = await jobFacts(catalog, jobId)
  if (unfinished) throw new Refused(stillRunning(name, lastExecution))
  await client.endWorkflows(jobId, 'the job is deleted')
  try {
    await engine.removeJob(jobId)
  } catch (error) {
    await catalog.orders.refuse(jobId, notCleared(error))
    // Its schedule, if it has one, goes on.
    return client.refresh(jobId)
  }
  await catalog.jobs.delete(jobId)
}

export function stillRunning(name: string, execution: number): string {
  return `${JSON.stringify(name)} is running (execution ${execution}); wait for its end, or cancel it first`
}
