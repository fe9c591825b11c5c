import { Connection } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { NativeConnection } from '@temporalio/worker'
import { unlessAborted } from './unless_aborted.ts'

/**
 * A client's connection. TLS and API keys come from the SDK's own variables and configuration file, and only for a server
 * that is not the embedded one.
 *
 * @throws Error when nobody answers within 10 s; the signal's reason when it was called off
 */
export async function connect(address: string, signal?: AbortSignal): Promise<Connection> {
  const connection = Connection.lazy({ ...settings(address), address })
  try {
    await cancellable(connection, signal, () => connection.ensureConnected())
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
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

/** A worker's connection. */
export function connectNative(address: string): Promise<NativeConnection> {
  return NativeConnection.connect({ ...settings(address), address })
}

function settings(address: string) {
  if (process.env['TEMPORAL_ADDRESS'] !== address) return {}
  const { connectionOptions } = loadClientConnectConfig()
  return connectionOptions
}
