import { expect, test } from '@jest/globals'
import { Mutex } from '../../src/transfer/io/mutex.ts'

test('one at a time, first come first served; who waits for somebody else lets the others go on', async () => {
  const mutex = new Mutex()
  const log: string[] = []
  const answers: Record<string, () => void> = {}
  const work = async (name: string): Promise<void> => {
    await mutex.lock()
    log.push(`${name} begins`)
    await Promise.resolve()
    log.push(`${name} asks`)
    await mutex.whileUnlocked(new Promise<void>((resolve) => (answers[name] = resolve)))
    log.push(`${name} ends`)
    mutex.unlock()
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

test('an answer that is an error locks it again too', async () => {
  const mutex = new Mutex()
  await mutex.lock()
  await expect(mutex.whileUnlocked(Promise.reject(new Error('no')))).rejects.toThrow('no')
  let second = false
  const waiting = mutex.lock().then(() => (second = true))
  await tick()
  expect(second).toBe(false)
  mutex.unlock()
  await waiting
})

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
