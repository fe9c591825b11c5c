import type { Connection } from '@temporalio/client'
import type { FastifyInstance } from 'fastify'
import { JobClient } from '../client/job_client.ts'
import { readConfig, type Config } from '../config.ts'
import { acquire, holderOf, type Addresses, type HeldBy, type Lock } from '../home/lock.ts'
import type { TemporalServer } from '../temporal/server.ts'
import { openLogs, type Logger } from '../home/logs.ts'
import type { OpenHome } from '../open_home/open_home.ts'
import type { ServeOptions, Stevedore } from './stevedore.ts'
import { cancellable, connect, disconnect } from '../temporal/connect.ts'
import { keepRunning } from '../temporal/keep_running.ts'

/** Nobody serves the home, so there is nobody to command. */
class NotServed extends Error {
  override readonly name = 'NotServed'
}

/**
 * Serves a home: finds or starts the Temporal server, then worker and API as asked. One process at a time carries out the
 * jobs of a home; a second one attaches to the first, and only sends commands.
 *
 * @throws NotServed without `worker`, when there is no server to talk to; NoTemporalServer; Error in words for people; the
 * signal's reason when it was called off
 */
export async function serveHome(home: OpenHome, options: ServeOptions): Promise<Stevedore> {
  const config = readConfig()
  if (!options.worker) return attach(home, { config, options, holder: holderOf(home.home) })
  options.signal?.throwIfAborted()
  const asked = await acquire(home.home)
  if ('heldBy' in asked) return attach(home, { config, options, holder: asked.heldBy })
  return serve(home, { config, options, lock: asked.lock })
}

/** Closes in reverse what was opened, each once, whatever the others do. */
class Opened {
  readonly #closers: (() => unknown)[] = []

  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    // Threads and sockets that end are not waited for by Node itself.
    const awake = setInterval(() => undefined, 1_000)
    let failure: unknown
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        failure ??= error
      }
    }
    clearInterval(awake)
    if (failure !== undefined) throw failure
  }
}

interface Serving {
  config: Config
  options: ServeOptions
  lock: Lock
}

async function serve(home: OpenHome, { config, options, lock }: Serving): Promise<Stevedore> {
  const opened = new Opened()
  opened.add(() => lock.release())
  try {
    const { logger, ...logs } = await openLogs(home.home, 'worker', { level: config.log.level })
    opened.add(() => logs.close())
    // Loaded here: commands that only look must not wait for the worker's native code.
    const [{ openServer }, { createEngine }, { startWorker }, { workflowBundle }] = await Promise.all([
      import('../temporal/server.ts'),
      import('../transfer/create_engine.ts'),
      import('./worker.ts'),
      import('../temporal/bundle.ts'),
    ])
    const bundled = workflowBundle({ cache: config.cache })
    bundled.catch(() => undefined)
    const engine = createEngine({ home: home.home, catalog: home.catalog })
    opened.add(() => engine.close())
    const say = (line: string): void => {
      logger.info(line)
      options.say(line)
    }
    const { signal } = options
    signal?.throwIfAborted()
    const server = await openServer(home.home, { config, say, signal })
    endAtExit(server, opened)
    opened.add(() => server.close())
    const { address, namespace } = server
    const { catalog } = home
    const { taskQueue } = config.temporal
    const client = new JobClient({ connection: server.connection, namespace, taskQueue, catalog })
    let api: { api?: string } = {}
    const addresses = (): Addresses => ({
      temporal: address,
      ...(server.ui === undefined ? {} : { ui: server.ui }),
      ...api,
    })
    const { ui } = server
    const kept = keepRunning(server, {
      say,
      async startedAgain(over) {
        lock.serve(addresses(), server.pid)
        if (server.ui !== undefined && server.ui !== ui) say(`The Web UI is at ${server.ui} now.`)
        await server.answers(over)
        // A database that had to be set aside has taken the workflows with it.
        await cancellable(server.connection, over, () => client.reconcile())
      },
    })
    opened.add(() => kept.stop())
    await bundled
    signal?.throwIfAborted()
    const worker = await startWorker({
      address,
      namespace,
      taskQueue,
      engine,
      catalog,
      cache: config.cache,
      logger,
    })
    // Before the engine is closed, and the connections under both.
    opened.add(() => worker.close())
    api = await listen(home, { client, options, logger, opened })
    lock.serve(addresses(), server.pid)
    signal?.throwIfAborted()
    await client.reconcile()
    return {
      get addresses() {
        return addresses()
      },
      namespace,
      serves: true,
      stillServed: () => true,
      broken: Promise.race([
        kept.broken,
        worker.ended.then(
          () => new Promise<never>(() => undefined),
          (error: unknown) => new Error(`the worker ended: ${error instanceof Error ? error.message : String(error)}`),
        ),
      ]),
      commands: client,
      close: () => opened.close(),
    }
  } catch (error) {
    await opened.close().catch(() => undefined)
    throw error
  }
}

