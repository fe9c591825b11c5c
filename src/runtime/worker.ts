import type { DataConverter } from '@temporalio/common'
import { NativeConnection, Worker } from '@temporalio/worker'
import { createActivities } from '../../activities/create_activities.ts'
import { failures } from '../../activities/interceptor.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { readConfig, type WorkerConfig } from '../config.ts'
import type { Logger } from '../home/logs.ts'
import { workflowBundle } from '../temporal/bundle.ts'
import { settings } from '../temporal/connect.ts'
import { quietRuntime } from '../temporal/runtime.ts'
import type { Engine } from '../transfer/engine/engine.ts'

interface WorkerParts {
  /** `host:port` of the Temporal server. */
  address: string
  namespace: string
  taskQueue: string
  engine: Engine
  catalog: Catalog
  /** Where the workflow bundle is kept. */
  cache: string
  logger: Logger
  /** Workflows kept in memory; with none each task begins by replaying its history, which tests want. */
  cachedWorkflows?: number
  /** Other workflow code than ours; for tests. */
  workflowsPath?: string
  /** Default: what the environment says when it says nothing. */
  config?: WorkerConfig
  dataConverter?: DataConverter | undefined
}

export interface RunningWorker {
  /**
   * No new write begins; what is in hand is finished and committed. Resolves when nothing of it is left; engine and catalog
   * are their owner's to close.
   */
  close(): Promise<void>
  /** Settles when the worker ends; rejects when that was not asked for. */
  readonly ended: Promise<void>
}

/** Starts a worker that carries out workflows and activities; it polls when this resolves. */
export async function startWorker(parts: WorkerParts): Promise<RunningWorker> {
  quietRuntime(parts.logger, parts.config?.metrics)
  const [connection, codePath] = await Promise.all([
    NativeConnection.connect({ ...settings(parts.address), address: parts.address }),
    workflowBundle({ cache: parts.cache, ...(parts.workflowsPath ? { workflowsPath: parts.workflowsPath } : {}) }),
  ])
  const worker = await createWorker(connection, codePath, parts)
  const ended = worker.run().finally(() => connection.close())
  ended.catch(() => undefined)
  return {
    ended,
    async close() {
      if (worker.getState() === 'RUNNING') worker.shutdown()
      await ended.catch(() => undefined)
    },
  }
}

function createWorker(connection: NativeConnection, codePath: string, parts: WorkerParts): Promise<Worker> {
  const { namespace, taskQueue, engine, catalog, logger, dataConverter } = parts
  const { config = readConfig({}).worker, cachedWorkflows = 40 } = parts
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: { codePath },
    ...(dataConverter ? { dataConverter } : {}),
    activities: createActivities({ engine, catalog }),
    interceptors: { activity: [failures({ error: (message, fields) => logger.error(fields, message) })] },
    ...tuning(config),
    // Slices are told at once that the worker goes, and end by themselves; nothing is gained by waiting first.
    shutdownGraceTime: 0,
    shutdownForceTime: '2 minutes',
    // Workflows sleep in the server. One thread replays them; few are kept, for memory.
    workflowThreadPoolSize: 1,
    maxCachedWorkflows: cachedWorkflows,
    // After a death the next worker must not wait for the dead one's own queue.
    stickyQueueScheduleToStartTimeout: '2 s',
    maxConcurrentLocalActivityExecutions: 20,
    maxEagerActivityReservationsPerWorkflowTask: 8,
  })
}

/** What administrators decide of a worker. */
export function tuning({ activitySlots, workflowSlots, heartbeatMs }: WorkerConfig) {
  return {
    // Each is a state transition on the server, which is what some clusters are paid by.
    maxHeartbeatThrottleInterval: heartbeatMs,
    defaultHeartbeatThrottleInterval: heartbeatMs,
    maxConcurrentActivityTaskExecutions: activitySlots,
    maxConcurrentWorkflowTaskExecutions: workflowSlots,
  }
}
