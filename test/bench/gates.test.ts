import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { judge, rulesFor, type GateRule } from '../../scripts/bench/gates.ts'
import { readOptions, usage } from '../../scripts/bench/options.ts'

const faster: GateRule = { id: 'W1', what: 'faster', over: 'them', under: 'us', atLeast: 1.5 }
const quick: GateRule = { id: 'W10', what: 'quick', of: 'ms', atMost: 400, unit: 'ms' }

const promised = JSON.parse(readFileSync(new URL('../../scripts/bench/gates.json', import.meta.url), 'utf8')) as Record<
  string,
  GateRule[]
>

describe('gates', () => {
  test('a ratio is judged pair by pair, by its median', () => {
    const [gate] = judge([faster], { them: [2, 9, 2], us: [1, 9, 1] })
    expect(gate).toMatchObject({ passed: true, value: 2, threshold: '≥ 1.5' })
    expect(judge([faster], { them: [1, 9, 1], us: [1, 1, 1] })[0]).toMatchObject({ passed: false, value: 1 })
  })

  test('exactly at its threshold a gate is passed, a hair beyond it is not', () => {
    expect(judge([quick], { ms: [400] })[0]?.passed).toBe(true)
    expect(judge([quick], { ms: [400.1] })[0]?.passed).toBe(false)
    expect(judge([faster], { them: [1.5], us: [1] })[0]?.passed).toBe(true)
    expect(judge([faster], { them: [1.49], us: [1] })[0]?.passed).toBe(false)
  })

  test('a missing peer fails the gate that needs it, and says who is missing', () => {
    expect(judge([faster], { us: [1, 1] })[0]).toMatchObject({ passed: false, why: 'them was not measured' })
    expect(judge([quick], {})[0]).toMatchObject({ passed: false, why: 'ms was not measured' })
  })

  test('times that are not pairs are not compared', () => {
    expect(judge([faster], { them: [2, 2], us: [1] })[0]).toMatchObject({ passed: false })
    expect(judge([faster], { them: [2, 2], us: [1] })[0]?.why).toMatch(/not pairs/)
  })

  test('the full gates are those that were promised', () => {
    expect(promised.full?.map(({ id, over, of, atLeast, atMost }) => [id, over ?? of, atLeast ?? atMost])).toEqual([
      ['W1', 'W1 rclone', 1.8],
      ['W1', 'W1 rsync', 0.9],
      ['W1', 'W1 rclone', 1.3],
      ['W1', 'W1 events per 1,000 items', 3],
      ['W1', 'W1 worker MiB', 400],
      ['W2', 'W2 rclone', 1.3],
      ['W3', 'W3 rclone', 0.8],
      ['W10', 'W10 ours ms', 400],
    ])
  })
})

describe('the time of the short benchmark', () => {
  const whole = rulesFor(readOptions(['--short']), promised.short!).filter(({ id }) => id === 'all')

  test.each([
    [90, true],
    [90.1, false],
  ])('%d s are judged, passed: %s', (seconds, passed) => {
    expect(judge(whole, { 'all seconds': [seconds] })).toMatchObject([{ value: seconds, unit: 's', passed }])
    expect(usage).toContain(`under ${whole[0]?.atMost} seconds`)
  })

  test.each([
    ['--only', 'W1'],
    ['--only', 'W1,W2,W3'],
    ['--pairs', '9'],
  ])('is not judged where less or more was asked for: %s %s', (...args) => {
    const ids = rulesFor(readOptions(['--short', ...args]), promised.short!).map(({ id }) => id)
    expect(ids).not.toContain('all')
    expect(ids).toContain('W1')
  })

  test('gates of a workload are judged where it was asked for', () => {
    const judged = rulesFor(readOptions(['--only', 'W10,W2']), promised.full!)
    expect(judged.map(({ id }) => id)).toEqual(['W2', 'W10'])
  })
})

describe('options', () => {
  test('workloads can be chosen, and a wrong one is named', () => {
    expect(readOptions(['--only', 'w1,W10', '--pairs', '2'])).toMatchObject({ only: ['W1', 'W10'], pairs: 2 })
    expect(() => readOptions(['--only', 'W4'])).toThrow(/W4.*W1, W2, W3, W10/)
    expect(() => readOptions(['--pairs', '0'])).toThrow(/--pairs 0/)
  })
})
