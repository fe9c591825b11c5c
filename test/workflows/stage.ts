import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type WorkflowClient, type WorkflowHandle } from '@temporalio/client'
import { pino } from 'pino'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { JobClient } from '../../src/client/job_client.ts'
import { readConfig } from '../../src/config.ts'
import { openHome, type Home } from '../../src/home/home.ts'
import { openKey } from '../../src/home/key.ts'
import { openServer, type TemporalServer } from '../../src/temporal/server.ts'
import { startWorker, type RunningWorker } from '../../src/runtime/worker.ts'
import { onceThere } from '../../src/temporal/once_there.ts'
import { progress, state } from '../../workflows/commands.ts'
import type { execution } from '../../workflows/execution.ts'
import type { job } from '../../workflows/job.ts'
import type { ExecutionOutcome, ExecutionState, JobState, WorkflowOptions } from '../../workflows/messages.ts'
import { executionWorkflowId, jobWorkflowId } from '../../workflows/names.ts'
import { FakeEngine, type Script } from './fake_engine.ts'

export interface JobWish extends Script {
  schedule?: Record<string, unknown>
  stop_policy?: Record<string, unknown>
  simulation_mode?: boolean
}

interface WorkerOptions {
  cachedWorkflows?: number
  workflowsPath?: string
}

/** A home, a server, a worker with a fake engine, clients; and the workflows as one sees them on the server. */
export class Stage {
  readonly home: Home
  readonly server: TemporalServer
  readonly catalog: Catalog
  readonly engine: FakeEngine
  readonly workflows: WorkflowClient
  readonly #folder: string
  #worker: RunningWorker | undefined
  #n = 0

  private constructor(folder: string, home: Home, server: TemporalServer) {
    this.#folder = folder
    this.home = home
    this.server = server
    this.catalog = openCatalog(home.catalog, openKey(home.key))
    this.engine = new FakeEngine(this.catalog)
    this.workflows = new Client({ connection: server.connection, namespace: server.namespace }).workflow
  }

  static async open(options: WorkerOptions = {}): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'stevedore-stage-'))
    const home = openHome(folder)
    const server = await openServer(home, { config: readConfig(), say: (line) => process.stderr.write(`${line}\n`) })
    const stage = new Stage(folder, home, server)
    await stage.startWorker(options)
    return stage
  }

  async startWorker(options: WorkerOptions = {}): Promise<void> {
    const { address, namespace } = this.server
    this.#worker = await startWorker({
      address,
      namespace,
      taskQueue: 'stevedore',
      engine: this.engine,
      catalog: this.catalog,
      cache: readConfig().cache,
      logger: pino({ level: 'silent' }),
      ...options,
    })
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.close()
    this.#worker = undefined
  }

  client(options?: WorkflowOptions): JobClient {
    const { connection, namespace } = this.server
    const { catalog } = this
    return new JobClient({ connection, namespace, taskQueue: 'stevedore', catalog, ...(options ? { options } : {}) })
  }

  jobHandle(jobId: string): WorkflowHandle<typeof job> {
    return this.workflows.getHandle<typeof job>(jobWorkflowId(jobId))
  }

  executionHandle(jobId: string, n: number): WorkflowHandle<typeof execution> {
    return this.workflows.getHandle<typeof execution>(executionWorkflowId(jobId, n))
  }

  /** @throws WorkflowFailedError when it failed or was cancelled */
  result(jobId: string, n: number): Promise<ExecutionOutcome> {
    return onceThere(() => this.executionHandle(jobId, n).result())
  }

  progress(jobId: string, n: number): Promise<ExecutionState> {
    return onceThere(() => this.executionHandle(jobId, n).query(progress))
  }

  state(jobId: string): Promise<JobState> {
    return this.jobHandle(jobId).query(state)
  }

  /** A stored job that behaves as scripted; its id. */
  async job({ schedule, stop_policy, simulation_mode, ...script }: JobWish = {}): Promise<string> {
    const side = async (name: string) => {
      const connection = await this.catalog.connections.create({
        name,
        platform: 'fs',
        auth: { root: `/${name}` },
        secrets: {},
      })
      return { connection: { id: connection.id }, target: { path: '/' } }
    }
    const { id: categoryId } = await this.catalog.categories.named('tests')
    const { id } = await this.catalog.jobs.create({
      name: `job ${++this.#n}`,
      categoryId,
      document: {
        transfer: {
          transfer_type: 'copy',
          source: await side('source'),
          destination: await side('destination'),
          ...(simulation_mode === undefined ? {} : { simulation_mode }),
        },
        ...(schedule ? { schedule } : {}),
        ...(stop_policy ? { stop_policy } : {}),
      },
    })
    this.engine.play(id, script)
    return id
  }

  async close(): Promise<void> {
    await this.stopWorker()
    await this.server.close()
    await this.catalog.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
