import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type Connection, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure, type DataConverter } from '@temporalio/common'
import type { job } from '../../workflows/job.ts'
import { approve, cancel, pause, resume, start } from '../../workflows/commands.ts'
import type {
  Approved,
  Cancelled,
  JobFacts,
  Paused,
  Resumed,
  Started,
  WorkflowOptions,
} from '../../workflows/messages.ts'
import { executionWorkflowId, jobWorkflowId, notWaiting, refused, unrecorded } from '../../workflows/names.ts'
import { NotInCatalog, type Catalog } from '../catalog/catalog.ts'
import { beginsAgain, endWorkflows } from './end_workflows.ts'
import { refuseWhilePaused } from './refuse_to_start.ts'
import { refuseToWriteOn } from './refuse_to_write_on.ts'
import { jobFacts } from './job_facts.ts'
import { WorkflowStuck, type JobCommands } from './job_commands.ts'
import { jobStart } from './job_start.ts'
import { reconcile } from './reconcile.ts'
import { Refused } from './refused.ts'
import { settleForGone } from './settle_execution.ts'
import { whyStuck } from './stuck_workflow.ts'

interface JobClientParts {
  connection: Connection
  namespace: string
  taskQueue: string
  catalog: Catalog
  /** What payloads pass through; the worker's too. */
  dataConverter?: DataConverter | undefined
  /** Given to workflows that this client starts; for tests. */
  options?: WorkflowOptions
}

/** How long an answer may take before we say that nobody seems to be at work. Above what `pause` and `cancel` wait. */
const answerMs = 30_000
/** How long an answer may take before it is looked whether the workflow can answer at all; and how long that may take. */
const lookMs = 2_000

/**
 * Commands to jobs. The catalog is the truth: each command starts the job's workflow in passing when the server has lost it.
 */
export class JobClient implements JobCommands {
  readonly #client: Client
  readonly #parts: JobClientParts

  constructor(parts: JobClientParts) {
    this.#parts = parts
    const { connection, namespace, dataConverter } = parts
    this.#client = new Client({ connection, namespace, ...(dataConverter ? { dataConverter } : {}) })
  }

  /**
   * Answers when the execution has begun. Whoever commands is a person: what a schedule starts, the job's workflow does.
   * @throws Refused when it may not: it runs, is complete, paused or disabled
   */
  async start(jobId: string): Promise<Started> {
    const facts = await this.#facts(jobId)
    refuseWhilePaused(facts)
    await this.#parts.catalog.jobs.expectPerson(jobId)
    return this.#command(start, jobId, facts, [])
  }

  /** Answers when nothing is written any more, or after 9 s, saying which. @throws Refused */
  async pause(jobId: string): Promise<Paused> {
    return this.#command(pause, jobId, await this.#facts(jobId), [])
  }

  /** @throws Refused */
  async resume(jobId: string): Promise<Resumed> {
    const facts = await this.#facts(jobId)
    await refuseToWriteOn(this.#parts.catalog, jobId, facts)
    return this.#command(resume, jobId, facts, [])
  }

  /** Answers when the execution has ended, or after 9 s, saying which. @throws Refused */
  async cancel(jobId: string): Promise<Cancelled> {
    return this.#command(cancel, jobId, await this.#facts(jobId), [])
  }

  /** @throws Refused when no plan of this hash waits */
  async approve(jobId: string, hash: string): Promise<Approved> {
    const { lastExecution } = await this.#facts(jobId)
    const execution = this.#client.workflow.getHandle(executionWorkflowId(jobId, lastExecution))
    try {
      return await this.#client.withDeadline(Date.now() + answerMs, () =>
        execution.executeUpdate<Approved, [string]>(approve.name, { args: [hash] }),
      )
    } catch (error) {
      if (error instanceof WorkflowNotFoundError)
        throw new Refused('no execution is under way: nothing waits for an approval')
      const { cause } = error as { cause?: unknown }
      if (cause instanceof ApplicationFailure && cause.type === notWaiting) throw new Refused(cause.message)
      throw understood(error)
    }
  }

  /** Its settings are others now, and it waits for its next run by them; one that is under way takes note at its end. */
  async refresh(jobId: string): Promise<void> {
    const { unfinished, schedule } = await this.#facts(jobId)
    if (unfinished) return
    await this.endWorkflows(jobId, 'its settings were changed: it begins anew by them')
    if (schedule.mode === 'auto') await this.ensure(jobId)
  }

