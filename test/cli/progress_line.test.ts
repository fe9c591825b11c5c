import { describe, expect, test } from '@jest/globals'
import { pace, progressBar, progressLine, shareDone, type Reading } from '../../src/cli/progress_line.ts'
import { columns } from '../../src/report/format.ts'
import type { Progress } from '../../src/ledger/ledger.ts'

function progress(change: Partial<Progress> = {}): Progress {
  return {
    found: { items: 1_000, containers: 10, bytes: 10_000_000n },
    done: { items: 500, bytes: 2_500_000n },
    failed: 0,
    waiting: 0,
    containersToList: 0,
    enumerationClosed: true,
    ...change,
  }
}

const before = progress({ done: { items: 300, bytes: 1_500_000n } })
const readings = (now = progress()): Reading[] => [
  { atMs: 0, progress: before },
  { atMs: 2_000, progress: now },
]

describe('the progress of an execution', () => {
  test('the estimate is that of the slower of items and bytes', () => {
    const speed = pace(readings())
    expect(speed.itemsPerSecond).toBe(100)
    expect(speed.bytesPerSecond).toBe(500_000)
    // 500 items at 100/s would be 5 s; 7.5 MB at 0.5 MB/s are 15 s.
    expect(speed.leftMs).toBe(15_000)
    expect(progressLine(progress(), speed)).toContain('about 15 s left')
  })

  test('while enumeration goes on, total and time left are said to be lower bounds', () => {
    const now = progress({ enumerationClosed: false })
    const line = progressLine(now, pace(readings(now)))
    expect(line).toContain('500 of at least 1,000 items, still enumerating')
    expect(line).toContain('at least 15 s left')
  })

  test('without two readings there is no estimate', () => {
    const speed = pace([{ atMs: 0, progress: progress() }])
    expect(speed.leftMs).toBeUndefined()
    expect(progressLine(progress(), speed)).not.toContain('left')
  })

  test('the rate is that of the last ten seconds', () => {
    const many: Reading[] = Array.from({ length: 31 }, (_, s) => ({
      atMs: s * 1_000,
      progress: progress({ done: { items: s < 20 ? 0 : (s - 20) * 50, bytes: 0n } }),
    }))
    expect(pace(many).itemsPerSecond).toBe(50)
  })

  test('failed and waiting items are named', () => {
    expect(progressLine(progress({ failed: 3, waiting: 2 }), pace(readings()))).toMatch(/3 failed · 2 waiting/)
  })

  test('the bar is never full before everything is done, and never wider than the terminal', () => {
    const almost = progress({ done: { items: 999, bytes: 10_000_000n } })
    expect(shareDone(almost)).toBeLessThan(1)
    for (const width of [20, 40, 80, 120, 200]) {
      const [line, hand] = progressBar(
        progress({ inHand: `/a/${'long '.repeat(80)}/日本語.txt` }),
        pace(readings()),
        width,
      )
      expect(columns(line)).toBeLessThan(width)
      expect(columns(hand)).toBeLessThan(Math.max(width, 14))
    }
  })

  test('a name that would move the cursor is shown as text', () => {
    const [, hand] = progressBar(progress({ inHand: 'a\x1b[2Jb\u202Etxt' }), pace(readings()), 80)
    expect(hand).toBe('  a\\u{1b}[2Jb\\u{202e}txt')
  })
})
