import { resetJob } from '../../intake/reset_job.ts'
import { toJson } from '../../json/json.ts'
import { printable } from '../../report/format.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { theJob } from '../the_job.ts'
import { typed } from '../typed.ts'
import { withHome } from '../with_home.ts'

/** `stevedore job reset <job> [soft|hard|permissions|full|stats]`: what the next run begins without. */
export async function resetTheJob(
  name: string,
  word: string,
  options: CommonOptions,
  parts: CliParts,
): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog }) => {
    const job = await theJob(name, catalog, parts.terminal)
    const why = await resetJob(job, word, catalog)
    const { resets } = await theJob(job.id, catalog)
    const { out } = parts.terminal
    if (options.json === true) out(toJson({ job: job.id, resets, ...(why === undefined ? {} : { why }) }))
    else if (why !== undefined) out(why)
    else {
      const next = typed(parts, options, ['job start', job.name])
      out(`${printable(job.name)}: the next run begins with a reset (${resets.join(', ')}). To begin it: ${next}`)
    }
    return ExitCode.done
  })
}
