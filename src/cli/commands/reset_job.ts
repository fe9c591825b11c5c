import { askReset } from '../../client/ask_reset.ts'
import { resetKind, resets } from '../../job/reset.ts'
import { Unacceptable } from '../../problem.ts'
import { printable } from '../../report/format.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { theJob } from '../the_job.ts'
import { typed } from '../typed.ts'
import { withHome } from '../with_home.ts'

/** Kept in the catalog for the next run, whoever serves the home. */
export async function resetJob(name: string, kind: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  const asked = resetKind(kind)
  if ('why' in asked) throw new Unacceptable([{ code: 'invalid', description: `${kind}: ${asked.why}` }])
  return withHome(options, parts, async ({ catalog }) => {
    const job = await theJob(name, catalog, parts.terminal)
    await askReset(job, asked.kind, catalog)
    parts.terminal.out(`The next run of ${printable(job.name)} begins with a reset: ${resets[asked.kind]}`)
    parts.terminal.out(`Begin it with: ${typed(parts, options, ['job start', job.name])}`)
    return ExitCode.done
  })
}
