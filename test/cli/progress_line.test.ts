import { describe, expect, test } from '@jest/globals'
import { pace, progressBar, progressLine, type Reading } from '../../src/cli/progress_line.ts'
import { columns } from '../../src/report/format.ts'
import { shareDone } from '../../src/report/share_done.ts'
import { progressView } from '../../src/cli/show_progress.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { Progress } from '../../src/ledger/ledger.ts'

function progress(change: Partial<Progress> = {}): Progress {
  return {
    found: { items: 1_000, containers: 10, bytes: 10_000_000n },
    done: { items: 500, bytes: 2_500_000n },
    failed: 0,
    waiting: 0,
    containersToList: 0,
    enumerationClosed: true,
    partItems: 0,
    ...change,
  }
}

const before = progress({ done: { items: 300, bytes: 1_500_000n } })
const readings = (now = progress()): Reading[] => [
  { atMs: 0, progress: before },
  { atMs: 2_000, progress: now },
]

describe('the progress of an execution', () => {
  test('the estimate counts items and bytes alike', () => {
    const speed = pace(readings())
    expect(speed.itemsPerSecond).toBe(100)
    expect(speed.bytesPerSecond).toBe(500_000)
    // 500 items at 100/s would be 5 s; 7.5 MB at 0.5 MB/s are 15 s.
    expect(speed.leftMs).toBeCloseTo(8_333, 0)
    expect(progressLine(progress(), speed)).toContain('about 8.3 s left')
  })

  test('a few large files before thousands of small ones do not make hours of seconds', () => {
    const found = { items: 20_212, containers: 200, bytes: 3_500_000_000n }
    const at = (items: number, bytes: bigint): Progress => progress({ found, done: { items, bytes } })
    const { leftMs } = pace([
      { atMs: 0, progress: at(0, 0n) },
      { atMs: 5_000, progress: at(7, 1_600_000_000n) },
    ])
    expect(leftMs).toBeGreaterThan(5_000)
    expect(leftMs).toBeLessThan(30_000)
  })

  test('one long file moves the bar, the rate and the estimate', () => {
    const found = { items: 1, containers: 0, bytes: 4_000_000_000n }
    const at = (bytes: bigint): Progress =>
      progress({ found, done: { items: 0, bytes }, partItems: Number(bytes) / 4_000_000_000 })
    const now = at(1_000_000_000n)
    const speed = pace([
      { atMs: 0, progress: at(0n) },
      { atMs: 5_000, progress: now },
    ])
    expect(speed.leftMs).toBeCloseTo(15_000, 0)
    const [line, second] = progressBar(now, speed, 100)
    expect(line).toContain(' 25%  0 of 1 items · 954 MiB of 3.7 GiB')
    expect(second).toBe('  191 MiB/s · about 15 s left')
    expect(progressLine(now, speed)).toBe('0 of 1 items · 954 MiB of 3.7 GiB · 191 MiB/s · about 15 s left')
  })

  test('a long file that is there whole, and not yet published, is not done', () => {
    const found = { items: 1, containers: 0, bytes: 1_000n }
    const written = progress({ found, done: { items: 0, bytes: 1_000n }, partItems: 1 })
    expect(progressBar(written, pace([{ atMs: 0, progress: written }]), 100)[0]).toContain(' 99%')
  })

  test('when all is done nothing is left to estimate', () => {
    const done = progress({ done: { items: 1_000, bytes: 10_000_000n } })
    expect(progressLine(done, pace(readings(done)))).not.toContain('left')
  })

  test('before anything is found there is nothing to count', () => {
    const nothing = progress({ found: { items: 0, containers: 0, bytes: 0n }, enumerationClosed: false })
    expect(progressLine(nothing, pace([{ atMs: 0, progress: nothing }]))).toBe('nothing found yet, still enumerating')
  })

  test('while enumeration goes on, total and time left are said to be lower bounds', () => {
    const now = progress({ enumerationClosed: false })
    const line = progressLine(now, pace(readings(now)))
    expect(line).toContain('500 of at least 1,000 items, still enumerating')
    expect(line).toContain('at least 8.3 s left')
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
      const [line, speed, hand] = progressBar(
        progress({ inHand: `/a/${'long '.repeat(80)}/日本語.txt` }),
        pace(readings()),
        width,
      )
      expect(columns(line!)).toBeLessThan(width)
      expect(columns(speed!)).toBeLessThan(width)
      expect(columns(hand!)).toBeLessThan(Math.max(width, 14))
    }
  })

  test('a terminal of 80 columns has room for bar, numbers, speed and time left', () => {
    const now = progress({ enumerationClosed: false })
    const [line, speed] = progressBar(now, pace(readings(now)), 80)
    expect(line).toMatch(/^[█░]{8,} +… {2}500 of at least 1,000 items · 2\.4 MiB of 9\.5 MiB$/)
    expect(speed).toBe('  still enumerating · 100 items/s, 488 KiB/s · at least 8.3 s left')
  })

  test('a name that would move the cursor is shown as text', () => {
    const [, , hand] = progressBar(progress({ inHand: 'a\x1b[2Jb\u202Etxt' }), pace(readings()), 80)
    expect(hand).toBe('  a\\u{1b}[2Jb\\u{202e}txt')
  })
})

