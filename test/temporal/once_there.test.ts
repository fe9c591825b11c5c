import { expect, test } from '@jest/globals'
import { WorkflowNotFoundError } from '@temporalio/client'
import { onceThere } from '../../src/temporal/once_there.ts'

const missing = [
  new WorkflowNotFoundError('not found', 'job/a', undefined),
  Object.assign(new Error('5 NOT_FOUND'), { code: 5 }),
]

test('what is not there yet is asked for again', async () => {
  const answers = [...missing]
  expect(
    await onceThere(async () => {
      const next = answers.shift()
      if (next) throw next
      return 'there'
    }),
  ).toBe('there')
})

test.each(missing)('what never comes is told: %s', async (error) => {
  await expect(onceThere(() => Promise.reject(error), { ms: 50 })).rejects.toBe(error)
})

test('anything else is told at once', async () => {
  let asked = 0
  const fail = async (): Promise<never> => {
    asked++
    throw new Error('14 UNAVAILABLE')
  }
  await expect(onceThere(fail)).rejects.toThrow('UNAVAILABLE')
  expect(asked).toBe(1)
})
