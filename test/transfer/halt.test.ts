import { expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { Halt } from '../../src/transfer/halt.ts'

test('a slice that stopped first names the item that failed in another one', async () => {
  const halt = new Halt()
  const asked = halt.why()
  await sleep(20)
  halt.say('/a/large.bin: too large')
  expect(await asked).toBe('/a/large.bin: too large')
})

test('the first failed item is the reason, and stays it', async () => {
  const halt = new Halt()
  halt.say('/first: locked')
  halt.say('/second: locked')
  expect(await halt.why()).toBe('/first: locked')
})
