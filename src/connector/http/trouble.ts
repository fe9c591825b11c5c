import { ConnectorError, type ErrorCode } from '../errors.ts'

/** What a status means where nothing else is said. */
export const byStatus: Readonly<Record<number, ErrorCode>> = {
  301: 'Misconfigured',
  307: 'Unreachable',
  401: 'AuthExpired',
  403: 'AccessDenied',
  404: 'NotFound',
  405: 'Unsupported',
  408: 'Unreachable',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'TooLarge',
  429: 'Throttled',
  500: 'Unreachable',
  501: 'Unsupported',
  502: 'Unreachable',
  503: 'Throttled',
  504: 'Unreachable',
  507: 'QuotaExceeded',
}

/** Seconds, or a date. */
export function retryAfterMs(header: string | undefined, nowMs = Date.now()): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(header)) return Math.ceil(Number(header) * 1000)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/

/** Whatever kept an answer from coming. */
export function networkTrouble(error: unknown, id?: string): ConnectorError {
  if (error instanceof ConnectorError) return error
  const { code = '', message = String(error) } = error as { code?: string; message?: string }
  const details = { cause: error, ...(id === undefined ? {} : { id }) }
  if (untrusted.test(code)) {
    const why = `ca_file: the server's certificate is not believed (${code}: ${message})`
    return new ConnectorError('Misconfigured', why, details)
  }
  return new ConnectorError('Unreachable', `the server gave no whole answer: ${message || code}`, details)
}