/** A second Ctrl-C, or a fault, ends this process at once: the server it started must not stay behind. */
function endAtExit(server: TemporalServer, opened: Opened): void {
  const end = (): void => {
    try {
      server.closeAtExit()
    } catch {
      // It has ended in this moment.
    }
  }
  process.once('exit', end)
  opened.add(() => process.off('exit', end))
}

interface Attaching {
  config: Config
  options: ServeOptions
  holder: HeldBy | undefined
}

async function attach(home: OpenHome, { config, options, holder }: Attaching): Promise<Stevedore> {
  const address = config.temporal.address ?? (await addressOf(home, holder, options.signal))
  const opened = new Opened()
  try {
    const connection = await reach(address, holder, options.signal)
    opened.add(() => disconnect(connection))
    const { namespace, taskQueue } = config.temporal
    const client = new JobClient({ connection, namespace, taskQueue, catalog: home.catalog })
    // Who came to serve finds it done: the API is there, at the addresses of who does.
    const listens = options.api !== undefined && !options.worker
    const logs = listens ? await openLogs(home.home, 'api', { level: config.log.level }) : undefined
    if (logs) opened.add(() => logs.close())
    const api = logs ? await listen(home, { client, options, logger: logs.logger, opened }) : {}
    return {
      addresses: { ...holder?.addresses, temporal: address, ...api },
      namespace,
      serves: false,
      ...(holder ? { holder } : {}),
      stillServed: () => holder === undefined || holderOf(home.home)?.pid === holder.pid,
      broken: new Promise(() => undefined),
      commands: client,
      close: () => opened.close(),
    }
  } catch (error) {
    await opened.close().catch(() => undefined)
    throw error
  }
}

const comingUpMs = 60_000

/** Who just took the lock may still be starting its server. */
async function addressOf(home: OpenHome, holder: HeldBy | undefined, signal: AbortSignal | undefined): Promise<string> {
  const deadline = Date.now() + comingUpMs
  for (let now = holder; now; now = holderOf(home.home)) {
    if (now.addresses.temporal !== undefined) return now.addresses.temporal
    if (Date.now() > deadline)
      throw new NotServed(`process ${now.pid} holds ${home.home.path}, but has started no Temporal server in a minute`)
    signal?.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new NotServed(`nobody serves ${home.home.path}: start \`stevedore up\`, or set TEMPORAL_ADDRESS`)
}

async function reach(
  address: string,
  holder: HeldBy | undefined,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  try {
    return await connect(address, signal)
  } catch (error) {
    signal?.throwIfAborted()
    const whose = holder ? `, started by process ${holder.pid},` : ''
    throw new NotServed(`the Temporal server at ${address}${whose} does not answer: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

interface Listening {
  client: JobClient
  options: ServeOptions
  logger: Logger
  opened: Opened
}

async function listen(home: OpenHome, { client, options, logger, opened }: Listening): Promise<{ api?: string }> {
  if (!options.api) return {}
  const { createApi } = await import('../api/server.ts')
  const { host, port } = options.api
  const app: FastifyInstance = createApi({ ...home, commands: client }, { host, logger })
  opened.add(() => app.close())
  try {
    return { api: await app.listen({ host, port }) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'EADDRINUSE'
        ? `port ${port} of ${host} is in use: give another with --port or STEVEDORE_API_PORT`
        : `the API cannot listen on port ${port} of ${host}: ${message}`
    throw new Error(why, { cause: error })
  }
}
