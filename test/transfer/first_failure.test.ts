import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { FirstFailure } from '../../src/transfer/first_failure.ts'

test('slots halted by another one’s failure tell the same reason, though they end before it', async () => {
  const halted = new FirstFailure()
  const early = halted.why()
  await sleep(20)
  halted.tell('/a/b.txt: access denied')
  halted.tell('/c.txt: is locked')
  expect([await early, await halted.why()]).toEqual(['/a/b.txt: access denied', '/a/b.txt: access denied'])
})

test('a failure that nobody tells of is not waited for without end', async () => {
  expect(await new FirstFailure().why(20)).toBe('another item failed first')
})
