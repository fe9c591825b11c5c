import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client'
import { startStevedore, untilServed, type Running } from '../rig/processes.ts'
import { Rest, type ExecutionState } from '../rig/rest.ts'

export interface Run {
  seconds: number
  jobId: string
  execution: number
  /** Most memory the worker held since this run began, in MiB. */
  peakMiB: number
  end: ExecutionState
}

/** Server, worker and API in a process of their own, up before anything is measured; driven through `/v1`. */
export class Ours {
  readonly rest: Rest
  readonly #process: Running
  readonly #connection: Connection
  readonly #client: Client

  private constructor(process: Running, rest: Rest, connection: Connection) {
    this.rest = rest
    this.#process = process
    this.#connection = connection
    this.#client = new Client({ connection, namespace: 'stevedore' })
  }

  /** @param folder where home and log go; the home is on the same file system as the trees */
  static async start(folder: string): Promise<Ours> {
    const home = join(folder, 'home')
    mkdirSync(home)
    const process = startStevedore(['up'], { home, log: join(folder, 'stevedore.log') })
    const served = await untilServed(home, process)
    const connection = await Connection.connect({ address: served.temporal })
    return new Ours(process, new Rest(served.api, served.token), connection)
  }

  /** From the job document in hand to the last workflow event: create, start, wait. */
  async submit(document: object): Promise<Run> {
    this.#resetPeak()
    const began = performance.now()
    const jobId = await this.rest.createJob(document)
    await this.rest.start(jobId)
    return this.#toItsEnd(jobId, 1, began)
  }

  async again(jobId: string, execution: number): Promise<Run> {
    this.#resetPeak()
    const began = performance.now()
    await this.rest.start(jobId)
    return this.#toItsEnd(jobId, execution, began)
  }

  async #toItsEnd(jobId: string, execution: number, began: number): Promise<Run> {
    const failure = await this.#failureOf(`job/${jobId}/${execution}`)
    const seconds = (performance.now() - began) / 1000
    const end = await this.rest.lastExecution(jobId)
    if (failure !== undefined || end === undefined || !['completed', 'no_changes'].includes(end.status))
      throw new Error(
        `execution ${execution} ended as ${end?.status ?? 'unknown'}: ${end?.sentence ?? String(failure)}`,
      )
    return { seconds, jobId, execution, peakMiB: this.#peakMiB(), end }
  }

  /** Told by the server the moment the workflow closes; nothing is polled but the moment it begins. */
  async #failureOf(workflowId: string): Promise<unknown> {
    for (;;) {
      try {
        await this.#client.workflow.getHandle(workflowId).result()
        return undefined
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) return error
        await sleep(2)
      }
    }
  }

  /** Events in the histories of a job and all its executions, every run of a chain counted. */
  async historyEvents(jobId: string, executions: number): Promise<number> {
    const ids = [`job/${jobId}`, ...Array.from({ length: executions }, (_, i) => `job/${jobId}/${i + 1}`)]
    const lengths = await Promise.all(ids.map((id) => this.#chainLength(id)))
    return lengths.reduce((sum, length) => sum + length, 0)
  }

  async #chainLength(workflowId: string): Promise<number> {
    let events = 0
    let runId: string | undefined
    const seen = new Set<string>()
    // Backwards through continue-as-new: each run's first event names the one before.
    do {
      const history = await this.#client.workflow.getHandle(workflowId, runId).fetchHistory()
      events += history.events?.length ?? 0
      const first = history.events?.[0]?.workflowExecutionStartedEventAttributes
      runId = first?.continuedExecutionRunId || undefined
      if (runId === undefined || seen.has(runId)) break
      seen.add(runId)
    } while (runId !== undefined)
    return events
  }

  /** Linux forgets a process's peak when 5 is written there; elsewhere peaks are those of its whole life. */
  #resetPeak(): void {
    try {
      writeFileSync(`/proc/${this.#process.pid}/clear_refs`, '5')
    } catch {
      // Read as a peak over all runs so far, which is never too small.
    }
  }

  #peakMiB(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN) / 1024
  }

  async end(): Promise<void> {
    await this.#connection.close()
    await this.#process.end('SIGTERM')
  }
}
