import type { JobClient } from '../client/job_client.ts'
import { reconciling } from '../client/reconciling.ts'
import type { Config } from '../config.ts'
import type { Addresses, Lock } from '../home/lock.ts'
import { openLogs } from '../home/logs.ts'
import { taskQueueOf } from '../home/task_queue.ts'
import type { OpenHome } from '../open_home/open_home.ts'
import { workflowBundle } from '../temporal/bundle.ts'
import { dataConverter } from '../temporal/codec.ts'
import { keepRunning } from '../temporal/keep_running.ts'
import { openServer, type TemporalServer } from '../temporal/server.ts'
import type { Deleted } from '../client/keep_order.ts'
import { listen } from './listen.ts'
import type { ServeOptions, Stevedore } from './stevedore.ts'
import type { RunningWorker } from './worker.ts'

interface Serving {
  config: Config
  options: ServeOptions
  lock: Lock
}

/** Server, worker and, where it is asked for, API, in this process; the lock is given back when it is closed, or fails. */
export async function serve(home: OpenHome, { config, options, lock }: Serving): Promise<Stevedore> {
  await using opened = new AsyncDisposableStack()
  opened.defer(() => lock.release())
  const { signal } = options
  const { catalog } = home
  const { logger, ...logs } = await openLogs(home.home, 'worker', { level: config.log.level })
  opened.defer(() => logs.close())
  const say = (line: string): void => {
    logger.info(line)
    options.say(line)
  }
  signal?.throwIfAborted()
  const opening = openServer(home.home, { config, say, signal })
  opened.defer(() => opening.then((server) => server.close()).catch(() => undefined))
  // Loaded while the server starts, which takes as long.
  const [{ createEngine }, { startWorker }, { JobClient }, { obeyKept, obeyOrders }, { deleteJob }, converter] =
    await Promise.all([
      import('../transfer/engine/create_engine.ts'),
      import('./worker.ts'),
      import('../client/job_client.ts'),
      import('../client/obey_orders.ts'),
      import('../client/keep_order.ts'),
      dataConverter(config.temporal.codec),
      workflowBundle({ cache: config.cache }),
    ])
  const engine = createEngine({ home: home.home, catalog, limits: { threads: config.ioThreads } })
  opened.defer(() => engine.close())
  const server = await opening
  endAtExit(server, opened)
  const { address, namespace } = server
  const taskQueue = taskQueueOf(home.home, config.temporal.taskQueue)
  const { connection } = server
  const client = new JobClient({ connection, namespace, taskQueue, catalog, dataConverter: converter })
  const whereabouts = new Whereabouts(lock, server)
  const kept = keepRunning(server, { say, startedAgain: startedAgain(server, { whereabouts, client, say }) })
  opened.defer(() => kept.stop())
  signal?.throwIfAborted()
  const orders = { catalog, client, engine, say }
  await obeyKept(orders)
  const worker = await startWorker({
    ...{ address, namespace, taskQueue, engine, catalog, cache: config.cache, logger },
    config: config.worker,
    dataConverter: converter,
  })
  // Before the engine is closed, and the connections under both.
  opened.defer(() => worker.close())
  const stopObeying = obeyOrders(orders)
  opened.defer(() => stopObeying())
  const remove = (jobId: string): Promise<Deleted> => deleteJob(jobId, catalog, () => true)
  const { api } = await listen(home, { client, deleteJob: remove, options, logger, opened })
  whereabouts.tell(api)
  signal?.throwIfAborted()
  await client.reconcile()
  const looking = reconciling(client, {
    onError: (error) => logger.warn({ err: error }, 'catalog and server were not compared'),
  })
  opened.defer(() => looking.stop())
  const all = opened.move()
  return {
    get addresses() {
      return whereabouts.addresses
    },
    namespace,
    taskQueue,
    serves: true,
    stillServed: () => true,
    broken: brokenBy(worker),
    commands: client,
    deleteJob: remove,
    close: () => all.disposeAsync(),
  }
}

/** Where the home is served; the Web UI may move when the server is started again. */
class Whereabouts {
  readonly #lock: Lock
  readonly #server: TemporalServer
  #api: string | undefined

  constructor(lock: Lock, server: TemporalServer) {
    this.#lock = lock
    this.#server = server
  }

  get addresses(): Addresses {
    const { address, ui } = this.#server
    return {
      temporal: address,
      ...(ui === undefined ? {} : { ui }),
      ...(this.#api === undefined ? {} : { api: this.#api }),
    }
  }

  /** To those who come next. */
  tell(api = this.#api): void {
    this.#api = api
    this.#lock.serve(this.addresses, this.#server.pid)
  }
}

interface AfterRestart {
  whereabouts: Whereabouts
  client: JobClient
  say(line: string): void
}

function startedAgain(server: TemporalServer, { whereabouts, client, say }: AfterRestart) {
  const { ui } = server
  return async (over: AbortSignal): Promise<void> => {
    whereabouts.tell()
    if (server.ui !== undefined && server.ui !== ui) say(`The Web UI is at ${server.ui} now.`)
    await server.answers(over)
    // A database that had to be set aside has taken the workflows with it.
    const { cancellable } = await import('../temporal/connect.ts')
    await cancellable(server.connection, over, () => client.reconcile())
  }
}

/** Why the worker ended by itself; one that was told to has broken nothing. */
function brokenBy(worker: RunningWorker): Promise<Error> {
  return worker.ended.then(
    () => new Promise<never>(() => undefined),
    (error: unknown) => new Error(`the worker ended: ${error instanceof Error ? error.message : String(error)}`),
  )
}

/** A second Ctrl-C, or a fault, ends this process at once: the server it started must not stay behind. */
function endAtExit(server: TemporalServer, opened: AsyncDisposableStack): void {
  const end = (): void => {
    try {
      server.kill()
    } catch {
      // It has ended in this moment.
    }
  }
  process.once('exit', end)
  opened.defer(() => void process.off('exit', end))
}
