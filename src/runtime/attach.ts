import type { Connection } from '@temporalio/client'
import { JobClient } from '../client/job_client.ts'
import type { Config } from '../config.ts'
import { holderOf, type HeldBy } from '../home/lock.ts'
import { openLogs } from '../home/logs.ts'
import { taskQueueOf } from '../home/task_queue.ts'
import type { OpenHome } from '../open_home/open_home.ts'
import { dataConverter } from '../temporal/codec.ts'
import { connect, disconnect } from '../temporal/connect.ts'
import { deleteJob, keptCommands, type Deleted } from '../client/keep_order.ts'
import { listen } from './listen.ts'
import type { ServeOptions, Stevedore } from './stevedore.ts'

/** Nobody serves the home, so there is nobody to command. */
class NotServed extends Error {
  override readonly name = 'NotServed'
}

interface Attaching {
  config: Config
  options: ServeOptions
  holder: HeldBy | undefined
}

/** Sends commands to whoever serves the home; also listens, where that alone is asked for. @throws NotServed */
export async function attach(home: OpenHome, { config, options, holder }: Attaching): Promise<Stevedore> {
  if (options.keep && holder === undefined) return unserved(home)
  const address = config.temporal.address ?? (await addressOf(home, holder, options.signal))
  await using opened = new AsyncDisposableStack()
  const connection = await reach(address, holder, options.signal)
  opened.defer(() => disconnect(connection))
  const { namespace } = config.temporal
  const taskQueue = taskQueueOf(home.home, config.temporal.taskQueue)
  const client = new JobClient({
    ...{ connection, namespace, taskQueue, catalog: home.catalog },
    dataConverter: await dataConverter(config.temporal.codec),
  })
  // Who came to serve finds it done: the API is there, at the addresses of who does.
  const listens = options.api !== undefined && !options.worker
  const remove = (jobId: string): Promise<Deleted> => deleteJob(jobId, home.catalog, isServed(home))
  const logs = listens ? await openLogs(home.home, 'api', { level: config.log.level }) : undefined
  if (logs) opened.defer(() => logs.close())
  const api = logs ? await listen(home, { client, deleteJob: remove, options, logger: logs.logger, opened }) : {}
  const all = opened.move()
  return {
    addresses: { ...holder?.addresses, temporal: address, ...api },
    namespace,
    taskQueue,
    serves: false,
    ...(holder ? { holder } : {}),
    stillServed: () => holder === undefined || holderOf(home.home)?.pid === holder.pid,
    broken: new Promise(() => undefined),
    commands: client,
    deleteJob: remove,
    close: () => all.disposeAsync(),
  }
}

/** Nobody serves the home now; whoever comes to do so meanwhile looks for orders, too. */
function unserved(home: OpenHome): Stevedore {
  return {
    addresses: {},
    namespace: '',
    taskQueue: '',
    serves: false,
    keeps: true,
    stillServed: () => false,
    broken: new Promise(() => undefined),
    commands: keptCommands(home.catalog, () => nobodyServes(home)),
    deleteJob: (jobId) => deleteJob(jobId, home.catalog, isServed(home)),
    close: async () => undefined,
  }
}

function isServed(home: OpenHome): () => boolean {
  return () => holderOf(home.home) !== undefined
}

function nobodyServes({ home }: OpenHome): NotServed {
  return new NotServed(`nobody serves ${home.path}: start \`stevedore up\`, or set TEMPORAL_ADDRESS`)
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
  throw nobodyServes(home)
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
