import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { FirstFailure } from '../../src/transfer/engine/first_failure.ts'

test('slots halted by another one’s failure tell the same reason, though they end before it', async () => {
  const halted = new FirstFailure()
  const early = halted.get()
  await sleep(20)
  halted.set('/a/b.txt: access denied')
  halted.set('/c.txt: is locked')
  expect([await early, await halted.get()]).toEqual(['/a/b.txt: access denied', '/a/b.txt: access denied'])
})

test('a failure that nobody tells of is not waited for without end', async () => {
  expect(await new FirstFailure().get(20)).toBe('another item failed first')
})
