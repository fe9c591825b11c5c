import { expect, test } from '@jest/globals'
import { connectorFor } from '../../../src/connector/registry.ts'
import { problemsOf, settingsOf } from '../../../src/connector/s3/settings.ts'

test('the platform goes by its own id and by that of other documents', () => {
  expect(connectorFor('amazon-s3')).toBe(connectorFor('s3'))
})

test.each([
  [{}, 'bucket'],
  [{ bucket: 'no/bucket' }, 'bucket'],
  [{ bucket: 'b--', prefix: 'a//b' }, 'prefix'],
  [{ bucket: 'bucket', prefix: '../up' }, 'prefix'],
  [{ bucket: 'bucket', endpoint: 'localhost:9000' }, 'endpoint'],
  [{ bucket: 'bucket', endpoint: 'https://user:pass@host' }, 'endpoint'],
  [{ bucket: 'bucket', endpoint: 'https://host/path' }, 'endpoint'],
  [{ bucket: 'bucket', access_key: 'a' }, 'secret_key'],
  [{ bucket: 'bucket', session_token: 't' }, 'session_token'],
  [{ bucket: 'bucket', sse: 'rot13' }, 'sse'],
  [{ bucket: 'bucket', sse: 'AES256', sse_kms_key_id: 'k' }, 'sse_kms_key_id'],
  [{ bucket: 'bucket', part_size: 4 }, 'part_size'],
  [{ bucket: 'bucket', path_style: 'perhaps' }, 'path_style'],
  [{ bucket: 'bucket', buket: 'x' }, 'buket'],
])('%j is refused, and the message names %s', (auth, key) => {
  expect(problemsOf(auth).join('\n')).toMatch(new RegExp(`^${key}: `, 'm'))
})

test('no problem of a secret says the secret', () => {
  const said = problemsOf({ bucket: 'bucket', access_key: 'AKIASECRET', profile: 'p', session_token: 'tok' }).join()
  expect(said).not.toContain('AKIASECRET')
  expect(said).not.toContain('tok,')
})

test('yes and no come as words and as JSON has them', () => {
  expect(settingsOf({ bucket: 'b', path_style: true }).pathStyle).toBe(true)
  expect(settingsOf({ bucket: 'b', path_style: 'true' }).pathStyle).toBe(true)
  expect(settingsOf({ bucket: 'b' }).pathStyle).toBe(false)
  expect(settingsOf({ bucket: 'b', endpoint: 'https://host' }).pathStyle).toBe(true)
  expect(problemsOf({ bucket: 'bucket', insecure: true })).toEqual([])
})

test('a prefix is one whether slashes stand around it or not', () => {
  for (const prefix of ['a/b', '/a/b', 'a/b/']) expect(settingsOf({ bucket: 'b', prefix }).prefix).toBe('a/b/')
})
