import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { median, medianInterval } from '../../scripts/bench/statistics.ts'

describe('medians', () => {
  test('the median is the middle one, or between the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(() => median([])).toThrow(RangeError)
  })

  test('an interval lies within the values, around their median, and is the same every time', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 9 }), (values) => {
        const { low, high } = medianInterval(values, 0.95, 200)
        expect(low).toBeGreaterThanOrEqual(Math.min(...values))
        expect(high).toBeLessThanOrEqual(Math.max(...values))
        expect(low).toBeLessThanOrEqual(median(values))
        expect(high).toBeGreaterThanOrEqual(median(values))
        expect(medianInterval(values, 0.95, 200)).toEqual({ low, high })
      }),
      { numRuns: 50 },
    )
  })

  test('one outlier among seven rounds widens the interval, and does not move the median', () => {
    const calm = medianInterval([2, 2.1, 2.2, 2, 2.1, 2.2, 2.1])
    expect(calm.high - calm.low).toBeLessThan(0.25)
    expect(median([2, 2.1, 2.2, 2, 2.1, 2.2, 9])).toBe(2.1)
  })
})
