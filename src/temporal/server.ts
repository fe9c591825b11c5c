import type { Connection } from '@temporalio/client'
import type { Config } from '../config.ts'
import type { Home } from '../home/home.ts'
import { startEmbedded, whyUnreadable, type Embedded, type EmbeddedOptions } from './embedded.ts'
import type { PrepareOptions } from './namespace.ts'
import { temporalProgram } from './program.ts'

/** A Temporal server that answers, with our namespace in it. */
export interface TemporalServer {
  /** `host:port`. */
  address: string
  namespace: string
  /** URL of the Web UI, when it is ours. */
  readonly ui?: string | undefined
  /** Of the embedded server, as long as it is not another. */
  readonly pid?: number
  /** For clients; closed with the server. */
  connection: Connection
  /**
   * Starts the embedded server again, at its address, if it has ended; whoever is connected finds it there.
   *
   * @param signal calls that off: no server stays behind, and its reason is raised
   * @returns whether it was; never of somebody else's
   * @throws Error when it does not start, as when another program has its address
   */
  keep(signal?: AbortSignal): Promise<boolean>
  /**
   * Waits until one that was started again answers, with our namespace in it, even if its database had to be set aside.
   *
   * @throws the signal's reason when that was called off
   */
  answers(signal?: AbortSignal): Promise<void>
  /** Ends the embedded server; somebody else's goes on. */
  close(): Promise<void>
  /** The same at once, from the exit of this process: nothing is waited for. */
  kill(): void
}

interface ServerOptions {
  config: Pick<Config, 'temporal' | 'cache'>
  /** One line about what is being done, for a person who waits. */
  say(line: string): void
  /** Calls the start off: no server stays behind, and its reason is raised. */
  signal?: AbortSignal | undefined
}

/**
 * The server that `TEMPORAL_ADDRESS` names; else the embedded one of this home, whose program is looked for on the PATH
 * and in the cache, then downloaded, then built.
 *
 * @throws NoTemporalServer, or an Error that says what is wrong with the one there is
 */
export async function openServer(home: Home, { config, say, signal }: ServerOptions): Promise<TemporalServer> {
  const { address: theirs, namespace } = config.temporal
  if (theirs !== undefined) {
    const connection = await prepared(theirs, namespace, { ours: false, signal })
    return {
      address: theirs,
      namespace,
      connection,
      keep: () => Promise.resolve(false),
      answers: () => Promise.resolve(),
      close: () => disconnected(connection),
      kill: () => undefined,
    }
  }
  const program = await temporalProgram({ cache: config.cache, say, signal })
  const start = (how: Pick<EmbeddedOptions, 'port' | 'signal' | 'setAside'>): Promise<Embedded> =>
    startEmbedded(home, { program, namespace, say, ...how })
  const prepare = (embedded: Embedded): Promise<Connection> =>
    prepared(embedded.address, namespace, { ours: true, signal }).catch(async (error: unknown) => {
      await embedded.close()
      throw error
    })
  let embedded = await start({ signal })
  const connection = await prepare(embedded).catch(async (error: unknown) => {
    // Not every damage keeps it from starting.
    const setAside = signal?.aborted ? undefined : whyUnreadable(home, error)
    if (setAside === undefined) throw error
    embedded = await start({ signal, setAside })
    return prepare(embedded)
  })
  const { address, port } = embedded
  return {
    address,
    namespace,
    get ui() {
      return embedded.ui
    },
    get pid() {
      return embedded.pid
    },
    connection,
    async keep(over) {
      if (embedded.isRunning()) return false
      embedded = await start({ port, signal: over })
      return true
    },
    async answers(over) {
      const { prepareNamespace } = await import('./namespace.ts')
      await prepareNamespace(connection, namespace, { ours: true, signal: over })
    },
    async close() {
      await disconnected(connection)
      await embedded.close()
    },
    kill: () => embedded.kill(),
  }
}

/** A connection to a server that has our namespace; closed again when that can't be. */
async function prepared(address: string, namespace: string, options: PrepareOptions): Promise<Connection> {
  // Loaded here: a server that is being started need not wait for its client.
  const [{ connect }, { prepareNamespace }] = await Promise.all([import('./connect.ts'), import('./namespace.ts')])
  const connection = await connect(address, options.signal)
  try {
    await prepareNamespace(connection, namespace, options)
    return connection
  } catch (error) {
    await disconnected(connection)
    throw error
  }
}

async function disconnected(connection: Connection): Promise<void> {
  const { disconnect } = await import('./connect.ts')
  await disconnect(connection)
}
