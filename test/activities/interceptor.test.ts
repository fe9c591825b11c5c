import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from '@jest/globals'
import { CancelledFailure, type ApplicationFailure } from '@temporalio/common'
import { toFailure } from '../../activities/interceptor.ts'
import { NotInCatalog } from '../../src/catalog/catalog.ts'
import { DatabaseUnusable } from '../../src/database/sqlite.ts'
import { retryPolicy } from '../../src/policy/failure_policy.ts'
import { ConnectionTrouble, FailedToStart, HaltedByItem, ItemsWaiting } from '../../src/transfer/engine/errors.ts'

const failure = (error: unknown, attempt = 1): ApplicationFailure => toFailure(error, attempt) as ApplicationFailure

test('items that wait are retried when the first of them is due', () => {
  const { type, nonRetryable, nextRetryDelay, message } = failure(
    new ItemsWaiting({ total: 2, byReason: { Locked: 2 }, nextDueMs: 4_000 }),
    59,
  )
  expect({ type, nonRetryable, nextRetryDelay }).toEqual({
    type: 'ItemsWaiting',
    nonRetryable: false,
    nextRetryDelay: 4_000,
  })
  expect(message).toBe('2 items waiting: 2 Locked')
})

test('trouble with a connection is retried when the platform says, else by the back-off', () => {
  expect(failure(new ConnectionTrouble('source', 'Throttled', 'slow down', 1_500.2)).nextRetryDelay).toBe(1_501)
  const delays = [1, 2, 3, 7, 40].map(
    (attempt) => failure(new ConnectionTrouble('source', 'Unreachable', 'gone'), attempt).nextRetryDelay,
  )
  expect(delays).toEqual([1_000, 2_000, 4_000, 60_000, 60_000])
  expect(failure(new ConnectionTrouble('source', 'Unreachable', 'gone'), 40).nonRetryable).toBe(false)
})

test.each([new FailedToStart(['no']), new HaltedByItem('no'), new NotInCatalog('no')])('%s ends it', (error) => {
  expect(failure(error)).toMatchObject({ nonRetryable: true, type: error.name })
})

test('a worker that dies again and again is not waited for longer each time: the policy itself never backs off', () => {
  for (const setting of ['continue', 'halt'] as const)
    expect(retryPolicy(setting)).toMatchObject({ initialInterval: 1_000, backoffCoefficient: 1 })
})

test('the names that the retry policy ends on are those of our errors', () => {
  const names = [FailedToStart, HaltedByItem, ItemsWaiting].map((error) => error.name)
  for (const type of retryPolicy('halt').nonRetryableErrorTypes) expect(names).toContain(type)
})

test('an error nobody thought of is retried for some minutes, not for an hour', () => {
  expect(failure(new TypeError('x is undefined'), 9)).toMatchObject({ type: 'TypeError', nonRetryable: false })
  expect(failure(new TypeError('x is undefined'), 10)).toMatchObject({ type: 'TypeError', nonRetryable: true })
  expect(failure('just text', 1)).toMatchObject({ type: 'Error', message: 'just text' })
})

test('a platform may ask for more than a hundred times the shortest wait, and gets it', () => {
  const { nextRetryDelay } = failure(new ConnectionTrouble('source', 'Throttled', 'tomorrow', 3 * 3_600_000))
  expect(retryPolicy('continue').maximumInterval).toBeGreaterThanOrEqual(nextRetryDelay as number)
})

test('a catalog that is locked is waited for, however long, as its activities are retried: soon', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'locked-')), 'catalog.db')
  const [holder, other] = [new DatabaseSync(file), new DatabaseSync(file, { timeout: 0 })]
  try {
    holder.exec('CREATE TABLE t (n); BEGIN IMMEDIATE')
    let locked: unknown
    try {
      other.exec('INSERT INTO t VALUES (1)')
    } catch (error) {
      locked = error
    }
    expect(toFailure(locked, 1_000, true)).toMatchObject({
      type: 'CatalogUnavailable',
      message: "the catalog can't be used now: database is locked",
      nonRetryable: false,
      nextRetryDelay: undefined,
    })
    expect(failure(locked, 1_000)).toMatchObject({ nonRetryable: false, nextRetryDelay: 60_000 })
  } finally {
    holder.close()
    other.close()
    rmSync(dirname(file), { recursive: true })
  }
})

test('a damaged database is not tried again: waiting mends nothing', () => {
  expect(failure(new DatabaseUnusable('ledger/1.db', 'is damaged'))).toMatchObject({
    type: 'DatabaseUnusable',
    message: 'ledger/1.db: is damaged',
    nonRetryable: true,
  })
})

test('neither credentials nor what a library hangs on its errors come along', () => {
  const cause = Object.assign(new Error('401'), { config: { headers: { authorization: 'Bearer abc' } } })
  const failed = failure(new ConnectionTrouble('source', 'AuthExpired', 'https://me:hunter2@host/ refused'))
  expect(failed.message).toBe('source: https://[redacted]@host/ refused')
  const plain = failure(new Error('refused', { cause }))
  expect(plain.cause).toBeUndefined()
  expect(failure(new Error('x'.repeat(5_000))).message.length).toBeLessThanOrEqual(1_000)
})

test("Temporal's own failures pass unchanged", () => {
  const cancelled = new CancelledFailure('CANCELLED')
  expect(toFailure(cancelled, 1)).toBe(cancelled)
})
