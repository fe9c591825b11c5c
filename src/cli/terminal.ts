import { ExitCode } from './exit_code.ts'
import { leave } from './leave.ts'

/** Where a command reads and writes; a test gives its own. */
export interface Terminal {
  /** Results: standard output, one line, without the line feed. */
  out(line: string): void
  /** Everything else: standard error. */
  err(line: string): void
  /** Standard error is a terminal that can redraw. */
  readonly interactive: boolean
  readonly colour: boolean
  columns(): number
  /** Raw text to standard error, for redrawing. */
  draw(text: string): void
  /**
   * Calls `handler` on each Ctrl-C (or SIGTERM), with how many there were.
   *
   * @returns stops listening
   */
  onInterrupt(handler: (times: number) => void): () => void
  /** Standard input, to its end. */
  input(): AsyncIterable<Uint8Array>
}

/** @param graceMs how long after the first interruption the process ends at the latest */
export function processTerminal({ graceMs = 9_500 } = {}): Terminal {
  const { stdout, stderr, env } = process
  const interactive = stderr.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined
  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    interactive,
    colour: stdout.isTTY === true && interactive && env.NO_COLOR === undefined,
    columns: () => stderr.columns || 80,
    draw: (text) => void stderr.write(text),
    onInterrupt(handler) {
      let times = 0
      let last = -Infinity
      const giveUp = (): void => {
        stderr.write('Something in hand does not come back; left as it is, the next start goes on with it.\n')
        leave(ExitCode.interrupted)
      }
      const heard = (): void => {
        // One Ctrl-C arrives twice when npx, which got it too, hands it on.
        const now = performance.now()
        if (now - last > 500) handler(++times)
        if (last === -Infinity) setTimeout(giveUp, graceMs).unref()
        last = now
      }
      process.on('SIGINT', heard)
      process.on('SIGTERM', heard)
      return () => {
        process.off('SIGINT', heard)
        process.off('SIGTERM', heard)
      }
    },
    input: () => process.stdin,
  }
}
