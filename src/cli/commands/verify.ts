import { toJson } from '../../json/json.ts'
import { bytes, count, counted, printable } from '../../report/format.ts'
import { sayReason } from '../../report/say_reason.ts'
import { Unacceptable } from '../../problem.ts'
import { limits } from '../../transfer/job_spec.ts'
import { loadLastJobSpec } from '../../transfer/load_job.ts'
import { verifyJob, type Difference, type DifferenceKind, type Verified } from '../../transfer/verify/verify.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import type { Terminal } from '../terminal.ts'
import { theJob } from '../the_job.ts'
import { withHome } from '../with_home.ts'

const sayEveryMs = 5_000
/** Of one kind in text: settings that changed make every item differ. */
const mostOfAKind = 20

/** `stevedore verify <job>`: reads both sides again, and prints differences as it finds them; 1 when there are any. */
export async function verify(name: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  const { terminal } = parts
  const json = options.json === true
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
    const verifying = verifyJob({ loaded, ledger, ...(json ? {} : { onProgress: saysSometimes(terminal) }) })
    const kinds = new Map<DifferenceKind, number>()
    let step = await verifying.next()
    for (; step.done !== true; step = await verifying.next()) {
      const { kind } = step.value
      const known = (kinds.get(kind) ?? 0) + 1
      kinds.set(kind, known)
      if (json) terminal.out(toJson({ type: 'difference', ...wire(step.value) }))
      else if (known <= mostOfAKind) terminal.out(sentence(step.value))
    }
    const verified = step.value
    if (json) terminal.out(toJson({ type: 'verified', ...wireSummary(verified) }))
    else for (const line of [...notShown(kinds), ...summary(verified)]) terminal.out(line)
    return verified.differences === 0 ? ExitCode.done : ExitCode.withFailures
  })
}

function saysSometimes(terminal: Terminal): (soFar: Verified) => void {
  let said = Date.now()
  return ({ files, folders, read }) => {
    if (Date.now() - said < sayEveryMs) return
    said = Date.now()
    terminal.err(`${counted(files + folders, 'item')} compared, ${bytes(read.source + read.destination)} read…`)
  }
}

function sentence({ path, kind, message }: Difference): string {
  return `${printable(path)}: ${kind}: ${printable(message)}`
}

function notShown(kinds: ReadonlyMap<DifferenceKind, number>): string[] {
  return [...kinds]
    .filter(([, n]) => n > mostOfAKind)
    .map(([kind, n]) => `… and ${count(n - mostOfAKind)} more like these: ${kind} (--json has all of them)`)
}

function summary({
  files,
  folders,
  read,
  differences,
  notTransferred,
  gone,
  accessBefore,
  foreign,
}: Verified): string[] {
  const lines = [
    `${counted(files, 'file')} and ${counted(folders, 'folder')} compared, ${bytes(read.source)} read at the source, ${bytes(read.destination)} at the destination`,
    ...notTransferred.map(
      ({ status, reason, items }) => `${counted(items, 'item')} ${notThere[status]}: ${sayReason(reason)} [${reason}]`,
    ),
  ]
  if (gone > 0) lines.push(`${counted(gone, 'item')} left the source, which earlier executions noticed`)
  if (accessBefore > 0)
    lines.push(
      `${counted(accessBefore, 'item')} with the owner and permissions of other maps or settings, until they change`,
    )
  if (foreign > 0) lines.push(`${counted(foreign, 'entry', 'entries')} of the destination of others, not looked at`)
  lines.push(differences === 0 ? 'no differences' : counted(differences, 'difference'))
  return lines
}

const notThere: Record<Verified['notTransferred'][number]['status'], string> = {
  none: 'only looked at',
  success: 'left as the destination has it',
  processed: 'left as the destination has it',
  skipped: 'skipped',
  retry: 'to be tried again',
  remediation: 'flagged',
  pending: 'not done yet',
}

function wire({ path, destinationPath, kind, message }: Difference): Record<string, unknown> {
  return { path, destination_path: destinationPath, kind, message }
}

function wireSummary({ notTransferred, accessBefore, ...rest }: Verified): Record<string, unknown> {
  return { ...rest, not_transferred: notTransferred, access_before: accessBefore }
}
