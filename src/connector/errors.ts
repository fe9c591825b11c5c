/**
 * The closed set of errors a connector may raise. Their `kind` decides what is retried: an error of one item puts that
 * item back and lets its neighbours go on; an error of the connection stops the slice, and costs no item a strike.
 */

type ItemErrorCode =
  | 'NotFound'
  | 'Conflict'
  | 'PreconditionFailed'
  | 'Locked'
  | 'NameInvalid'
  | 'NameTooLong'
  | 'TooLarge'
  | 'ExtensionRefused'
  | 'AccessDenied'
  | 'ShortRead'
  | 'GrewWhileRead'
  | 'ChangedWhileRead'
  | 'IntegrityMismatch'
  | 'Unsupported'
  | 'NotAContainer'
  | 'Escapes'
  | 'ItemFailed'

const connectionErrors = [
  'RootGone',
  'RootReplaced',
  'QuotaExceeded',
  'AuthExpired',
  'Throttled',
  'Unreachable',
  'ReadOnly',
  'Misconfigured',
] as const

type ConnectionErrorCode = (typeof connectionErrors)[number]
export type ErrorCode = ItemErrorCode | ConnectionErrorCode

const connectionCodes: ReadonlySet<string> = new Set(connectionErrors)

interface ConnectorErrorDetails {
  /** The item's address, for the report; never a host path above the connection's root. */
  id?: string
  retryAfterMs?: number
  cause?: unknown
}

export class ConnectorError extends Error {
  override readonly name = 'ConnectorError'
  readonly code: ErrorCode
  readonly id: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, details: ConnectorErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.id = details.id
    this.retryAfterMs = details.retryAfterMs
  }

  get kind(): 'item' | 'connection' {
    return connectionCodes.has(this.code) ? 'connection' : 'item'
  }
}
