import { readFileSync } from 'node:fs'
import { EnvHttpProxyAgent, type Dispatcher } from 'undici'
import { ConnectorError } from '../errors.ts'

export interface Line {
  /** At once, per session. */
  connections: number
  /** Without a byte, after which the server counts as unreachable. */
  timeoutMs: number
  /** Any certificate is believed. */
  insecure: boolean
  /** Certificates of the authorities that may vouch for the server, as a PEM file. */
  caFile: string | undefined
}

/** A pool of connections; by way of a proxy, when the environment names one (`HTTPS_PROXY`, `NO_PROXY`). */
export function dispatcherFor({ connections, timeoutMs, insecure, caFile }: Line): Dispatcher {
  const tls = {
    timeout: Math.min(timeoutMs, 10_000),
    ...(insecure ? { rejectUnauthorized: false } : {}),
    ...(caFile === undefined ? {} : { ca: certificates(caFile) }),
  }
  return new EnvHttpProxyAgent({
    connections,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: tls,
    requestTls: tls,
  })
}

function certificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConnectorError('Misconfigured', `ca_file: it cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
