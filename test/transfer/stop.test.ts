import { expect, test } from '@jest/globals'
import { StopToken, StopFlag, Stop, type StopReason } from '../../src/transfer/io/stop.ts'

function raised(...reasons: StopReason[]): StopFlag {
  const signal = new StopFlag()
  for (const reason of reasons) signal.raise(reason)
  return signal
}

test('a weaker reason does not take the place of a stronger one', () => {
  expect(raised(Stop.pause, Stop.cancel).stop).toBe(Stop.cancel)
  expect(raised(Stop.cancel, Stop.pause).stop).toBe(Stop.cancel)
  expect(raised(Stop.trouble, Stop.cancel).stop).toBe(Stop.trouble)
})

test('a halt is heard while there is trouble, and stays', () => {
  expect(raised(Stop.trouble, Stop.halt).stop).toBe(Stop.halt)
  expect(raised(Stop.halt, Stop.trouble).stop).toBe(Stop.halt)
  expect(raised(Stop.halt, Stop.run).stop).toBe(Stop.halt)
})

test('what is settled holds whatever held before, but a halt', () => {
  for (const reason of [Stop.run, Stop.pause, Stop.cancel, Stop.trouble])
    for (const settled of [Stop.run, Stop.pause, Stop.trouble]) {
      const signal = raised(reason)
      signal.settle(settled)
      expect(signal.stop).toBe(settled)
    }
  const halted = raised(Stop.halt)
  halted.settle(Stop.run)
  expect(halted.stop).toBe(Stop.halt)
})

test('a slot stops for the stronger of what its execution and its slice say', () => {
  const stop = (job: StopReason, slot: StopReason) => new StopToken(raised(job), raised(slot), Infinity).reason
  expect(stop(Stop.run, Stop.cancel)).toBe(Stop.cancel)
  expect(stop(Stop.pause, Stop.run)).toBe(Stop.pause)
  expect(stop(Stop.pause, Stop.cancel)).toBe(Stop.cancel)
  expect(stop(Stop.halt, Stop.trouble)).toBe(Stop.halt)
  expect(stop(Stop.trouble, Stop.pause)).toBe(Stop.trouble)
})

test('the time of a slice is up when it has come', () => {
  const stop = (untilMs: number) => new StopToken(new StopFlag(), new StopFlag(), untilMs)
  expect(stop(Date.now()).timeIsUp).toBe(true)
  expect(stop(Date.now() + 60_000).timeIsUp).toBe(false)
})

test('what a slot counts adds up beyond 32 bits, and whoever shares its memory sees it', () => {
  const signal = new StopFlag()
  signal.count(1, 2 ** 32 - 1)
  signal.count(2, 2 ** 33 + 2)
  const seen = new StopFlag(signal.shared)
  expect([seen.items, seen.bytes]).toEqual([3, 2 ** 32 + 2 ** 33 + 1])
})
