import { expect, test } from '@jest/globals'
import { parallelWrites } from '../../src/policy/parallel_writes.ts'

const machine = { cores: 2, threads: 16 }

test.each([
  ['as many writes as there are cores, when nothing is said and calls block', undefined, 'blocking', 2],
  ['16, when nothing is said and a platform is remote', undefined, 'async', 16],
  ['exactly what is asked for, as far as there are threads', 16, 'blocking', 16],
  ['exactly what is asked for, in one thread', 200, 'async', 200],
] as const)('%s', (_what, requested, io, inFlight) => {
  expect(parallelWrites(requested, io, machine)).toEqual({ inFlight })
})

test('what the process does not allow is cut, and said', () => {
  expect(parallelWrites(1_000, 'blocking', machine)).toMatchObject({
    inFlight: 16,
    cut: expect.stringContaining('1000 is cut to 16'),
  })
  expect(parallelWrites(1_000, 'async', machine)).toMatchObject({ inFlight: 256, cut: expect.any(String) })
  expect(parallelWrites(undefined, 'blocking', { cores: 64, threads: 16 })).toEqual({ inFlight: 16 })
})
