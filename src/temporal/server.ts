import type { Connection } from '@temporalio/client'
import type { Config } from '../config.ts'
import type { Home } from '../home/home.ts'
import { startEmbedded, type Embedded, type EmbeddedOptions } from './embedded.ts'
import { prepareNamespace, type PrepareOptions } from './namespace.ts'
import { temporalProgram } from './program.ts'
import { connect, disconnect } from './connect.ts'

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
   * Starts the embedded server again, at its address, if it has ended or its database was removed; whoever is connected
   * finds it there.
   *
   * @param signal calls that off: no server stays behind, and its reason is raised
   * @returns whether it was; never of somebody else's
   * @throws Error when another program keeps its address
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
  closeAtExit(): void
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
      close: () => disconnect(connection),
      closeAtExit: () => undefined,
    }
  }
  const program = await temporalProgram({ cache: config.cache, say, signal })
  const start = (how: Pick<EmbeddedOptions, 'port' | 'signal'>): Promise<Embedded> =>
    startEmbedded(home, { program, namespace, say, ...how })
  const prepare = (embedded: Embedded): Promise<Connection> =>
    prepared(embedded.address, namespace, { ours: true, signal }).catch(async (error: unknown) => {
      await embedded.close()
      throw error
    })
  let embedded = await start({ signal })
  const connection = await prepare(embedded).catch(async (error: unknown) => {
    if (!embedded.adopted || signal?.aborted) throw error
    say('The Temporal server that was left running does not answer: another is started.')
    embedded = await start({ signal })
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
      if (embedded.isRunning()) {
        if (!embedded.hasLostDatabase()) return false
        say(`${home.temporal} has been removed: its Temporal server is ended, which would forget what it is told.`)
        await embedded.close()
      }
      embedded = await start({ port, signal: over })
      return true
    },
    answers: (over) => prepareNamespace(connection, namespace, { ours: true, signal: over }),
    async close() {
      await disconnect(connection)
      await embedded.close()
    },
    closeAtExit: () => embedded.signalEnd(),
  }
}

/** A connection to a server that has our namespace; closed again when that can't be. */
async function prepared(address: string, namespace: string, options: PrepareOptions): Promise<Connection> {
  const connection = await connect(address, options.signal)
  try {
    await prepareNamespace(connection, namespace, options)
    return connection
  } catch (error) {
    await disconnect(connection)
    throw error
  }
}
