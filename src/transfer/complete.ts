import type { EndedBy, ExecutionOutcome, ExecutionStatus } from '../../workflows/messages.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { asksForSimulation, readJob } from '../job/document.ts'
import type { Balance } from '../ledger/ledger.ts'
import { count } from '../report/format.ts'
import type { ExecutionRef } from './engine.ts'
import { FailedToStart } from './errors.ts'
import { clearLeftovers } from './leftovers.ts'
import { metSentences } from './met.ts'
import type { JobInHand, OpenJobs } from './open_jobs.ts'

/** The last activity of an execution, whatever ended it: clears leftovers away, stores counts that balance, says how it went. */
export async function completeExecution(jobs: OpenJobs, ref: ExecutionRef, ended: EndedBy): Promise<ExecutionOutcome> {
  const balance = await balanceOf(jobs, ref, ended)
  const outcome = outcomeOf(ended, balance)
  await begun(jobs.catalog, ref)
  const warnings = balance ? await warningsAtEnd(jobs, ref, ended) : undefined
  await jobs.catalog.executions.update(ref.jobId, ref.execution, {
    status: outcome.status,
    // One that ended early keeps the phase it came to: its counts are not all there is.
    ...(ended.kind === 'done' ? { phase: 'complete' as const } : {}),
    endedOn: Date.now() / 1000,
    sentence: outcome.sentence,
    ...(balance ? { balance } : {}),
    ...(warnings ? { warnings } : {}),
  })
  await jobs.catalog.jobs.releaseRoots(ref.jobId)
  await jobs.release(ref)
  return outcome
}

/** One that ended before its document could be read has no row yet, and is part of the job's history all the same. */
async function begun(catalog: Catalog, { jobId, execution }: ExecutionRef): Promise<void> {
  if (await catalog.executions.get(jobId, execution)) return
  const job = await catalog.jobs.get(jobId)
  await catalog.executions.begin(jobId, execution, asksForSimulation(readJob(job?.document)))
}

/** What was warned of at its start, and what it met since. */
async function warningsAtEnd(jobs: OpenJobs, ref: ExecutionRef, ended: EndedBy): Promise<string[]> {
  const { ledger, spec } = await jobs.open(ref)
  const before = (await jobs.catalog.executions.get(ref.jobId, ref.execution))?.warnings ?? []
  const met = await metSentences(ledger, spec, { lookedAtAll: ended.kind === 'done' })
  return [...new Set([...before, ...met])]
}

/** Nothing when the execution did not start. */
async function balanceOf(jobs: OpenJobs, ref: ExecutionRef, ended: EndedBy): Promise<Balance | undefined> {
  let job: JobInHand
  try {
    job = await jobs.open(ref)
  } catch (error) {
    // Nor can it be told from a ledger that is damaged: what is wrong with it has ended the execution, and is its sentence.
    if (error instanceof FailedToStart || (error as Error).name === 'DatabaseUnusable') return undefined
    throw error
  }
  await job.drained()
  await clearLeftovers(job, ref)
  const balance = await job.ledger.end(ref.execution, ended.kind === 'halted' ? ended.why : undefined)
  // What is counted under its number may be an earlier one's, which the catalog has forgotten.
  return ended.kind === 'failed_to_start' ? undefined : balance
}

export function outcomeOf(ended: EndedBy, balance: Balance | undefined): ExecutionOutcome {
  const found = balance?.found.items ?? 0
  const failed = balance?.byStatus.retry.items ?? 0
  const flagged = balance?.byStatus.remediation.items ?? 0
  const changed = balance?.carriedOut?.items ?? 0
  // An item flagged in an earlier execution is no failure of this one.
  let before = 0
  for (const { reason, items } of balance?.byReason ?? []) if (reason === 'flagged_before') before += items
  const kept = keptThere(balance)
  const status = statusOf(ended, { changed, troubled: failed + flagged - before })
  return {
    status,
    sentence: sentenceOf(ended, { found, changed, failed, flagged, kept }),
    found,
    changed,
    failed,
    flagged,
  }
}

function statusOf(ended: EndedBy, { changed, troubled }: { changed: number; troubled: number }): ExecutionStatus {
  switch (ended.kind) {
    case 'failed_to_start':
      return 'failed_to_start'
    case 'cancelled':
      return 'cancelled'
    case 'halted':
    case 'broken':
      return 'failed'
    case 'done':
      if (troubled > 0) return 'failed'
      return changed === 0 ? 'no_changes' : 'completed'
    default:
      return ended satisfies never
  }
}

/** What is settled for a reason that the destination gave: it was changed or deleted there, and stays so. */
function keptThere(balance: Balance | undefined): number {
  let kept = 0
  for (const { status, reason, items } of balance?.byReason ?? [])
    if (status !== 'skipped' && (reason === 'destination_kept' || reason === 'left_deleted')) kept += items
  return kept
}

function sentenceOf(
  ended: EndedBy,
  n: { found: number; changed: number; failed: number; flagged: number; kept: number },
): string {
  const found = `${count(n.found)} found`
  const troubles = [
    ...(n.failed > 0 ? [`${count(n.failed)} to be tried again in the next execution`] : []),
    ...(n.flagged > 0 ? [`${count(n.flagged)} flagged for a person`] : []),
  ]
  const all = [found, `${count(n.changed)} carried out`, ...troubles].join(', ')
  switch (ended.kind) {
    case 'done':
      if (n.changed > 0 || troubles.length > 0) return all
      return n.kept === 0
        ? `nothing to do: ${found}, all as recorded`
        : `nothing to do: ${found}, ${count(n.kept)} of them changed or deleted at the destination, which stays so`
    case 'failed_to_start':
      return `did not start: ${ended.why}`
    case 'cancelled':
      return `cancelled (${ended.why}): ${all}`
    case 'halted':
      return `halted by its first failure (${ended.why}): ${all}`
    case 'broken':
      return `broke off (${ended.why}): ${all}`
    default:
      return ended satisfies never
  }
}
