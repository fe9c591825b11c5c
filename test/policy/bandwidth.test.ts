import { expect, test } from '@jest/globals'
import { settingsOf } from '../../src/job/settings_of.ts'
import { bytesPerSecond } from '../../src/policy/bandwidth.ts'
import { readJob } from '../../src/job/document.ts'

/** 2026-03-02 is a Monday. */
const at = (time: string, day = 2): number => Date.parse(`2026-03-0${day}T${time}:00Z`)

function upload(limit: object) {
  const endpoint = { connection: { id: 'c' } }
  const transfer = { transfer_type: 'copy', source: endpoint, destination: endpoint, performance: { upload: limit } }
  const read = readJob({ name: 'j', transfer })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return settingsOf(read.job).bandwidth.upload!
}

test('without windows the limit holds always, and 0 is none', () => {
  expect(bytesPerSecond(upload({ bytes_per_second: '1000' }), at('12:00'))).toBe(1000)
  expect(bytesPerSecond(upload({ bytes_per_second: 0 }), at('12:00'))).toBeUndefined()
})

test('a window holds from its time until another begins, over midnight too', () => {
  const limit = upload({
    bytes_per_second: 5,
    window: [
      { time: { hr: 8 }, bytes_per_second: 100 },
      { time: '18:30', bytes_per_second: 0 },
    ],
  })
  expect(bytesPerSecond(limit, at('08:00'))).toBe(100)
  expect(bytesPerSecond(limit, at('18:29'))).toBe(100)
  expect(bytesPerSecond(limit, at('18:30'))).toBeUndefined()
  expect(bytesPerSecond(limit, at('03:00', 3))).toBeUndefined()
})

test('a window with an end holds until then, on the days it begins on; else the limit for all times does', () => {
  const limit = upload({
    bytes_per_second: 1000,
    window: { start_time: '22:00', end_time: '04:00', bytes_per_second: 9000, days: ['monday'] },
  })
  expect(bytesPerSecond(limit, at('21:59'))).toBe(1000)
  expect(bytesPerSecond(limit, at('22:00'))).toBe(9000)
  expect(bytesPerSecond(limit, at('03:59', 3))).toBe(9000)
  expect(bytesPerSecond(limit, at('04:00', 3))).toBe(1000)
  expect(bytesPerSecond(limit, at('23:00', 3))).toBe(1000)
})

test('of two windows that hold the one that began last counts', () => {
  const limit = upload({
    window: [
      { time: '00:00', bytes_per_second: 10 },
      { start_time: '12:00', end_time: '13:00', bytes_per_second: 20 },
    ],
  })
  expect(bytesPerSecond(limit, at('12:30'))).toBe(20)
  expect(bytesPerSecond(limit, at('13:00'))).toBe(10)
})
