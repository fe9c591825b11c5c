import { expect, test } from '@jest/globals'
import { Permits } from '../../src/transfer/io/permits.ts'
import { sideBySide } from '../../src/transfer/io/side_by_side.ts'

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('as many at once as there are permits, and all of them in the end', async () => {
  let now = 0
  let most = 0
  const step = async (): Promise<void> => {
    most = Math.max(most, ++now)
    await tick()
    now -= 1
  }
  await sideBySide(Array.from({ length: 20 }), step, { permits: new Permits(3) })
  expect([now, most]).toEqual([0, 3])
})

test('after an error none begins, those under way end, and the error is told', async () => {
  const began: number[] = []
  let ended = 0
  const step = async (n: number): Promise<void> => {
    began.push(n)
    await tick()
    ended += 1
    if (n === 1) throw new Error('second')
  }
  await expect(sideBySide([0, 1, 2, 3, 4, 5, 6], step, { permits: new Permits(3) })).rejects.toThrow('second')
  expect(began.length).toBeLessThan(7)
  expect(ended).toBe(began.length)
})

test('who wants many is not overtaken for ever by those who want few', async () => {
  const permits = new Permits(10)
  await permits.take(8)
  let many = false
  const waiting = permits.take(6).then(() => (many = true))
  expect(permits.tryTake(1)).toBe(false)
  permits.give(8)
  await waiting
  expect([many, permits.tryTake(4), permits.tryTake(1)]).toEqual([true, true, false])
})

test('more than there will ever be is a mistake', async () => {
  await expect(new Permits(2).take(3)).rejects.toThrow('3 permits of 2')
})
