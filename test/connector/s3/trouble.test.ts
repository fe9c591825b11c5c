import { expect, test } from '@jest/globals'
import { ConnectorError } from '../../../src/connector/errors.ts'
import { networkTrouble, retryAfterMs } from '../../../src/connector/http/trouble.ts'
import { errorOf } from '../../../src/connector/s3/trouble.ts'

test.each([
  [404, 'NoSuchKey', 'NotFound'],
  [404, 'NoSuchBucket', 'RootGone'],
  [404, undefined, 'NotFound'],
  [403, 'AccessDenied', 'AccessDenied'],
  [403, undefined, 'AccessDenied'],
  [403, 'SignatureDoesNotMatch', 'AuthExpired'],
  [403, 'InvalidAccessKeyId', 'AuthExpired'],
  [400, 'ExpiredToken', 'AuthExpired'],
  [403, 'RequestTimeTooSkewed', 'Misconfigured'],
  [403, 'InvalidObjectState', 'Unsupported'],
  [412, 'PreconditionFailed', 'PreconditionFailed'],
  [409, 'ConditionalRequestConflict', 'PreconditionFailed'],
  [409, 'ObjectParentIsFile', 'Conflict'],
  [400, 'EntityTooLarge', 'TooLarge'],
  [400, 'KeyTooLongError', 'NameTooLong'],
  [400, 'BadDigest', 'IntegrityMismatch'],
  [400, 'XAmzContentSHA256Mismatch', 'IntegrityMismatch'],
  [503, 'SlowDown', 'Throttled'],
  [503, undefined, 'Throttled'],
  [429, undefined, 'Throttled'],
  [500, 'InternalError', 'Unreachable'],
  [502, undefined, 'Unreachable'],
  [400, 'RequestTimeout', 'Unreachable'],
  [507, undefined, 'QuotaExceeded'],
  [400, 'SomethingNew', 'ItemFailed'],
])('status %i with code %s is %s', (status, code, expected) => {
  expect(errorOf({ status, code }, 'a.txt')).toMatchObject({ code: expected, id: 'a.txt' })
})

test('a server that is too busy says for how long, in seconds or as a date', () => {
  expect(errorOf({ status: 503, code: 'SlowDown', retryAfter: '7' }).retryAfterMs).toBe(7_000)
  expect(retryAfterMs('Tue, 01 Dec 2026 00:00:10 GMT', Date.parse('2026-12-01T00:00:00Z'))).toBe(10_000)
  expect(retryAfterMs('soon')).toBeUndefined()
  expect(errorOf({ status: 404, code: 'NoSuchKey', retryAfter: '7' }).retryAfterMs).toBeUndefined()
})

test('a bucket of another region is a setting, and the message names the region', () => {
  const error = errorOf({ status: 301, code: 'PermanentRedirect', region: 'eu-central-1' })
  expect(error).toMatchObject({ code: 'Misconfigured', message: expect.stringContaining('eu-central-1') })
})

test.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_SOCKET'])(
  'a line that fails with %s is an outage, and blames no item',
  (code) => {
    const error = networkTrouble(Object.assign(new Error('failed'), { code }))
    expect([error.code, error.kind]).toEqual(['Unreachable', 'connection'])
  },
)

test('a certificate that is not believed is a setting, not an outage', () => {
  const error = networkTrouble(Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }))
  expect(error).toMatchObject({ code: 'Misconfigured', message: expect.stringContaining('ca_file') })
  const ours = new ConnectorError('NotFound', 'is gone')
  expect(networkTrouble(ours)).toBe(ours)
})