  /** Ends a job's workflows where they stand; they begin again from the catalog. */
  async endWorkflows(jobId: string, why: string): Promise<void> {
    const execution = (await this.#parts.catalog.jobs.get(jobId))?.lastExecution ?? 0
    await endWorkflows(this.#client, { jobId, execution }, why)
  }

  /** Makes sure that a job which runs by itself does. */
  async ensure(jobId: string): Promise<void> {
    const start = await this.#startOptions(jobId, await this.#facts(jobId))
    await this.#client.workflow.start<typeof job>('job', start)
  }

  /**
   * Workflows that can't go on are terminated. What was under way goes on under its number in new ones, with what the ledger
   * knows, and a schedule with the next run.
   *
   * @throws Refused when none of the job's workflows is stuck
   */
  async repair(jobId: string): Promise<void> {
    const { catalog } = this.#parts
    const { name, lastExecution } = await this.#facts(jobId)
    const [job, execution] = [jobWorkflowId(jobId), executionWorkflowId(jobId, lastExecution)]
    const isJobStuck = (await this.#whyStuck(job)) !== undefined
    if (!isJobStuck && (await this.#whyStuck(execution)) === undefined)
      throw new Refused(`the workflows of ${JSON.stringify(name)} go on: there is nothing to repair`)
    // Whichever is not stuck would take note of the end of the other: an execution is cancelled with its job, and a job
    // counts an execution that is terminated as failed.
    for (const workflowId of isJobStuck ? [execution, job] : [job, execution]) await this.#terminate(workflowId)
    const { unfinished, schedule } = await this.#facts(jobId)
    const { status } = (await catalog.jobs.get(jobId))!
    if (unfinished || schedule.mode === 'auto') await this.ensure(jobId)
    else if (status === 'running' || status === 'cancelling')
      await settleForGone(catalog, { jobId, execution: lastExecution })
  }

  async stuck(jobId: string): Promise<string | undefined> {
    try {
      return await this.#client.withDeadline(Date.now() + lookMs, async () => {
        const { name, lastExecution } = await this.#facts(jobId)
        const why =
          (await this.#whyStuck(jobWorkflowId(jobId))) ??
          (await this.#whyStuck(executionWorkflowId(jobId, lastExecution)))
        if (why === undefined) return undefined
        return `the workflow of ${JSON.stringify(name)} can't go on: ${why}; \`stevedore job repair ${jobId}\` ends it, and goes on from what catalog and ledger know`
      })
    } catch {
      return undefined
    }
  }

  /** @returns how many jobs were looked after */
  reconcile(): Promise<number> {
    const { catalog } = this.#parts
    return reconcile({ catalog, workflows: this.#client.workflow, open: (jobId) => this.ensure(jobId) })
  }

  #whyStuck(workflowId: string): Promise<string | undefined> {
    return whyStuck(this.#client.workflow, workflowId, this.#parts.taskQueue)
  }

  async #terminate(workflowId: string): Promise<void> {
    try {
      await this.#client.workflow.getHandle(workflowId).terminate(`${beginsAgain}job repair`)
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
  }

  #facts(jobId: string): Promise<JobFacts> {
    return jobFacts(this.#parts.catalog, jobId)
  }

  async #command<Answer, Args extends unknown[]>(
    update: { type: 'update'; name: string },
    jobId: string,
    facts: JobFacts,
    args: Args,
  ): Promise<Answer> {
    const over = new AbortController()
    try {
      return await Promise.race([
        this.#client.withAbortSignal(over.signal, () => this.#send<Answer, Args>(update.name, { jobId, facts, args })),
        this.#failWhenStuck(jobId, over.signal),
      ])
    } finally {
      over.abort()
    }
  }

  async #send<Answer, Args extends unknown[]>(
    update: string,
    { jobId, facts, args }: { jobId: string; facts: JobFacts; args: Args },
  ): Promise<Answer> {
    const deadlineMs = Date.now() + answerMs
    for (let attempt = 1; ; attempt++) {
      const startWorkflowOperation = new WithStartWorkflowOperation<typeof job>(
        'job',
        await this.#startOptions(jobId, facts),
      )
      try {
        return await this.#client.withDeadline(deadlineMs, () =>
          this.#client.workflow.executeUpdateWithStart<typeof job, Answer, Args>(update, {
            args,
            startWorkflowOperation,
          }),
        )
      } catch (error) {
        if (attempt < 3 && hasClosed(error)) continue
        throw understood(error)
      }
    }
  }

  /** A workflow that can't go on answers nobody: that is known long before the answer is overdue. */
  async #failWhenStuck(jobId: string, over: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(lookMs)
      if (over.aborted) return new Promise<never>(() => undefined)
      const why = await this.stuck(jobId)
      if (why !== undefined) throw new WorkflowStuck(why)
    }
  }

  async #startOptions(jobId: string, facts: JobFacts) {
    const { catalog, taskQueue, options } = this.#parts
    const stored = await catalog.jobs.get(jobId)
    if (!stored) throw new NotInCatalog(`there is no job ${jobId}`)
    return jobStart(stored, facts, { taskQueue, options })
  }
}

/** It closed in this moment, complete or cancelled; asked again the command meets a new one. */
function hasClosed(error: unknown): boolean {
  const { cause } = error as { cause?: unknown }
  if (cause instanceof ApplicationFailure && cause.type === 'AcceptedUpdateCompletedWorkflow') return true
  return /workflow execution already completed/i.test(
    String((cause as Error | undefined)?.message ?? (error as Error).message),
  )
}

function understood(error: unknown): unknown {
  const { cause, name } = error as { cause?: unknown; name?: string }
  if (cause instanceof ApplicationFailure && cause.type === refused) return new Refused(cause.message)
  if (cause instanceof ApplicationFailure && cause.type === unrecorded)
    return new Error(
      `it could not be recorded: ${cause.message}; does a worker of another home poll this task queue?`,
      {
        cause: error,
      },
    )
  if (cause instanceof CancelledFailure || name === 'WorkflowUpdateRPCTimeoutOrCancelledError' || isTimeout(error)) {
    return new Error(`no answer within ${answerMs / 1_000} s: is a worker running? (stevedore worker)`, {
      cause: error,
    })
  }
  return error
}

function isTimeout(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
  return code === 4 || cause?.code === 4
}
