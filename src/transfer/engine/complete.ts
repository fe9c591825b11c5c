import type { ExecutionStatus } from '../../job/status.ts'
import type { EndedBy, ExecutionOutcome } from '../../../workflows/messages.ts'
import type { Catalog, StoredExecution } from '../../catalog/catalog.ts'
import { asksForSimulation, readJob } from '../../job/document.ts'
import type { AuditRow, Balance } from '../../ledger/ledger.ts'
import { ruleNames } from '../../filter/rule_names.ts'
import { closingSentence, type About } from '../../report/closing_sentence.ts'
import { counted } from '../../report/format.ts'
import { removalsOf } from '../../report/removals.ts'
import { sayMet } from '../../report/worth_knowing.ts'
import type { ExecutionRef } from './engine.ts'
import { FailedToStart } from './errors.ts'
import { published } from './plan_removals.ts'
import { stagedNames, type ExecutionSpec } from './execution_spec.ts'
import { clearLeftovers } from '../recovery/leftovers.ts'
import { metSentences } from './met.ts'
import type { ActiveExecution, ActiveExecutions } from './active_executions.ts'

/** The last activity of an execution, whatever ended it: clears leftovers away, stores counts that balance, says how it went. */
export async function completeExecution(
  jobs: ActiveExecutions,
  ref: ExecutionRef,
  ended: EndedBy,
): Promise<ExecutionOutcome> {
  const { balance, warnings, ...about } = await closed(jobs, ref, ended)
  const outcome = outcomeOf(ended, balance, about)
  const before = await begun(jobs.catalog, ref)
  await jobs.catalog.executions.update(ref.jobId, ref.execution, {
    status: outcome.status,
    // One that ended early keeps the phase it came to: its counts are not all there is.
    ...(ended.kind === 'done' ? { phase: 'complete' as const } : {}),
    endedOn: Date.now() / 1000,
    sentence: outcome.sentence,
    warnings: [...new Set([...before.warnings, ...warnings])],
    ...(balance ? { balance } : {}),
  })
  await jobs.catalog.jobs.releaseRoots(ref.jobId)
  await jobs.release(ref)
  return outcome
}

/** One that ended before its document could be read has no row yet, and is part of the job's history all the same. */
async function begun(catalog: Catalog, { jobId, execution }: ExecutionRef): Promise<StoredExecution> {
  const there = await catalog.executions.get(jobId, execution)
  if (there) return there
  const job = await catalog.jobs.get(jobId)
  return catalog.executions.begin(jobId, execution, asksForSimulation(readJob(job?.document)))
}

interface Closed extends About {
  /** Absent when the execution did not start. */
  balance?: Balance
  /** What it met that is worth knowing. */
  warnings: string[]
}

async function closed(jobs: ActiveExecutions, ref: ExecutionRef, ended: EndedBy): Promise<Closed> {
  let job: ActiveExecution
  try {
    job = await jobs.open(ref)
  } catch (error) {
    // Nor can it be told from a ledger that is damaged: what is wrong with it has ended the execution, and is its sentence.
    if (error instanceof FailedToStart || (error as Error).name === 'DatabaseUnusable') return { warnings: [] }
    throw error
  }
  await job.drained()
  const left = await clearLeftovers(job, ref)
  const balance = await job.ledger.end(ref.execution, ended.kind === 'halted' ? ended.why : undefined)
  // What is counted under its number may be an earlier one's, which the catalog has forgotten.
  if (ended.kind === 'failed_to_start') return { warnings: leftBehind(job.spec, left) }
  const { simulated, settings } = job.spec
  if (ended.kind === 'done' && settings.transferType === 'publish' && !simulated)
    await job.ledger.remember(published, String(ref.execution))
  const lookedAtAll = ended.kind === 'done' && balance.found.items > 0 && balance.findings?.unlisted === 0
  const met = await metSentences(job.ledger, job.spec, { lookedAtAll })
  const rules = ruleNames(settings.filter)
  return {
    balance,
    simulated,
    filteredBy: rules.length === 1 ? rules[0] : undefined,
    warnings: [...sayMet(balance), ...met, ...leftBehind(job.spec, left)],
  }
}

/** What could not be cleared away, with what removes it once it can be. */
function leftBehind(
  { jobId, destination: { platform, auth, path } }: ExecutionSpec,
  left: readonly AuditRow[],
): string[] {
  if (left.length === 0) return []
  const root =
    typeof auth['root'] === 'string' && platform === 'fs'
      ? `${auth['root']}${path}`.replace(/(?<=.)\/+$/, '')
      : undefined
  const remove =
    root === undefined
      ? ''
      : `; to remove what is there: find '${root.replaceAll("'", `'\\''`)}' -name '${stagedNames(jobId)}' -delete`
  return [`${counted(left.length, 'thing')} of ours half-way stayed at the destination (${left[0]!.message})${remove}`]
}

export function outcomeOf(ended: EndedBy, balance: Balance | undefined, about: About = {}): ExecutionOutcome {
  const found = balance?.found.items ?? 0
  const failed = balance?.byStatus.retry.items ?? 0
  const flagged = balance?.byStatus.remediation.items ?? 0
  const { removed, failed: notRemoved } = removalsOf(balance)
  const changed = (balance?.carriedOut?.items ?? 0) + removed.source + removed.destination
  // An item flagged in an earlier execution is no failure of this one.
  let before = 0
  for (const { reason, items } of balance?.byReason ?? []) if (reason === 'flagged_before') before += items
  const status = statusOf(ended, { changed, troubled: failed + flagged + notRemoved - before })
  return {
    status,
    sentence: sentenceOf(ended, balance, about),
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

function sentenceOf(ended: EndedBy, balance: Balance | undefined, about: About): string {
  switch (ended.kind) {
    case 'done':
      return closingSentence(balance, about)
    case 'failed_to_start':
      return `did not start: ${ended.why}`
    case 'cancelled':
      return `cancelled (${ended.why}): ${closingSentence(balance, about)}`
    case 'halted':
      return `halted by its first failure (${ended.why}): ${closingSentence(balance, about)}`
    case 'broken':
      return `broke off (${ended.why}): ${closingSentence(balance, about)}`
    default:
      return ended satisfies never
  }
}
