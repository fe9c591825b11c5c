import { expect, test } from '@jest/globals'
import { Turn } from '../../src/transfer/batch/turn.ts'

test('one at a time, first come first served; who waits for somebody else lets the others go on', async () => {
  const turn = new Turn()
  const log: string[] = []
  const answers: Record<string, () => void> = {}
  const work = async (name: string): Promise<void> => {
    await turn.take()
    log.push(`${name} begins`)
    await Promise.resolve()
    log.push(`${name} asks`)
    await turn.whileAway(new Promise<void>((resolve) => (answers[name] = resolve)))
    log.push(`${name} ends`)
    turn.give()
  }
  const all = ['a', 'b'].map(work)
  await tick()
  expect(log).toEqual(['a begins', 'a asks', 'b begins', 'b asks'])
  answers['b']?.()
  await tick()
  answers['a']?.()
  await Promise.all(all)
  expect(log.slice(4)).toEqual(['b ends', 'a ends'])
})

test('an answer that is an error takes the turn back too', async () => {
  const turn = new Turn()
  await turn.take()
  await expect(turn.whileAway(Promise.reject(new Error('no')))).rejects.toThrow('no')
  let second = false
  const waiting = turn.take().then(() => (second = true))
  await tick()
  expect(second).toBe(false)
  turn.give()
  await waiting
})

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
