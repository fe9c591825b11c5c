import { ConnectorError, type ErrorCode } from '../errors.ts'

/** SSH_FXP_STATUS codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 7). */
export const status = {
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  unsupported: 8,
} as const

const meanings: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  [status.noSuchFile]: ['NotFound', 'does not exist'],
  [status.permissionDenied]: ['AccessDenied', 'permission denied'],
  [status.failure]: ['ItemFailed', 'the server says no more than that it failed'],
  [status.badMessage]: ['Unreachable', 'the server did not understand the request'],
  [status.noConnection]: ['Unreachable', 'the connection is lost'],
  [status.connectionLost]: ['Unreachable', 'the connection is lost'],
  [status.unsupported]: ['Unsupported', 'the server does not support it'],
}

/** A full disk or a used-up quota has no code of its own in version 3; where a server says so, it does in its text. */
const full = /quota|no space|disk full|not enough space|enospc|edquot/i
const tooLong = /name too long/i

export function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}

/** What the server or the way to it said, as a connector's error. The server's text may name paths of its own: it is not repeated. */
export function troubleOf(error: unknown, id: string): ConnectorError {
  if (error instanceof ConnectorError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = codeOf(error)
  if (code === undefined) return new ConnectorError('Unreachable', `the connection broke: ${message}`, { cause: error })
  if (full.test(message))
    return new ConnectorError('QuotaExceeded', 'the server has no space left', { id, cause: error })
  if (tooLong.test(message))
    return new ConnectorError('NameTooLong', 'the server takes no name this long', { id, cause: error })
  const [kind, why] = meanings[code] ?? ['ItemFailed', 'the server reports a failure']
  return new ConnectorError(kind, `${why} (status ${code})`, { id, cause: error })
}

/** Errors of ssh2 from the time before there is a session; `level` says how far it came. */
export function connectTrouble(error: Error & { level?: string }, where: string): ConnectorError {
  if (error instanceof ConnectorError) return error
  if (error.level === 'client-authentication')
    return new ConnectorError('AuthExpired', `${where} accepts none of the credentials that were given`, {
      cause: error,
    })
  return new ConnectorError('Unreachable', `${where} can't be reached: ${error.message}`, { cause: error })
}
