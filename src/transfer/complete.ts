import type { EndedBy, ExecutionOutcome, ExecutionStatus } from '../../workflows/messages.ts'
import { ConnectorError, type ErrorCode } from '../connector/errors.ts'
import { connectorFor } from '../connector/registry.ts'
import type { AuditRow, Balance, ContainerAddress, Leftovers } from '../ledger/ledger.ts'
import { descendOf } from './addresses.ts'
import type { ExecutionRef } from './engine.ts'
import { FailedToStart } from './errors.ts'
import { stagingKey } from './job_spec.ts'
import { discardFormer, foreignInside, mergedFormer } from './new_folder.ts'
import type { JobInHand, OpenJobs } from './open_jobs.ts'

/** The last activity of an execution, whatever ended it: clears leftovers away, stores counts that balance, says how it went. */
export async function completeExecution(jobs: OpenJobs, ref: ExecutionRef, ended: EndedBy): Promise<ExecutionOutcome> {
  const balance = await balanceOf(jobs, ref, ended.kind === 'halted' ? ended.why : undefined)
  const outcome = outcomeOf(ended, balance)
  // One that failed to start before anything else has no row yet, and is part of the job's history all the same.
  await jobs.catalog.executions.begin(ref.jobId, ref.execution, false)
  await jobs.catalog.executions.update(ref.jobId, ref.execution, {
    status: outcome.status,
    // One that ended early keeps the phase it came to: its counts are not all there is.
    ...(ended.kind === 'done' ? { phase: 'complete' as const } : {}),
    endedOn: Date.now() / 1000,
    sentence: outcome.sentence,
    ...(balance ? { balance } : {}),
  })
  await jobs.catalog.jobs.releaseRoots(ref.jobId)
  await jobs.release(ref)
  return outcome
}

/** Nothing when the execution never got as far as a ledger. */
async function balanceOf(jobs: OpenJobs, ref: ExecutionRef, halted?: string): Promise<Balance | undefined> {
  let job: JobInHand
  try {
    job = await jobs.open(ref)
  } catch (error) {
    if (error instanceof FailedToStart) return undefined
    throw error
  }
  await job.drained()
  await clearLeftovers(job, ref)
  return job.ledger.end(ref.execution, halted)
}

/** Stagings of holders that never came back, and long contents put down half-way: removed by recorded name. */
async function clearLeftovers(job: JobInHand, ref: ExecutionRef): Promise<void> {
  const leftovers = await job.ledger.leftovers(ref.execution)
  if (job.spec.simulated || (leftovers.batches.length === 0 && leftovers.partials.length === 0)) return
  const left: AuditRow[] = []
  try {
    await discardLeftovers(job, ref, leftovers, left)
  } catch (error) {
    // A root that is gone took them along, or keeps them for nobody: no waiting brings them within reach.
    if (!(error instanceof ConnectorError) || !lastingTrouble.has(error.code)) throw error
    const message = `what was half-way could not be cleared away at the destination: ${error.message}`
    left.push({ level: 'warn', type: 'left_behind', message })
  }
  if (left.length > 0) await job.ledger.audit(left)
}

const lastingTrouble: ReadonlySet<string> = new Set<ErrorCode>([
  'RootGone',
  'RootReplaced',
  'Misconfigured',
  'AuthExpired',
  'ReadOnly',
])

async function discardLeftovers(
  job: JobInHand,
  ref: ExecutionRef,
  { batches, partials }: Leftovers,
  left: AuditRow[],
): Promise<void> {
  const { platform, auth, path } = job.spec.destination
  const session = await connectorFor(platform).open(auth)
  /** One that is out of reach keeps none of the others. */
  const discard = async (item: number, container: string, key: string): Promise<void> => {
    try {
      await session.discard(container, key)
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.kind === 'connection') throw error
      left.push({ item, level: 'warn', type: 'left_behind', message: `its staging ${key} stays: ${error.message}` })
    }
  }
  try {
    const root = await session.root(path)
    if (!root) return
    const idOf = (at: ContainerAddress | undefined): string | undefined => at && descendOf(session, root.id, at)
    for (const batch of batches) {
      const containers = new Map(batch.containers.map((container) => [container.item, container]))
      const staged = new Map(batch.staged.map((one) => [one.item, one.staged]))
      for (const { item, container } of batch.items) {
        const id = idOf(containers.get(container))
        if (id === undefined) continue
        const known = staged.get(item)
        if (known) await discard(item, known.container, known.key)
        for (const token of batch.formerTokens) await discard(item, id, stagingKey(ref.jobId, item, token))
      }
    }
    for (const { folder, tokens } of mergedFormer(batches)) {
      const stays = await discardFormer(session, { root: root.id, jobId: ref.jobId, tokens }, folder)
      left.push(...stays.map((name) => foreignInside(folder.item, name)))
    }
    for (const { item, container, key } of partials) {
      const id = idOf(container)
      if (id !== undefined) await discard(item, id, key)
    }
  } finally {
    await session.close()
  }
}

export function outcomeOf(ended: EndedBy, balance: Balance | undefined): ExecutionOutcome {
  const found = balance?.found.items ?? 0
  const failed = balance?.byStatus.retry.items ?? 0
  const flagged = balance?.byStatus.remediation.items ?? 0
  const changed = balance?.carriedOut?.items ?? 0
  // An item flagged in an earlier execution is no failure of this one.
  let before = 0
  for (const { reason, items } of balance?.byReason ?? []) if (reason === 'flagged_before') before += items
  const status = statusOf(ended, { changed, troubled: failed + flagged - before })
  return { status, sentence: sentenceOf(ended, { found, changed, failed, flagged }), found, changed, failed, flagged }
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

function sentenceOf(ended: EndedBy, n: { found: number; changed: number; failed: number; flagged: number }): string {
  const counts = `${n.found} found, ${n.changed} carried out`
  const troubles = [
    ...(n.failed > 0 ? [`${n.failed} to be tried again in the next execution`] : []),
    ...(n.flagged > 0 ? [`${n.flagged} flagged for a person`] : []),
  ]
  const all = [counts, ...troubles].join(', ')
  switch (ended.kind) {
    case 'done':
      return n.changed === 0 && troubles.length === 0 ? `nothing to do: ${n.found} found, all as recorded` : all
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
