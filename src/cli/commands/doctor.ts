import { toJson } from '../../json/json.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'

interface DoctorOptions extends CommonOptions {
  repair?: boolean
}

/** `stevedore doctor`: looks at the home itself, whatever state it is in; 1 when something is wrong and stays so. */
export async function doctor(options: DoctorOptions, { terminal, version, checkUp }: CliParts): Promise<ExitCode> {
  const say = (finding: { what: string; problem?: string; repaired?: string }): void => {
    const { what, problem, repaired } = finding
    if (options.json === true) terminal.out(toJson({ type: 'finding', ...finding }))
    else if (problem === undefined) terminal.out(`ok       ${what}`)
    else terminal.out(`${repaired === undefined ? 'problem ' : 'repaired'} ${what}\n         ${repaired ?? problem}`)
  }
  say({ what: `stevedore ${version}, Node ${process.versions.node}` })
  let problems = 0
  for await (const { repair, ...finding } of checkUp(options.home, { repair: options.repair ?? false })) {
    const repaired = options.repair === true ? repair?.() : undefined
    if (finding.problem !== undefined && repaired === undefined) problems += 1
    say({ ...finding, ...(repaired === undefined ? {} : { repaired }) })
  }
  return problems > 0 ? ExitCode.withFailures : ExitCode.done
}
