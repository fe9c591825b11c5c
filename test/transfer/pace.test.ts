import { expect, test } from '@jest/globals'
import { Pace, sharedPace } from '../../src/transfer/io/pace.ts'
import { StopToken, StopFlag, Stop } from '../../src/transfer/io/stop.ts'

const limited = { upload: { bytesPerSecond: 1_000_000, windows: [] } }

function running(): StopToken {
  return new StopToken(new StopFlag(), new StopFlag(), Infinity)
}

test('slots of several threads together keep to one limit', async () => {
  const shared = sharedPace()
  const began = performance.now()
  let passed = 0
  const slot = async (pace: Pace): Promise<void> => {
    for (let n = 0; n < 10; n++) {
      await pace.wait('upload', 20_000, running())
      passed += 20_000
    }
  }
  await Promise.all([1, 2, 3, 4].map(() => slot(new Pace(limited, shared))))
  const seconds = (performance.now() - began) / 1000
  expect(passed).toBe(800_000)
  // The first piece waits for none.
  expect(seconds).toBeGreaterThan(0.75)
})

test('where nothing is limited nobody waits, and no promise is made', () => {
  const pace = new Pace(limited, sharedPace())
  expect(pace.wait('download', 1e9, running())).toBeUndefined()
  expect(new Pace({}, sharedPace()).pieceBytes).toBe(512 * 1024)
})

test('pieces are small enough that ten seconds are told within some per cent', () => {
  expect(new Pace(limited, sharedPace()).pieceBytes).toBe(250_000)
  expect(new Pace({ download: { bytesPerSecond: 100, windows: [] } }, sharedPace()).pieceBytes).toBe(4096)
})

test('who waits for bandwidth goes on at once when it is to stop', async () => {
  const pace = new Pace(limited, sharedPace())
  const stop = running()
  await pace.wait('upload', 60_000_000, stop)
  const waiting = pace.wait('upload', 1, stop)
  stop.job.raise(Stop.pause)
  const began = performance.now()
  await waiting
  expect(performance.now() - began).toBeLessThan(2_000)
})
