import { sayChange } from '../../intake/changes.ts'
import { editJob } from '../../intake/edit_job.ts'
import { jobView } from '../../api/job_view.ts'
import { toJson } from '../../json/json.ts'
import { printable } from '../../report/format.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import type { ChangeOptions } from '../settings.ts'
import { tellWarnings } from '../tell_warnings.ts'
import { theJob } from '../the_job.ts'
import { toldChange } from '../told_change.ts'
import { withHome } from '../with_home.ts'

/** Name, schedule, stop policy and settings of the transfer; source and destination stay. */
export async function changeJob(
  which: string,
  file: string | undefined,
  options: CommonOptions & ChangeOptions & { strict?: boolean },
  parts: CliParts,
): Promise<ExitCode> {
  const change = await toldChange(file, options, parts.terminal)
  return withHome(options, parts, async (home) => {
    const stored = await theJob(which, home.catalog, parts.terminal)
    const { job, changes, warnings } = await editJob(stored, change, home.catalog, { strict: options.strict ?? false })
    tellWarnings(warnings, parts.terminal)
    if (options.json === true) parts.terminal.out(toJson(await jobView(job, home)))
    else {
      parts.terminal.out(`${printable(job.name)}: ${changes.length === 0 ? 'nothing was to be changed' : 'changed'}`)
      for (const one of changes) parts.terminal.out(`  ${sayChange(one)}`)
    }
    return ExitCode.done
  })
}

/** With its ledger and what it left half-way; what it has copied stays. */
export async function deleteJob(which: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async (home) => {
    const job = await theJob(which, home.catalog, parts.terminal)
    const served = await parts.serve(home, { worker: false, keep: true, say: (line) => parts.terminal.err(line) })
    try {
      const deleted = await served.deleteJob(job.id)
      const { id, name } = job
      if (options.json === true) parts.terminal.out(toJson({ type: deleted, job: { id, name } }))
      else
        parts.terminal.out(
          deleted === 'deleted'
            ? `${printable(name)} is deleted; what it has copied stays.`
            : `Nobody serves this home: ${printable(name)} is deleted at the next start, before anything else.`,
        )
    } finally {
      await served.close()
    }
    return ExitCode.done
  })
}
