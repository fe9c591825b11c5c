import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { aJob, openBench, type Bench, type Method } from './bench.ts'

let bench: Bench
beforeEach(() => {
  bench = openBench()
})
afterEach(() => bench.close())

const unknown = 'f'.repeat(32)

describe('every failure has its status and an errors list', () => {
  test.each<[string, Method, string, unknown, number, string]>([
    ['an unknown address', 'GET', '/v1/nothing', undefined, 404, 'not_found'],
    ['the root', 'GET', '/', undefined, 404, 'not_found'],
    ['an unknown job', 'GET', `/v1/jobs/${unknown}`, undefined, 404, 'not_found'],
    ['a job id that is no id', 'GET', '/v1/jobs/..%2F..%2Fetc', undefined, 404, 'not_found'],
    ['an unknown job to start', 'PATCH', `/v1/jobs/${unknown}?start=1`, undefined, 404, 'not_found'],
    ['the history of an unknown job', 'GET', `/v1/jobs/${unknown}/history`, undefined, 404, 'not_found'],
    ['an unknown connection', 'GET', `/v1/connections/${unknown}`, undefined, 404, 'not_found'],
    ['a test of an unknown connection', 'POST', `/v1/connections/${unknown}/test`, undefined, 404, 'not_found'],
    ['an unknown platform', 'GET', '/v1/connections/platforms/nowhere', undefined, 404, 'not_found'],
    ['an unknown map', 'GET', `/v1/account_maps/${unknown}`, undefined, 404, 'not_found'],
    ['items of an unknown job', 'GET', `/v1/transfers/${unknown}/items`, undefined, 404, 'not_found'],
    ['a method that is not there', 'DELETE', '/v1/jobs', undefined, 405, 'method_not_allowed'],
    ['a body that is no JSON', 'POST', '/v1/jobs', '{"name": ', 400, 'malformed_json'],
    ['a body nested without end', 'POST', '/v1/jobs', '['.repeat(10_000), 400, 'malformed_json'],
    ['a body that means a prototype', 'POST', '/v1/jobs', '{"__proto__": {"a": 1}}', 400, 'malformed_json'],
    ['a list for a body', 'POST', '/v1/jobs', [], 400, 'invalid'],
    ['no body', 'POST', '/v1/jobs', undefined, 400, 'invalid'],
    ['null for a body', 'POST', '/v1/connections', 'null', 400, 'invalid'],
    ['an address that is no URL', 'GET', '/v1/jobs/%', undefined, 400, 'malformed'],
    ['an execution of no job', 'GET', '/v1/jobs/history?execution=last', undefined, 400, 'missing'],
    ['a body above the limit', 'POST', '/v1/jobs', { name: 'x'.repeat(1024 * 1024) }, 413, 'body_too_large'],
  ])('%s', async (...[, method, url, body, status, code]) => {
    const answer = await bench.call(method, url, body)
    expect(answer.status).toBe(status)
    expect(answer.json).toEqual({
      status,
      type: 'error',
      errors: [expect.objectContaining({ code, description: expect.stringMatching(/.{10}/) })],
    })
  })

  test('a method that is not there comes with those that are', async () => {
    const { headers } = await bench.call('DELETE', '/v1/jobs')
    expect(headers.allow).toBe('GET, HEAD, POST')
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'a body of type %s is refused with 415',
    async (type) => {
      const { status, json } = await bench.call('POST', '/v1/jobs', JSON.stringify(aJob()), { 'content-type': type })
      expect(status).toBe(415)
      expect(json.errors[0].code).toBe('unsupported_media_type')
    },
  )

  test('a body in another encoding is refused, whether it says so or not', async () => {
    const body = Buffer.from('{\n"name": "Löhne"}', 'latin1')
    for (const address of ['jobs', 'connections', 'account_maps']) {
      const silent = await bench.call('POST', `/v1/${address}`, body)
      expect(silent.status).toBe(400)
      expect(silent.json.errors[0].description).toBe('the body is not UTF-8, at line 2; save it as UTF-8')
    }
    const post = (charset: string) =>
      bench.call('POST', '/v1/jobs', JSON.stringify(aJob()), { 'content-type': `application/json; charset=${charset}` })
    expect((await post('iso-8859-1')).status).toBe(415)
    expect((await post('"UTF-8"')).status).toBe(201)
  })

  test('what goes wrong inside is not told to the outside', async () => {
    const { app, call } = bench
    await app.ready()
    await bench.catalog.close()
    const { status, json } = await call('GET', '/v1/jobs')
    expect(status).toBe(500)
    expect(json.errors[0].code).toBe('internal')
    expect(JSON.stringify(json)).not.toMatch(/database|sqlite|\//i)
  })
})

describe('paths', () => {
  test('are found whatever their case, and with a slash at the end', async () => {
    for (const url of ['/v1/Group_maps', '/V1/JOBS', '/v1/jobs/', '/v1/jobs/history/'])
      expect((await bench.call('GET', url)).status).toBe(200)
    expect((await bench.call('DELETE', '/v1/Group_maps/')).status).toBe(405)
  })
})

describe('web pages of others', () => {
  const tryWith = async (headers: Record<string, string>): Promise<number> =>
    (await bench.call('POST', '/v1/jobs', aJob(), headers)).status

  test('a page of another origin is refused', async () => {
    expect(await tryWith({ origin: 'https://evil.example' })).toBe(403)
    expect(await tryWith({ origin: 'null' })).toBe(403)
    expect(await tryWith({ origin: 'http://localhost:3000' })).toBe(403)
    expect(await tryWith({ 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect((await bench.catalog.jobs.list({ offset: 0, limit: 1 })).total).toBe(0)
  })

  test('a page whose name was pointed at this machine is refused', async () => {
    expect(await tryWith({ host: 'evil.example:9090' })).toBe(403)
    expect(await tryWith({ host: 'localhost.evil.example' })).toBe(403)
  })

  test('a page of our own, and programs, are served', async () => {
    expect(await tryWith({ origin: 'http://localhost:9090', 'sec-fetch-site': 'same-origin' })).toBe(201)
    for (const host of ['127.0.0.1:9090', '[::1]:9090', 'LOCALHOST']) expect(await tryWith({ host })).toBe(201)
  })

  test('told to listen elsewhere, any host name is served, other origins are not', async () => {
    const open = openBench({}, '0.0.0.0')
    try {
      const headers = { host: 'stevedore.example:9090' }
      expect((await open.call('POST', '/v1/jobs', aJob(), headers)).status).toBe(201)
      const foreign = { ...headers, origin: 'https://evil.example' }
      expect((await open.call('POST', '/v1/jobs', aJob(), foreign)).status).toBe(403)
    } finally {
      await open.close()
    }
  })
})
