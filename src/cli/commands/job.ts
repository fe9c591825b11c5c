import type { StoredJob } from '../../catalog/catalog.ts'
import { changedMeanwhile } from '../../intake/changed_meanwhile.ts'
import { inertSettings, refusals } from '../../intake/not_carried_out.ts'
import { startProblems } from '../../intake/start_problems.ts'
import { statusesMeant, statusWords } from '../../api/job_filter.ts'
import { jobView } from '../../api/job_view.ts'
import { toJson } from '../../json/json.ts'
import type { Progress } from '../../ledger/ledger.ts'
import type { OpenHome } from '../../open_home/open_home.ts'
import { NotStarted, Unacceptable } from '../../problem.ts'
import { ledgerKind } from '../../open_home/ledger_views.ts'
import { count, printable, table } from '../../report/format.ts'
import { summarize } from '../../report/summary.ts'
import { summaryText } from '../../report/text.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import type { JobCommand } from '../../client/job_commands.ts'
import { ExitCode } from '../exit_code.ts'
import { failedItems, failedText } from '../failing.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { pace, progressLine, waitingLine } from '../progress_line.ts'
import { tellChanged } from '../tell_changed.ts'
import { allJobs, theJob } from '../the_job.ts'
import { typed } from '../typed.ts'
import { withHome } from '../with_home.ts'

interface ListOptions extends CommonOptions {
  status?: string
  search?: string
}

export async function listJobs(options: ListOptions, parts: CliParts): Promise<ExitCode> {
  const { status } = options
  if (status !== undefined && !statusWords.includes(status))
    throw new Unacceptable([
      { code: 'invalid', description: `--status ${status}: is not one of ${statusWords.join(', ')}` },
    ])
  const meant = status === undefined ? undefined : statusesMeant([status])
  return withHome(options, parts, async ({ catalog, ledgers }) => {
    const jobs = (await allJobs(catalog, options.search)).filter((job) => meant?.includes(job.status) ?? true)
    if (options.json === true) {
      for (const job of jobs) parts.terminal.out(toJson(await jobView(job, { catalog, ledgers })))
      return ExitCode.done
    }
    if (jobs.length === 0) parts.terminal.err(`There are no jobs here. \`${parts.typed} run job.json\` makes one.`)
    const rows = await Promise.all(
      jobs.map(async (job) => [job.id, job.status, await lastRun(job, catalog), printable(job.name)]),
    )
    for (const line of table(rows)) parts.terminal.out(line)
    return ExitCode.done
  })
}

/** With what it left to a person: who has many jobs looks here first. */
async function lastRun({ id, lastExecution }: StoredJob, catalog: Catalog): Promise<string> {
  if (lastExecution === 0) return 'never ran'
  const byStatus = (await catalog.executions.get(id, lastExecution))?.balance?.byStatus
  const flagged = byStatus?.remediation.items ?? 0
  const again = byStatus?.retry.items ?? 0
  return [
    `run ${lastExecution}`,
    ...(flagged > 0 ? [`${count(flagged)} flagged`] : []),
    ...(again > 0 ? [`${count(again)} to be tried again`] : []),
  ].join(', ')
}

