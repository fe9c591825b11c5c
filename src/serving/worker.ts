import { NativeConnection, Worker } from '@temporalio/worker'
import { createActivities } from '../../activities/create_activities.ts'
import { failures } from '../../activities/interceptor.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Logger } from '../home/logs.ts'
import { workflowBundle } from '../temporal/bundle.ts'
import { settings } from '../temporal/connect.ts'
import { quietRuntime } from '../temporal/runtime.ts'
import type { Engine } from '../transfer/engine.ts'

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
  quietRuntime(parts.logger)
  const [connection, codePath] = await Promise.all([
    NativeConnection.connect({ ...settings(parts.address), address: parts.address }),
    workflowBundle({ cache: parts.cache }),
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
  const { namespace, taskQueue, engine, catalog, logger } = parts
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: { codePath },
    activities: createActivities({ engine, catalog }),
    interceptors: { activity: [failures({ error: (message, fields) => logger.error(fields, message) })] },
    // A cancel reaches an activity with the answer to a heartbeat, so those must not be held back.
    maxHeartbeatThrottleInterval: '500 ms',
    defaultHeartbeatThrottleInterval: '500 ms',
    // Slices are told at once that the worker goes, and end by themselves; nothing is gained by waiting first.
    shutdownGraceTime: 0,
    shutdownForceTime: '2 minutes',
    // Workflows sleep in the server. One thread replays them; few are kept, for memory.
    workflowThreadPoolSize: 1,
    maxCachedWorkflows: 40,
    // After a death the next worker must not wait for the dead one's own queue.
    stickyQueueScheduleToStartTimeout: '2 s',
    maxConcurrentActivityTaskExecutions: 40,
    maxConcurrentLocalActivityExecutions: 20,
    maxConcurrentWorkflowTaskExecutions: 20,
    maxEagerActivityReservationsPerWorkflowTask: 8,
  })
}
