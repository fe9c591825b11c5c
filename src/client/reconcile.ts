import { WorkflowNotFoundError, type WorkflowClient, type WorkflowHandle } from '@temporalio/client'
import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { ended, state } from '../../workflows/commands.ts'
import type { Unrecorded } from '../../workflows/messages.ts'
import { executionWorkflowId, jobWorkflowId, stoppedFromOutside } from '../../workflows/names.ts'
import { attributes } from '../../workflows/search_attributes.ts'
import { beginsAgain } from './end_workflows.ts'
import { jobFacts } from './job_facts.ts'
import { settleForGone } from './settle_execution.ts'

interface ReconcileParts {
  catalog: Catalog
  workflows: WorkflowClient
  /** Starts the workflow of a job unless it is open. */
  open(jobId: string): Promise<void>
}

const pageOfJobs = 500

/** What became of a workflow: `lost` is one that the server does not know; `gone` is one that somebody ended from outside. */
type Fate = { is: 'open' | 'lost' | 'closed' } | { is: 'gone'; how: Unrecorded }

/**
 * Catalog and server say the same again. Workflows that the server has lost, or never had, of jobs that are under way or run by
 * themselves are started. What somebody ended on the server is ended in the catalog too, and stays so: the job is at rest
 * until somebody starts it. A job that was reset hears of an execution that ended without it.
 *
 * @returns how many jobs were looked after
 */
export async function reconcile(parts: ReconcileParts): Promise<number> {
  let looked = 0
  for (let offset = 0; ; offset += pageOfJobs) {
    const { rows } = await parts.catalog.jobs.list({ offset, limit: pageOfJobs })
    for (const stored of rows) if (await lookAfter(stored, parts)) looked += 1
    if (rows.length < pageOfJobs) break
  }
  await tellWhoHasNotHeard(parts)
  return looked
}

async function lookAfter(stored: StoredJob, { catalog, workflows, open }: ReconcileParts): Promise<boolean> {
  const { id: jobId, status, statusReason, lastExecution: execution, disabled } = stored
  if (status === 'complete') return false
  const { unfinished, schedule } = await jobFacts(catalog, jobId)
  const isUnderWay = unfinished || status === 'running' || status === 'cancelling'
  const runsByItself =
    schedule.mode === 'auto' && status !== 'paused' && !disabled && statusReason !== stoppedFromOutside
  if (!isUnderWay && !runsByItself) return false
  const job = await fateOf(workflows, jobWorkflowId(jobId))
  if (job.is === 'gone') {
    if (!isUnderWay) {
      await catalog.jobs.update(jobId, { status: 'idle', statusReason: stoppedFromOutside, executeOn: null })
      return true
    }
    const child = await fateOf(workflows, executionWorkflowId(jobId, execution))
    // It was told to end when its job went, and finishes what it has in hand.
    if (child.is === 'open') return true
    const unrecorded = child.is === 'gone' ? child.how : job.how
    await settleForGone(catalog, { jobId, execution, unrecorded })
    return true
  }
  if (job.is !== 'open') await open(jobId)
  else if (unfinished) {
    const child = await fateOf(workflows, executionWorkflowId(jobId, execution))
    if (child.is === 'gone') await workflows.getHandle(jobWorkflowId(jobId)).signal(ended, execution, child.how)
  }
  return true
}

/** Jobs that say they are running, of which the catalog has the end on record: they were reset to a time before it. */
async function tellWhoHasNotHeard({ catalog, workflows }: ReconcileParts): Promise<void> {
  const query = `WorkflowType = 'job' AND ExecutionStatus = 'Running' AND ${attributes.status.name} IN ('running', 'cancelling', 'paused')`
  for await (const { workflowId, typedSearchAttributes } of workflows.list({ query })) {
    const stored = await catalog.jobs.get(typedSearchAttributes.get(attributes.job) ?? '')
    // One that the catalog takes for running hears of the end by itself; and not every job here is of this home.
    if (!stored || stored.status === 'running' || stored.status === 'cancelling') continue
    const job = workflows.getHandle(workflowId)
    const { running, execution } = await job.query(state)
    if (!running) continue
    const run = await catalog.executions.get(stored.id, execution)
    if (run && run.endedOn !== null) await job.signal(ended, execution)
  }
}

async function fateOf(workflows: WorkflowClient, workflowId: string): Promise<Fate> {
  try {
    const handle = workflows.getHandle(workflowId)
    const { status } = await handle.describe()
    if (status.name === 'RUNNING') return { is: 'open' }
    if (status.name === 'TERMINATED' && (await isToBeginAgain(handle))) return { is: 'closed' }
    const how = endedFromOutside[status.name]
    return how ? { is: 'gone', how } : { is: 'closed' }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { is: 'lost' }
    throw error
  }
}

/** Only the last event says why somebody terminated it. */
async function isToBeginAgain(workflow: WorkflowHandle): Promise<boolean> {
  const { events } = await workflow.fetchHistory()
  const { reason } = events?.at(-1)?.workflowExecutionTerminatedEventAttributes ?? {}
  return reason?.startsWith(beginsAgain) ?? false
}

const endedFromOutside: Readonly<Record<string, Unrecorded | undefined>> = {
  TERMINATED: { status: 'failed', sentence: 'broke off: its workflow was terminated from outside' },
  TIMED_OUT: { status: 'failed', sentence: 'broke off: its workflow ran into a time limit of the server' },
  CANCELLED: { status: 'cancelled', sentence: 'cancelled before it could say more' },
}
