import { sentence, type Problem } from '../problem.ts'
import type { Terminal } from './terminal.ts'

/** One line for each, on standard error. */
export function tellWarnings(warnings: readonly Problem[], terminal: Terminal): void {
  for (const warning of warnings) terminal.err(`warning: ${sentence(warning)}`)
}
