import type { StoredJob } from '../../catalog/catalog.ts'
import { changedMeanwhile, sayConsequence, type ChangedMeanwhile } from '../../accept/changed_meanwhile.ts'
import { sayChange } from '../../accept/changes.ts'
import { inertSettings, refusals } from '../../accept/not_carried_out.ts'
import { statusesMeant, statusWords } from '../../api/job_filter.ts'
import { jobView } from '../../api/job_view.ts'
import { toJson } from '../../json/json.ts'
import type { Progress } from '../../ledger/ledger.ts'
import { NotStarted, Unacceptable } from '../../problem.ts'
import { printable, table } from '../../report/format.ts'
import { summarize } from '../../report/summary.ts'
import { summaryText } from '../../report/text.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import type { JobCommands } from '../../client/job_commands.ts'
import type { OpenHome } from '../../open_home/open_home.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { pace, progressLine } from '../progress_line.ts'
import type { Terminal } from '../terminal.ts'

export interface ListOptions extends CommonOptions {
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
    const jobs = (await all(catalog, options.search)).filter((job) => meant?.includes(job.status) ?? true)
    if (options.json === true) {
      for (const job of jobs) parts.terminal.out(toJson(await jobView(job, { catalog, ledgers })))
      return ExitCode.done
    }
    if (jobs.length === 0) parts.terminal.err(`There are no jobs here. \`${parts.typed} run job.json\` makes one.`)
    const rows = jobs.map((job) => [
      job.id,
      job.status,
      job.lastExecution === 0 ? 'never ran' : `run ${job.lastExecution}`,
      printable(job.name),
    ])
    for (const line of table(rows)) parts.terminal.out(line)
    return ExitCode.done
  })
}

export async function showJob(name: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog, ledgers }) => {
    const job = await theJob(name, catalog)
    if (options.json === true) {
      parts.terminal.out(toJson(await jobView(job, { catalog, ledgers }), 2))
      return ExitCode.done
    }
    const say = parts.terminal.out
    say(`${printable(job.name)} (${job.id})`)
    say(`status: ${job.status}${job.statusReason === '' ? '' : `, ${printable(job.statusReason)}`}`)
    for (const side of ['source', 'destination'] as const) say(`${side}: ${await sideText(side, job, catalog)}`)
    const last = job.lastExecution > 0 ? await catalog.executions.get(job.id, job.lastExecution) : undefined
    if (last?.endedOn === null) {
      const progress = ledgers.open(job.id, last.simulated ? 'simulated' : 'real')?.progress(last.execution)
      say(`run ${last.execution}: ${progress ? soFar(progress) : 'nothing done yet'}`)
    } else if (last) {
      const summary = summarize(job, last, await inertSettings(job, catalog))
      say(`\n${summaryText(summary, { colour: parts.terminal.colour }).trimEnd()}`)
    }
    return ExitCode.done
  })
}

/** Of a run that is under way, or paused in the middle. */
function soFar(progress: Progress): string {
  return progressLine(progress, pace([{ atMs: 0, progress }]))
}

/** start, pause, resume, cancel: a command to the process that serves this home. */
export async function commandJob(
  command: keyof JobCommands,
  name: string,
  options: CommonOptions,
  parts: CliParts,
): Promise<ExitCode> {
  return withHome(options, parts, async (home) => {
    const job = await theJob(name, home.catalog)
    if (command === 'start') {
      const refused = await refusals(job, home.catalog)
      if (refused.length > 0) throw new NotStarted(refused)
    }
    const changed = command === 'resume' ? await changedMeanwhile(job, home.catalog) : undefined
    const served = await parts.serve(home, { worker: false, say: (line) => parts.terminal.err(line) })
    try {
      await served.commands[command](job.id)
    } finally {
      await served.close()
    }
    if (changed) tellChanged(changed, parts.terminal, options)
    const now = await theJob(job.id, home.catalog)
    if (options.json === true) parts.terminal.out(toJson(await jobView(now, home)))
    else parts.terminal.out(`${printable(now.name)}: ${now.status}`)
    return ExitCode.done
  })
}

/** Of an execution that goes on: which settings are others than when it began. @param told lines of it told already */
export function tellChanged(
  { execution, changes }: ChangedMeanwhile,
  { out, err }: Terminal,
  { json }: CommonOptions,
  told: readonly string[] = [],
): void {
  const lines = changes.map(sayChange)
  if (json === true) return out(toJson({ type: 'changed', execution, changes: lines }))
  err(`Changed since execution ${execution} began: ${sayConsequence(execution)}.`)
  for (const line of lines) if (!told.includes(line)) err(`  ${line}`)
}

/**
 * A job by its id, the beginning of one (6 characters at least), or its name.
 *
 * @throws Unacceptable naming what there is
 */
export async function theJob(name: string, catalog: Catalog): Promise<StoredJob> {
  const byId = /^[0-9a-f]{32}$/.test(name) ? await catalog.jobs.get(name) : undefined
  const found = byId ?? (await catalog.jobs.findByName(name))
  if (found) return found
  const jobs = await all(catalog)
  const beginning = /^[0-9a-f]{6,31}$/.test(name) ? jobs.filter((job) => job.id.startsWith(name)) : []
  const [only] = beginning
  if (only && beginning.length === 1) return only
  const names = jobs.slice(0, 10).map((job) => JSON.stringify(printable(job.name)))
  const there = names.length === 0 ? 'there are no jobs in this home' : `there are ${names.join(', ')}`
  throw new Unacceptable([{ code: 'unknown_id', description: `no job is called ${JSON.stringify(name)}; ${there}` }])
}

/** Works in the home there is; with `make` also in a new one. */
export async function withHome<T>(
  { home: path, make = false }: CommonOptions & { make?: boolean },
  parts: CliParts,
  work: (home: OpenHome) => Promise<T>,
): Promise<T> {
  const home = await parts.openHome(path, { make })
  try {
    return await work(home)
  } finally {
    await home.close()
  }
}

async function all(catalog: Catalog, q?: string): Promise<StoredJob[]> {
  const jobs: StoredJob[] = []
  for (;;) {
    const page = await catalog.jobs.list({ offset: jobs.length, limit: 1_000, ...(q === undefined ? {} : { q }) })
    jobs.push(...page.rows)
    if (page.rows.length === 0 || jobs.length >= page.total) return jobs
  }
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
