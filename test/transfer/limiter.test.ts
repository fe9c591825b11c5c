import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { ConnectorError } from '../../src/connector/errors.ts'
import { ConnectionLimiter } from '../../src/transfer/io/limiter.ts'

const throttled = (retryAfterMs?: number): ConnectorError =>
  new ConnectorError('Throttled', 'too many', retryAfterMs === undefined ? {} : { retryAfterMs })

function refusing(times: number, error: ConnectorError) {
  let calls = 0
  return {
    request: async () => {
      calls += 1
      if (calls <= times) throw error
      return 'done'
    },
    calls: () => calls,
  }
}

test('a request that is refused because there are too many is made again, after as long as the platform asks for', async () => {
  const limiter = new ConnectionLimiter({ patienceMs: 10_000 })
  const began = performance.now()
  expect(await limiter.run(refusing(2, throttled(60)).request)).toBe('done')
  expect(performance.now() - began).toBeGreaterThanOrEqual(119)
})

test('while a platform asks to be left alone no other request begins', async () => {
  const limiter = new ConnectionLimiter({ patienceMs: 10_000 })
  const first = limiter.run(refusing(1, throttled(100)).request)
  await sleep(5)
  const asked = performance.now()
  let began = 0
  await limiter.run(async () => {
    began = performance.now()
  })
  expect(began - asked).toBeGreaterThan(80)
  await first
})

test('requests at once go down by half when there are too many, once for all that were under way, and up again', async () => {
  const limiter = new ConnectionLimiter({ patienceMs: 10_000 })
  const many = Array.from({ length: 16 }, () => limiter.run(refusing(1, throttled(1)).request))
  await sleep(0)
  expect(limiter.most).toBeLessThanOrEqual(8)
  expect(limiter.most).toBeGreaterThan(4)
  await Promise.all(many)
  let now = 0
  let most = 0
  const request = async (): Promise<void> => {
    most = Math.max(most, ++now)
    await sleep(1)
    now -= 1
  }
  await Promise.all(Array.from({ length: 400 }, () => limiter.run(request)))
  expect(now).toBe(0)
  expect(most).toBeGreaterThan(12)
})

test('what is out of reach is asked again only where twice has the effect of once', async () => {
  const limiter = new ConnectionLimiter({ patienceMs: 10_000 })
  const gone = new ConnectorError('Unreachable', 'no answer')
  await expect(limiter.run(refusing(1, gone).request)).rejects.toBe(gone)
  expect(await limiter.run(refusing(1, gone).request, { repeats: true })).toBe('done')
})

test('trouble that lasts is told, and so is trouble that a longer wait could not end', async () => {
  const limiter = new ConnectionLimiter({ patienceMs: 300 })
  const short = refusing(Infinity, throttled(50))
  await expect(limiter.run(short.request)).rejects.toMatchObject({ code: 'Throttled' })
  expect(short.calls()).toBeGreaterThan(2)
  const long = refusing(Infinity, throttled(60_000))
  const began = performance.now()
  await expect(new ConnectionLimiter({ patienceMs: 300 }).run(long.request)).rejects.toMatchObject({
    retryAfterMs: 60_000,
  })
  expect([long.calls(), performance.now() - began < 250]).toEqual([1, true])
})

test('nobody waits for a platform once it is to stop', async () => {
  let stopped = false
  const limiter = new ConnectionLimiter({ patienceMs: 30_000, stopped: () => stopped })
  const waiting = limiter.run(refusing(Infinity, throttled(20_000)).request)
  setTimeout(() => (stopped = true), 50)
  await expect(waiting).rejects.toMatchObject({ code: 'Throttled' })
})
