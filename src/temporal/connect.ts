import { Connection } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { NativeConnection } from '@temporalio/worker'

/**
 * A client's connection. TLS and API keys come from the SDK's own variables and configuration file, and only for a server
 * that is not the embedded one.
 */
export function connect(address: string): Promise<Connection> {
  return Connection.connect({ ...settings(address), address })
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