export async function showJob(name: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async (home) => {
    const { catalog, ledgers } = home
    const job = await theJob(name, catalog, parts.terminal)
    const stuck = await whyStuck(job, home, parts)
    const ledger = ledgers.open(job.id, await ledgerKind(job, catalog))
    const failed = await failedItems(ledger, job.id, catalog)
    if (options.json === true) {
      const view = { ...(await jobView(job, { catalog, ledgers })), failed }
      parts.terminal.out(toJson(stuck === undefined ? view : { ...view, workflow_stuck: stuck }, 2))
      return ExitCode.done
    }
    const say = parts.terminal.out
    if (stuck !== undefined) say(`error: ${printable(stuck)}`)
    say(`${printable(job.name)} (${job.id})`)
    const order = await catalog.orders.get(job.id)
    say(`status: ${job.status}${job.statusReason === '' ? '' : `, ${printable(job.statusReason)}`}`)
    if (order && order.kind !== 'refresh') say(`kept: ${order.kind}, for the next start`)
    for (const side of ['source', 'destination'] as const) say(`${side}: ${await sideText(side, job, catalog)}`)
    const last = job.lastExecution > 0 ? await catalog.executions.get(job.id, job.lastExecution) : undefined
    if (last?.endedOn === null) {
      const progress = ledgers.open(job.id, last.simulated ? 'simulated' : 'real')?.progress(last.execution)
      say(`run ${last.execution}: ${progress ? soFar(progress) : 'nothing done yet'}`)
      if (last.waitingFor !== undefined) say(waitingLine(last.waitingFor))
    } else if (last) {
      const summary = summarize(job, last, await inertSettings(job, catalog))
      say(`\n${summaryText(summary, { colour: parts.terminal.colour }).trimEnd()}`)
    }
    const lines = failedText(failed, (command, ...args) => typed(parts, options, [command, job.name, ...args]))
    if (lines.length > 0) say(['', ...lines].join('\n'))
    return ExitCode.done
  })
}

/** Only who serves the home can tell; where nobody does, nothing goes on anyway. */
async function whyStuck(job: StoredJob, home: OpenHome, parts: CliParts): Promise<string | undefined> {
  try {
    const served = await parts.serve(home, { worker: false, say: () => undefined })
    return await served.commands.stuck(job.id).finally(() => served.close())
  } catch {
    return undefined
  }
}

/** Of a run that is under way, or paused in the middle. */
function soFar(progress: Progress): string {
  return progressLine(progress, pace([{ atMs: 0, progress }]))
}

/** start, pause, resume, cancel, repair: a command to the process that serves this home. */
export async function commandJob(
  command: JobCommand,
  name: string,
  options: CommonOptions,
  parts: CliParts,
): Promise<ExitCode> {
  return withHome(options, parts, async (home) => {
    const job = await theJob(name, home.catalog, parts.terminal)
    // One that is paused is said to be that, whatever else is wrong.
    if (command === 'start' && job.status !== 'paused') {
      for (const why of [refusals, startProblems]) {
        const refused = await why(job, home.catalog)
        if (refused.length > 0) throw new NotStarted(refused)
      }
    }
    const changed = command === 'resume' ? await changedMeanwhile(job, home.catalog) : undefined
    const served = await parts.serve(home, { worker: false, keep: true, say: (line) => parts.terminal.err(line) })
    try {
      await served.commands[command](job.id)
    } finally {
      await served.close()
    }
    if (changed) tellChanged(changed, parts.terminal, options)
    const now = await theJob(job.id, home.catalog)
    if (options.json === true) parts.terminal.out(toJson(await jobView(now, home)))
    else if (served.keeps) parts.terminal.out(keptText(command, now))
    else parts.terminal.out(`${printable(now.name)}: ${now.status}`)
    return ExitCode.done
  })
}

function keptText(command: JobCommand, { name }: StoredJob): string {
  return command === 'resume'
    ? `Nobody serves this home: the pause kept for ${printable(name)} is taken back.`
    : `Nobody serves this home: ${command} is kept for ${printable(name)}, and obeyed at the next start before anything else.`
}

async function sideText(side: 'source' | 'destination', job: StoredJob, catalog: Catalog): Promise<string> {
  const transfer = (job.document.transfer ?? {}) as Record<
    string,
    { connection?: { id?: string }; target?: { path?: string } }
  >
  const id = transfer[side]?.connection?.id ?? ''
  const connection = await catalog.connections.get(id)
  const path = transfer[side]?.target?.path ?? '/'
  return `${printable(path)} on ${connection ? `${printable(connection.name)} (${connection.platform})` : `connection ${id}`}`
}
