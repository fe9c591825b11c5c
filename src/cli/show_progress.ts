import { bytes, count } from '../report/format.ts'
import { toJson, wireNumber } from '../json/json.ts'
import type { Progress } from '../ledger/ledger.ts'
import { pace, progressBar, progressLine, type Reading } from './progress_line.ts'
import type { Terminal } from './terminal.ts'

export interface ProgressView {
  /** Shows where the execution stands. */
  show(progress: Progress, atMs: number): void
  /** Lines that stay, above whatever is redrawn. */
  say(line: string): void
  /** Ends the redrawing; nothing of it stays. */
  end(): void
}

const plainEveryMs = 5_000
const jsonEveryMs = 1_000

/** A bar where the terminal can redraw; else a line every five seconds; with `json` an object a second on standard output. */
export function progressView(terminal: Terminal, { json = false }: { json?: boolean } = {}): ProgressView {
  if (json)
    return everySoOften(
      jsonEveryMs,
      (progress, readings) => terminal.out(asJson(progress, readings)),
      () => undefined,
    )
  if (!terminal.interactive)
    return everySoOften(
      plainEveryMs,
      (progress, readings) => terminal.err(progressLine(progress, pace(readings))),
      (line) => terminal.err(line),
    )
  return redrawn(terminal)
}

function everySoOften(
  everyMs: number,
  emit: (progress: Progress, readings: Reading[]) => void,
  say: (line: string) => void,
): ProgressView {
  const readings: Reading[] = []
  let last: number | undefined
  return {
    show(progress, atMs) {
      readings.push({ atMs, progress })
      last ??= atMs
      if (atMs - last < everyMs) return
      last = atMs
      emit(progress, readings)
    },
    say,
    end: () => undefined,
  }
}

function redrawn(terminal: Terminal): ProgressView {
  const readings: Reading[] = []
  let drawn: string[] | undefined
  const clear = (): void => {
    if (drawn) terminal.draw(`\r\x1b[${drawn.length - 1}A\x1b[0J`)
    drawn = undefined
  }
  const paint = (lines: string[]): void => {
    clear()
    terminal.draw(lines.join('\n'))
    drawn = lines
  }
  return {
    show(progress, atMs) {
      readings.push({ atMs, progress })
      paint(progressBar(progress, pace(readings), terminal.columns()))
    },
    say(line) {
      const again = drawn
      clear()
      terminal.err(line)
      if (again) paint(again)
    },
    end: clear,
  }
}

function asJson(progress: Progress, readings: Reading[]): string {
  const { itemsPerSecond, bytesPerSecond, leftMs, atLeast } = pace(readings)
  return toJson({
    type: 'progress',
    found: sums(progress.found),
    done: sums(progress.done),
    failed: progress.failed,
    waiting: progress.waiting,
    still_enumerating: atLeast,
    items_per_second: Math.round(itemsPerSecond),
    bytes_per_second: Math.round(bytesPerSecond),
    ...(leftMs === undefined ? {} : { seconds_left: Math.round(leftMs / 100) / 10 }),
    ...(progress.inHand === undefined ? {} : { in_hand: progress.inHand }),
  })
}

function sums<T extends { bytes: bigint }>(sum: T): Omit<T, 'bytes'> & { bytes: number | string } {
  return { ...sum, bytes: wireNumber(sum.bytes) }
}

/** For a line that stays: `1,040 items, 6.1 MiB so far` */
export function soFar(progress: Progress): string {
  return `${count(progress.done.items)} items, ${bytes(progress.done.bytes)} so far`
}