describe('on a terminal', () => {
  /** What is drawn at last, without what was drawn over. */
  function drawing(): { terminal: Terminal; shown: () => string[]; said: string[] } {
    let drawn: string[] = []
    const said: string[] = []
    const terminal = {
      columns: () => 80,
      interactive: true,
      err: (line: string) => said.push(line),
      draw(text: string) {
        const over = /^\r(?:\x1b\[(\d+)A)?\x1b\[0J$/.exec(text)
        if (!over) return (drawn = text.split('\n'))
        expect(Number(over[1] ?? 0)).toBe(drawn.length - 1)
        expect(over[1]).not.toBe('0')
        return (drawn = [])
      },
    }
    return { terminal: terminal as unknown as Terminal, shown: () => drawn, said }
  }

  test('what is waited for stands where the path in hand does, until it goes on', () => {
    const { terminal, shown, said } = drawing()
    const view = progressView(terminal)
    view.show(progress({ inHand: '/a.txt' }), 0)
    view.waiting('destination: "/mnt/new" is gone')
    expect(shown()[2]).toBe('  waiting: destination: "/mnt/new" is gone')
    view.show(progress({ inHand: '/a.txt' }), 100)
    expect(shown()[2]).toBe('  waiting: destination: "/mnt/new" is gone')
    view.waiting(undefined)
    expect(shown()[2]).toBe('  /a.txt')
    view.end()
    expect(shown()).toEqual([])
    expect(said).toEqual([])
  })

  test('an execution that cannot begin has no bar yet, and says what it waits for', () => {
    const { terminal, shown } = drawing()
    const view = progressView(terminal)
    view.waiting('source: "/mnt/old" is gone')
    expect(shown()).toEqual(['  waiting: source: "/mnt/old" is gone'])
    view.say('a line')
    expect(shown()).toEqual(['  waiting: source: "/mnt/old" is gone'])
    view.waiting(undefined)
    expect(shown()).toEqual([])
    view.show(progress({ inHand: '/a.txt' }), 0)
    expect(shown()[2]).toBe('  /a.txt')
  })

  test('with JSON, progress says what is waited for', () => {
    const lines: string[] = []
    const view = progressView({ out: (line: string) => lines.push(line) } as unknown as Terminal, { json: true })
    for (const [why, atMs] of [['home: full', 0] as const, [undefined, 2_000] as const]) {
      view.waiting(why)
      view.show(progress(), atMs)
      view.show(progress(), atMs + 1_500)
    }
    const progresses = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'progress')
    expect(progresses.map(({ waiting_for }) => waiting_for)).toEqual(['home: full', undefined])
  })
})
