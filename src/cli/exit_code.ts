import { hasFailures } from '../report/text.ts'
import { endedEarly, type Summary } from '../report/summary.ts'

/** What the shell gets; the numbers are a promise to scripts. */
export const ExitCode = {
  done: 0,
  /** Done, with items that failed or are flagged; or a comparison that found differences. */
  withFailures: 1,
  /** A bad document, or the command line. */
  usage: 2,
  /** Halted, failed to start, or something underneath is broken. */
  failed: 3,
  interrupted: 130,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export function exitCodeOf(summary: Summary): ExitCode {
  switch (summary.status) {
    case 'failed_to_start':
      return ExitCode.failed
    case 'cancelled':
      return ExitCode.interrupted
    case 'failed':
    case 'failing':
    case 'warn':
      if (endedEarly(summary)) return ExitCode.failed
      return ExitCode.withFailures
    case 'running':
    case 'completed':
    case 'no_changes':
      return hasFailures(summary) ? ExitCode.withFailures : ExitCode.done
    default:
      return summary.status satisfies never
  }
}
