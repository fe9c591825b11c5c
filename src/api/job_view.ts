import type { Catalog, StoredExecution, StoredJob } from '../catalog/catalog.ts'
import { objectOrEmpty, wireNumber } from '../json/json.ts'
import { redact } from '../job/redact.ts'
import type { LedgerViews } from '../open_home/ledger_views.ts'
import { shareDone } from '../report/share_done.ts'

/** What an answer shows of a job unless `fields` asks for more. */
export const sparseJob = ['id', 'type', 'kind', 'name', 'disabled', 'status', 'links'] as const

/** Where what is shown is kept. */
interface Stored {
  catalog: Catalog
  ledgers: LedgerViews
}

/** The whole job as the wire shows it (reference: jobs-api 3.2). */
export async function jobView(job: StoredJob, { catalog, ledgers }: Stored): Promise<Record<string, unknown>> {
  const last = job.lastExecution > 0 ? await catalog.executions.get(job.id, job.lastExecution) : undefined
  const live = last !== undefined && last.endedOn === null
  const order = await catalog.orders.get(job.id)
  const before = live ? await lastEnded(job, catalog) : last
  // Unknown keys of the document are kept, but none may stand for one of the job's own.
  return {
    ...redacted(job.document),
    id: job.id,
    type: 'job',
    kind: job.kind,
    name: job.name,
    category: job.category,
    scheduler: { id: -1, name: 'default', caption: 'Default Scheduler', disabled: false },
    priority: job.priority,
    status: job.status,
    ...(job.statusReason === '' ? {} : { status_reason: job.statusReason }),
    ...(order && order.kind !== 'refresh' ? { kept_command: order.kind } : {}),
    health: healthOf(job, before),
    disabled: job.disabled,
    ...(job.resets.length === 0 ? {} : { reset: job.resets }),
    execute_on: job.executeOn,
    execution: live ? executionView(last, ledgers) : null,
    previous_execution: before ? executionView(before, ledgers) : null,
    stop_policy: {
      ...objectOrEmpty(job.document.stop_policy),
      executions: job.counts.executions,
      completions: job.counts.successes,
      failures: job.counts.failures,
    },
    transfer: transferView(objectOrEmpty(redacted(job.document).transfer)),
    created_on: job.createdOn,
    modified_on: job.modifiedOn,
    links: { self: { href: `/v1/jobs/${job.id}` } },
  }
}

/** One run of a job (reference: jobs-api 6.1). */
export function executionView(execution: StoredExecution, ledgers: LedgerViews): Record<string, unknown> {
  const { balance, endedOn, startedOn } = execution
  const moved = balance?.byStatus
  return {
    job_id: execution.jobId,
    id: execution.execution,
    type: 'job_execution',
    status: execution.status,
    phase: execution.phase,
    progress: progressOf(execution, ledgers),
    simulated: execution.simulated,
    start_time: startedOn,
    end_time: endedOn,
    duration: endedOn === null ? null : { value: Math.max(0, round(endedOn - startedOn)), unit: 's' },
    sentence: execution.sentence,
    ...(execution.waitingFor === undefined ? {} : { waiting_for: execution.waitingFor }),
    warnings: execution.warnings,
    stats:
      balance === null || moved === undefined
        ? null
        : {
            source: {
              existing: {
                files: balance.found.items - balance.found.containers,
                folders: balance.found.containers,
                bytes: wireNumber(balance.found.bytes),
              },
              gone: sums(balance.findings?.gone ?? { items: 0, bytes: 0n }),
              not_looked_into: balance.findings?.unlisted ?? 0,
              flagged: moved.remediation.items,
              pending: { files: moved.pending.items, retry: moved.retry.items },
            },
            destination: { folders: balance.containersMade },
            by_status: Object.fromEntries(Object.entries(moved).map(([status, sum]) => [status, sums(sum)])),
            by_reason: balance.byReason.map(({ status, reason, ...sum }) => ({ status, reason, ...sums(sum) })),
            by_processing: balance.findings?.altered ?? {},
            warnings: execution.warnings.length,
          },
  }
}

/** From 0 to 1, of what has been found so far; null where nothing tells. */
function progressOf(
  { jobId, execution, phase, endedOn, simulated }: StoredExecution,
  ledgers: LedgerViews,
): number | null {
  if (endedOn !== null && phase === 'complete') return 1
  try {
    const progress = ledgers.open(jobId, simulated ? 'simulated' : 'real')?.progress(execution)
    return progress ? Math.floor(shareDone(progress) * 1_000) / 1_000 : null
  } catch {
    // A ledger that is damaged must not keep a list of jobs from being shown.
    return null
  }
}

/**
 * Read back as the reference does: `delete_propagation` is a list, and each side's target also carries the tree of
 * folders that its path names.
 */
function transferView(transfer: Record<string, unknown>): Record<string, unknown> {
  const view = { ...transfer }
  if (typeof view.delete_propagation === 'string') view.delete_propagation = [view.delete_propagation]
  for (const side of ['source', 'destination'] as const) {
    const end = objectOrEmpty(view[side])
    const target = objectOrEmpty(end.target)
    if (typeof target.path !== 'string') continue
    view[side] = { ...end, target: { ...target, item: folderTree(target.path) } }
  }
  return view
}

function folderTree(path: string): Record<string, unknown> {
  return path
    .split('/')
    .filter((name) => name !== '')
    .reduce<Record<string, unknown>>((parent, name) => ({ name, type: 'container', parent }), {
      name: '',
      type: 'container',
      root: true,
    })
}

async function lastEnded(job: StoredJob, catalog: Catalog): Promise<StoredExecution | undefined> {
  return job.lastExecution > 1 ? catalog.executions.get(job.id, job.lastExecution - 1) : undefined
}

function healthOf(job: StoredJob, last: StoredExecution | undefined): string {
  if (job.disabled) return 'inactive'
  if (job.status === 'failed' || job.status === 'failed-to-start') return 'unhealthy'
  return last && (last.status === 'failed' || last.status === 'failed_to_start') ? 'unhealthy' : 'healthy'
}

function sums(sum: { items: number; bytes: bigint }): Record<string, unknown> {
  return { items: sum.items, bytes: wireNumber(sum.bytes) }
}

/** No known key holds a credential once a job is stored; an unknown one might. */
function redacted(document: Record<string, unknown>): Record<string, unknown> {
  return redact(document) as Record<string, unknown>
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
