import { ConnectorError, type ErrorCode } from '../errors.ts'
import { byStatus, retryAfterMs } from '../http/trouble.ts'

/** Where WebDAV means something else than HTTP at large. */
const ofDav: Readonly<Record<number, ErrorCode>> = {
  302: 'Misconfigured',
  303: 'Misconfigured',
  307: 'Misconfigured',
  308: 'Misconfigured',
  407: 'Misconfigured',
  410: 'NotFound',
  // Of what would be replaced, or of what would be written into: who asked knows which.
  409: 'Conflict',
  414: 'NameTooLong',
  423: 'Locked',
  424: 'ItemFailed',
  // Servers say so of a single file that they trip over; of an outage their proxies say 502 to 504.
  500: 'ItemFailed',
}

export interface Refusal {
  status: number
  retryAfter?: string | undefined
  /** Where a redirection leads. */
  location?: string | undefined
}

/** What a refusal means. The text of the answer is not repeated: it is the server's page for people, with paths of its own. */
export function errorOf({ status, retryAfter, location }: Refusal, id?: string): ConnectorError {
  const code = ofDav[status] ?? byStatus[status] ?? 'ItemFailed'
  const wait = code === 'Throttled' ? retryAfterMs(retryAfter) : undefined
  return new ConnectorError(code, `the server answered ${status}${meaning(status, location)}`, {
    ...(id === undefined ? {} : { id }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  })
}

function meaning(status: number, location: string | undefined): string {
  if (status >= 300 && status < 400) return `: url: it is to be asked for at ${location ?? 'another address'}`
  if (status === 401) return ': it does not accept the user and password, or the token'
  if (status === 407) return ': the proxy in between wants to know who asks'
  if (status === 423) return ': somebody has locked it'
  if (status === 507) return ': it has no room left'
  return ''
}
