import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { progressView } from '../../src/cli/show_progress.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { Progress } from '../../src/ledger/ledger.ts'

/** What was written where; `screen` is what a terminal that redraws was sent. */
class ATerminal {
  readonly out: string[] = []
  readonly err: string[] = []
  readonly screen: string[] = []
  readonly terminal: Terminal

  constructor(interactive: boolean) {
    this.terminal = {
      out: (line) => void this.out.push(line),
      err: (line) => void this.err.push(line),
      interactive,
      colour: false,
      columns: () => 80,
      draw: (text) => void this.screen.push(text),
      onInterrupt: () => () => undefined,
      input: () => Readable.from([]),
    }
  }
}

function progress(items: number): Progress {
  return {
    found: { items: 1_000, containers: 10, bytes: 10_000_000n },
    done: { items, bytes: BigInt(items) * 10_000n },
    partItems: 0,
    failed: 0,
    waiting: 0,
    containersToList: 0,
    enumerationClosed: true,
  }
}

const second = 1_000
const bar = /[█░]{8,}/

/** Half a minute of an execution, looked at ten times a second. */
function watched(on: ATerminal, options: { json?: boolean } = {}): void {
  const view = progressView(on.terminal, options)
  for (let atMs = 0; atMs <= 30 * second; atMs += 100) view.show(progress(atMs / 100), atMs)
}

describe('progress', () => {
  test('a terminal has one bar, drawn over at every look, and taken away at the end', () => {
    const on = new ATerminal(true)
    const view = progressView(on.terminal)
    for (let i = 1; i <= 3; i++) {
      view.show(progress(i * 100), i * 100)
      const drawn = on.screen.at(-1)
      expect(drawn).toMatch(bar)
      expect(drawn).toContain(`${i * 100} of 1,000 items`)
    }
    expect(on.screen.filter((text) => bar.test(text))).toHaveLength(3)
    expect(on.screen.filter((text) => text.endsWith('\x1b[0J'))).toHaveLength(2)
    view.end()
    expect(on.screen.at(-1)).toMatch(/\x1b\[0J$/)
    expect([on.out, on.err]).toEqual([[], []])
  })

  test('a line that stays is put above the bar, which is drawn again below it', () => {
    const on = new ATerminal(true)
    const view = progressView(on.terminal)
    view.show(progress(100), 0)
    view.say('a line that stays')
    expect(on.err).toEqual(['a line that stays'])
    expect(on.screen.map((text) => (bar.test(text) ? 'bar' : 'cleared'))).toEqual(['bar', 'cleared', 'bar'])
  })

  test('where nothing can be redrawn there is a plain line every five seconds, on standard error, and no bar', () => {
    const on = new ATerminal(false)
    watched(on)
    expect(on.err).toHaveLength(6)
    expect(on.err.map((line) => /^(\d+) of 1,000 items/.exec(line)?.[1])).toEqual([
      '50',
      '100',
      '150',
      '200',
      '250',
      '300',
    ])
    expect(on.err.join('')).not.toMatch(bar)
    expect([on.out, on.screen]).toEqual([[], []])
  })

  test('where nothing can be redrawn a line that stays is printed at once', () => {
    const on = new ATerminal(false)
    progressView(on.terminal).say('a line that stays')
    expect(on.err).toEqual(['a line that stays'])
  })

  test.each([true, false])(
    'with --json an object a second goes to standard output, whatever the terminal can do (%s)',
    (interactive) => {
      const on = new ATerminal(interactive)
      watched(on, { json: true })
      expect(on.out).toHaveLength(30)
      const objects = on.out.map((line) => JSON.parse(line) as { type: string; done: { items: number } })
      expect(new Set(objects.map(({ type }) => type))).toEqual(new Set(['progress']))
      expect(objects.map(({ done }) => done.items)).toEqual(Array.from({ length: 30 }, (_, i) => (i + 1) * 10))
      expect([on.err, on.screen]).toEqual([[], []])
    },
  )

  test('with --json a line for people is not printed: standard output is objects only', () => {
    const on = new ATerminal(false)
    progressView(on.terminal, { json: true }).say('a line that stays')
    expect([on.out, on.err, on.screen]).toEqual([[], [], []])
  })
})
