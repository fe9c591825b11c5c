import { Unacceptable } from '../../problem.ts'
import { bytes, counted } from '../../report/format.ts'
import { limits } from '../../transfer/engine/execution_spec.ts'
import { loadLastJobSpec } from '../../transfer/engine/load_execution.ts'
import { verifyJob, type Verified } from '../../transfer/verify/verify.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import type { Terminal } from '../terminal.ts'
import { theJob } from '../the_job.ts'
import { typed } from '../typed.ts'
import { jsonFindings, textFindings } from '../verify_findings.ts'
import { withHome } from '../with_home.ts'

const sayEveryMs = 5_000

export interface VerifyOptions extends CommonOptions {
  /** What policy decided to leave counts as well. */
  strict?: boolean
}

/**
 * `stevedore verify <job>`: reads both sides again, and prints differences as it finds them; 1 when there are any, or when
 * anything that the job owes is not there (brake 13).
 */
export async function verify(name: string, options: VerifyOptions, parts: CliParts): Promise<ExitCode> {
  const { terminal } = parts
  const { json = false, strict = false } = options
  return withHome(options, parts, async ({ catalog, ledgers }) => {
    const job = await theJob(name, catalog, parts.terminal)
    const ledger = ledgers.open(job.id, 'real')
    if (!ledger)
      throw new Unacceptable([
        {
          code: 'never_ran',
          description: `${JSON.stringify(job.name)} has transferred nothing yet, so there is nothing to verify`,
        },
      ])
    const loaded = await loadLastJobSpec(catalog, job.id, limits)
    const say = (line: string): void => terminal.out(line)
    const findings = json
      ? jsonFindings(say)
      : textFindings(say, { strict, typed: (command, ...args) => typed(parts, options, [command, job.name, ...args]) })
    const verifying = verifyJob({
      loaded,
      ledger,
      onLeft: (left) => findings.left(left),
      ...(json ? {} : { onProgress: saysSometimes(terminal) }),
    })
    let step = await verifying.next()
    for (; step.done !== true; step = await verifying.next()) findings.difference(step.value)
    findings.end(step.value)
    return isClean(step.value, strict) ? ExitCode.done : ExitCode.withFailures
  })
}

function isClean({ differences, left, gone }: Verified, strict: boolean): boolean {
  return differences === 0 && (!strict || (left.length === 0 && gone === 0))
}

function saysSometimes(terminal: Terminal): (soFar: Verified) => void {
  let said = Date.now()
  return ({ files, folders, read }) => {
    if (Date.now() - said < sayEveryMs) return
    said = Date.now()
    terminal.err(`${counted(files + folders, 'item')} compared, ${bytes(read.source + read.destination)} read…`)
  }
}
