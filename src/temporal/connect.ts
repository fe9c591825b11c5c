import { Connection } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { Retries } from './retries.ts'
import { unlessAborted } from './unless_aborted.ts'

const retriesOf = new WeakMap<Connection, Retries>()

/**
 * A client's connection. TLS and API keys come from the SDK's own variables and configuration file, and only for a server
 * that is not the embedded one. To be closed by {@link disconnect}.
 *
 * @throws Error when nobody answers within 10 s; the signal's reason when it was called off
 */
export async function connect(address: string, signal?: AbortSignal): Promise<Connection> {
  const retries = new Retries()
  const connection = Connection.lazy({ ...settings(address), address, interceptors: [retries.interceptor] })
  retriesOf.set(connection, retries)
  try {
    await cancellable(connection, signal, () => connection.ensureConnected())
    return connection
  } catch (error) {
    await disconnect(connection)
    throw error
  }
}

/** Closes a connection, whatever calls are under way on it: they fail. */
export async function disconnect(connection: Connection): Promise<void> {
  await retriesOf.get(connection)?.end()
  await connection.close()
}

/**
 * What the work comes to, unless it is called off: then its calls are cancelled, and not waited for.
 *
 * @throws the signal's reason when it was called off; else what the work raised
 */
export function cancellable<T>(
  connection: Connection,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return unlessAborted(signal, signal ? connection.withAbortSignal(signal, work) : work())
}

/** How to reach a server: TLS and API keys are none of the embedded one's. */
export function settings(address: string) {
  if (process.env['TEMPORAL_ADDRESS'] !== address) return {}
  const { connectionOptions } = loadClientConnectConfig()
  return connectionOptions
}
