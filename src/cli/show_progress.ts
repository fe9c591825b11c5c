import { bytes, count } from '../report/format.ts'
import { toJson, wireNumber } from '../json/json.ts'
import type { Progress } from '../ledger/ledger.ts'
import { pace, progressBar, progressLine, waitingBar, waitingLine, type Reading } from './progress_line.ts'
import type { Terminal } from './terminal.ts'

export interface ProgressView {
  /** Shows where the execution stands. */
  show(progress: Progress, atMs: number): void
  /** Shows what the execution waits for; without it, that it goes on. */
  waiting(why: string | undefined): void
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
      (progress, readings, waitingFor) => terminal.out(asJson(progress, readings, waitingFor)),
      (why) => terminal.out(toJson({ type: 'waiting', waiting_for: why ?? null })),
      () => undefined,
    )
  if (!terminal.interactive)
    return everySoOften(
      plainEveryMs,
      (progress, readings) => terminal.err(progressLine(progress, pace(readings))),
      (why) => terminal.err(why === undefined ? 'no longer waiting: going on' : waitingLine(why)),
      (line) => terminal.err(line),
    )
  return redrawn(terminal)
}

function everySoOften(
  everyMs: number,
  emit: (progress: Progress, readings: Reading[], waitingFor: string | undefined) => void,
  emitWaiting: (why: string | undefined) => void,
  say: (line: string) => void,
): ProgressView {
  const readings: Reading[] = []
  let last: number | undefined
  let waitingFor: string | undefined
  return {
    show(progress, atMs) {
      readings.push({ atMs, progress })
      last ??= atMs
      if (atMs - last < everyMs) return
      last = atMs
      emit(progress, readings, waitingFor)
    },
    waiting(why) {
      waitingFor = why
      emitWaiting(why)
    },
    say,
    end: () => undefined,
  }
}

function redrawn(terminal: Terminal): ProgressView {
  const readings: Reading[] = []
  let drawn: string[] | undefined
  let last: Progress | undefined
  let waitingFor: string | undefined
  const clear = (): void => {
    // No line up is not said with a 0: that is taken for 1.
    if (drawn) terminal.draw(`\r${drawn.length > 1 ? `\x1b[${drawn.length - 1}A` : ''}\x1b[0J`)
    drawn = undefined
  }
  const paint = (lines: string[]): void => {
    clear()
    terminal.draw(lines.join('\n'))
    drawn = lines
  }
  const redraw = (): void => {
    const width = terminal.columns()
    if (last) paint(progressBar(last, pace(readings), width, waitingFor))
    else if (waitingFor === undefined) clear()
    else paint([waitingBar(waitingFor, width)])
  }
  return {
    show(progress, atMs) {
      last = progress
      readings.push({ atMs, progress })
      redraw()
    },
    waiting(why) {
      waitingFor = why
      redraw()
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

function asJson(progress: Progress, readings: Reading[], waitingFor: string | undefined): string {
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
    ...(waitingFor === undefined ? {} : { waiting_for: waitingFor }),
  })
}

function sums<T extends { bytes: bigint }>(sum: T): Omit<T, 'bytes'> & { bytes: number | string } {
  return { ...sum, bytes: wireNumber(sum.bytes) }
}

/** For a line that stays: `1,040 items, 6.1 MiB so far` */
export function soFar(progress: Progress): string {
  return `${count(progress.done.items)} items, ${bytes(progress.done.bytes)} so far`
}
