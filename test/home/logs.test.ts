import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHome, type Home } from '../../src/home/home.ts'
import { openLogs } from '../../src/home/logs.ts'

let folder: string
let home: Home
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-logs-'))
  home = openHome(folder)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function written(): string[] {
  return readdirSync(home.logs).flatMap((name) =>
    readFileSync(join(home.logs, name), 'utf8').split('\n').filter(Boolean),
  )
}

test('a log line is one JSON object with time, level and process, in a file only its owner may read', async () => {
  const { logger, close } = await openLogs(home, 'worker', { level: 'info' })
  logger.info({ job: 'j', items: 3n }, 'slice done')
  logger.debug('not at this level')
  await close()
  expect(written().map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      process: 'worker',
      pid: process.pid,
      job: 'j',
      items: '3',
      msg: 'slice done',
    },
  ])
  expect(readdirSync(home.logs)).toEqual(['worker.1.log'])
  expect(statSync(join(home.logs, 'worker.1.log')).mode & 0o077).toBe(0)
})

test('secrets never reach a log line, however deep or however they got there', async () => {
  const { logger, close } = await openLogs(home, 'worker', { level: 'info' })
  const password = 'hunter2'
  logger.info({ auth: { password }, request: { headers: { Authorization: password, cookie: [password] } } }, 'x')
  logger.info(
    { list: [{ clientSecret: password, api_key: password, accessToken: password, sas_token: { a: password } }] },
    'x',
  )
  logger.info(`no answer from sftp://me:${password}@host/path`)
  logger.child({ connection: { secret: password } }).info('x')
  const error = Object.assign(new Error(`no answer from dav://me:${password}@host`, { cause: new Error('refused') }), {
    config: { headers: { 'x-thing': password } },
  })
  logger.error({ err: error, nested: { error } }, 'x')
  logger.error(error)
  await close()
  const lines = written()
  expect(lines).toHaveLength(6)
  expect(lines.join('\n')).not.toContain(password)
  expect(JSON.parse(lines[4]!)).toMatchObject({ err: { type: 'Error', cause: { message: 'refused' } } })
  expect(lines[2]).toContain('sftp://[redacted]@host/path')
})

test('log files roll at their size, and old ones go', async () => {
  const { logger, close } = await openLogs(home, 'api', { level: 'info', rollBytes: 2_000 })
  for (let n = 0; n < 200; n++) {
    logger.info({ n, filler: 'x'.repeat(500) }, 'line')
    await new Promise((resolve) => setImmediate(resolve))
  }
  await close()
  const files = readdirSync(home.logs)
  expect(files.length).toBeGreaterThan(5)
  expect(files.length).toBeLessThanOrEqual(12)
  for (const name of files) expect(statSync(join(home.logs, name)).size).toBeLessThan(5_000)
})
