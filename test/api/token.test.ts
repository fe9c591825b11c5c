import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { ApiParts } from '../../src/api/parts.ts'
import { createApi } from '../../src/api/server.ts'
import { aJob, openBench, token, type Bench } from './bench.ts'

let bench: Bench
beforeEach(() => {
  bench = openBench()
})
afterEach(() => bench.close())

describe('a call without the token of the home', () => {
  test.each([
    ['no header', ''],
    ['another token', `Bearer ${'x'.repeat(43)}`],
    ['the beginning of it', `Bearer ${token.slice(0, -1)}`],
    ['more than it', `Bearer ${token}x`],
    ['another scheme', `Basic ${token}`],
    ['the token alone', token],
  ])('is 401 with %s, whatever it asks for', async (_, authorization) => {
    for (const [method, url] of [
      ['GET', '/v1/jobs'],
      ['POST', '/v1/jobs'],
      ['GET', '/v1/nothing'],
      ['GET', '/'],
      ['OPTIONS', '/v1/jobs'],
    ] as const) {
      const { status, json, headers } = await bench.call(method, url, method === 'POST' ? aJob() : undefined, {
        authorization,
      })
      expect([method, url, status]).toEqual([method, url, 401])
      expect(json.errors).toEqual([expect.objectContaining({ code: 'unauthorized' })])
      expect(headers['www-authenticate']).toBe('Bearer')
      expect(JSON.stringify(json)).not.toContain(token)
    }
    expect((await bench.catalog.jobs.list({ offset: 0, limit: 1 })).total).toBe(0)
  })

  test('is served where no token is asked for', async () => {
    const open = createApi({ catalog: bench.catalog } as ApiParts, { token: undefined })
    const { statusCode } = await open.inject({ url: '/v1/jobs', headers: { host: 'localhost' } })
    expect(statusCode).toBe(200)
    await open.close()
  })
})

test('a refusal of a web page does not repeat a password that it sent', async () => {
  for (const headers of [{ origin: 'http://me:hunter2@evil.example' }, { host: 'me:hunter2@evil.example' }]) {
    const { status, json } = await bench.call('GET', '/v1/jobs', undefined, headers)
    expect(status).toBe(403)
    expect(JSON.stringify(json)).not.toContain('hunter2')
  }
})
