import { ConnectorError, type ErrorCode } from '../errors.ts'
import { byStatus, retryAfterMs } from '../http/trouble.ts'

/** By the code that the server gives in words; what stands in no row is told by its status. */
const byCode: Readonly<Record<string, ErrorCode>> = {
  NoSuchBucket: 'RootGone',
  NoSuchKey: 'NotFound',
  NoSuchUpload: 'NotFound',
  NoSuchVersion: 'NotFound',
  AccessDenied: 'AccessDenied',
  AllAccessDisabled: 'AccessDenied',
  // Credentials that were good, or never were: nothing works until somebody renews them.
  ExpiredToken: 'AuthExpired',
  TokenRefreshRequired: 'AuthExpired',
  InvalidToken: 'AuthExpired',
  InvalidAccessKeyId: 'AuthExpired',
  SignatureDoesNotMatch: 'AuthExpired',
  AccountProblem: 'AuthExpired',
  NotSignedUp: 'AuthExpired',
  InvalidSecurity: 'AuthExpired',
  RequestTimeTooSkewed: 'Misconfigured',
  PermanentRedirect: 'Misconfigured',
  AuthorizationHeaderMalformed: 'Misconfigured',
  IllegalLocationConstraintException: 'Misconfigured',
  InvalidBucketName: 'Misconfigured',
  InvalidStorageClass: 'Misconfigured',
  'KMS.NotFoundException': 'Misconfigured',
  'KMS.DisabledException': 'Misconfigured',
  PreconditionFailed: 'PreconditionFailed',
  ConditionalRequestConflict: 'PreconditionFailed',
  OperationAborted: 'PreconditionFailed',
  // What versitygw and other servers that keep files say of a folder and a file of one name.
  ExistingObjectIsDirectory: 'Conflict',
  ObjectExistsAsDirectory: 'Conflict',
  ObjectParentIsFile: 'Conflict',
  EntityTooLarge: 'TooLarge',
  KeyTooLong: 'NameTooLong',
  KeyTooLongError: 'NameTooLong',
  InvalidObjectName: 'NameInvalid',
  KeyUnsupported: 'NameInvalid',
  InvalidURI: 'NameInvalid',
  BadDigest: 'IntegrityMismatch',
  InvalidDigest: 'IntegrityMismatch',
  XAmzContentSHA256Mismatch: 'IntegrityMismatch',
  XAmzContentChecksumMismatch: 'IntegrityMismatch',
  IncompleteBody: 'Unreachable',
  RequestTimeout: 'Unreachable',
  InternalError: 'Unreachable',
  SlowDown: 'Throttled',
  Throttling: 'Throttled',
  ThrottlingException: 'Throttled',
  RequestLimitExceeded: 'Throttled',
  TooManyRequests: 'Throttled',
  ServiceUnavailable: 'Throttled',
  Busy: 'Throttled',
  QuotaExceeded: 'QuotaExceeded',
  InsufficientCapacity: 'QuotaExceeded',
  XMinioStorageFull: 'QuotaExceeded',
  // In the archive: it has to be fetched back first.
  InvalidObjectState: 'Unsupported',
  NotImplemented: 'Unsupported',
  MethodNotAllowed: 'Unsupported',
}

export interface Refusal {
  status: number
  /** Empty where the answer has no body, as to HEAD. */
  code?: string | undefined
  message?: string | undefined
  retryAfter?: string | undefined
  region?: string | undefined
}

/** What a refusal of the server means. */
export function errorOf({ status, code, message, retryAfter, region }: Refusal, id?: string): ConnectorError {
  const known = (code === undefined ? undefined : byCode[code]) ?? byStatus[status] ?? 'ItemFailed'
  const wait = known === 'Throttled' ? retryAfterMs(retryAfter) : undefined
  const said = [code ?? `status ${status}`, message].filter(Boolean).join(': ')
  const elsewhere = known === 'Misconfigured' && region ? `; region: the bucket is in ${region}` : ''
  return new ConnectorError(known, `the server refused: ${said}${elsewhere}`, {
    ...(id === undefined ? {} : { id }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  })
}
