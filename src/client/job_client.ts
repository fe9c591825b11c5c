import { Client, type Connection, WithStartWorkflowOperation } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import type { job } from '../../workflows/job.ts'
import { cancel, pause, resume, start } from '../../workflows/commands.ts'
import type { Cancelled, JobFacts, Paused, Resumed, Started, WorkflowOptions } from '../../workflows/messages.ts'
import { refused, unrecorded } from '../../workflows/names.ts'
import { NotInCatalog, type Catalog } from '../catalog/catalog.ts'
import { refuseToWriteOn } from './refuse_to_write_on.ts'
import { jobFacts } from './job_facts.ts'
import { jobStart } from './job_start.ts'
import { Refused } from './refused.ts'

interface JobClientParts {
  connection: Connection
  namespace: string
  taskQueue: string
  catalog: Catalog
  /** Given to workflows that this client starts; for tests. */
  options?: WorkflowOptions
}

/** How long an answer may take before we say that nobody seems to be at work. Above what `pause` and `cancel` wait. */
const answerMs = 30_000

/**
 * Commands to jobs. The catalog is the truth: each command starts the job's workflow in passing when the server has lost it.
 */
export class JobClient {
  readonly #client: Client
  readonly #parts: JobClientParts

  constructor(parts: JobClientParts) {
    this.#parts = parts
    this.#client = new Client({ connection: parts.connection, namespace: parts.namespace })
  }

  /**
   * Answers when the execution has begun. Whoever commands is a person: what a schedule starts, the job's workflow does.
   * @throws Refused when it may not: it runs, is complete, paused or disabled
   */
  async start(jobId: string): Promise<Started> {
    const facts = await this.#facts(jobId)
    await this.#parts.catalog.jobs.expectPerson(jobId)
    return this.#command(start, jobId, facts, [facts])
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

  /** Makes sure that a job which runs by itself does. */
  async ensure(jobId: string): Promise<void> {
    const start = await this.#startOptions(jobId, await this.#facts(jobId))
    await this.#client.workflow.start<typeof job>('job', start)
  }

  /**
   * Starts the workflows the server has lost, or never had, of jobs that are under way or run by themselves.
   * @returns how many jobs were looked after
   */
  async reconcile(): Promise<number> {
    let looked = 0
    for (let offset = 0; ; offset += pageOfJobs) {
      const { rows } = await this.#parts.catalog.jobs.list({ offset, limit: pageOfJobs })
      for (const stored of rows) {
        if (stored.status === 'complete') continue
        const facts = await this.#facts(stored.id)
        if (!facts.unfinished && facts.schedule.mode !== 'auto') continue
        await this.ensure(stored.id)
        looked += 1
      }
      if (rows.length < pageOfJobs) return looked
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
    for (let attempt = 1; ; attempt++) {
      const startWorkflowOperation = new WithStartWorkflowOperation<typeof job>(
        'job',
        await this.#startOptions(jobId, facts),
      )
      try {
        return await this.#client.withDeadline(Date.now() + answerMs, () =>
          this.#client.workflow.executeUpdateWithStart<typeof job, Answer, Args>(update.name, {
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

  async #startOptions(jobId: string, facts: JobFacts) {
    const { catalog, taskQueue, options } = this.#parts
    const stored = await catalog.jobs.get(jobId)
    if (!stored) throw new NotInCatalog(`there is no job ${jobId}`)
    return jobStart(stored, facts, { taskQueue, options })
  }
}

const pageOfJobs = 500

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
