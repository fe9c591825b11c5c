import { ConfigError } from '../config.ts'
import { toJson } from '../json/json.ts'
import { NotStarted, sentence, Unacceptable, type Problem } from '../problem.ts'
import { ExitCode } from './exit_code.ts'
import type { Terminal } from './terminal.ts'

/** Says what went wrong, and which exit code that is. */
export function failed(error: unknown, terminal: Terminal, json: boolean): ExitCode {
  const { problems, code } = understood(error)
  if (json) terminal.out(toJson({ type: 'error', errors: problems }))
  for (const problem of problems) terminal.err(`error: ${sentence(problem)}`)
  if (problems.length > 1) terminal.err(`${problems.length} problems`)
  if (problems.some(({ code }) => code === 'DatabaseUnusable'))
    terminal.err('`stevedore doctor` looks at all of the home, and says what can be done.')
  if (error instanceof NotStarted) terminal.err('Nothing was stored, and nothing was started.')
  return code
}

function understood(error: unknown): { problems: readonly Problem[]; code: ExitCode } {
  if (error instanceof Unacceptable) return { problems: error.problems, code: ExitCode.usage }
  if (error instanceof NotStarted) return { problems: error.problems, code: ExitCode.failed }
  if (error instanceof ConfigError)
    return { problems: error.problems.map((description) => ({ code: 'invalid', description })), code: ExitCode.usage }
  const description = error instanceof Error ? error.message || error.name : String(error)
  return { problems: [{ code: error instanceof Error ? error.name : 'error', description }], code: ExitCode.failed }
}
