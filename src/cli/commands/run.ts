import { sayChange, sayOpenChange } from '../../accept/changes.ts'
import { checkJob, storeJob, type CheckedJob } from '../../accept/job.ts'
import { reviseJob, revisionOf } from '../../accept/revise.ts'
import { inertSettings, refusals } from '../../accept/not_carried_out.ts'
import { beginExecution } from '../../begin_execution.ts'
import type { Catalog, StoredExecution, StoredJob } from '../../catalog/catalog.ts'
import { toJson } from '../../json.ts'
import type { Progress } from '../../ledger/ledger.ts'
import { sentence, Unacceptable } from '../../problem.ts'
import { summarize } from '../../report/summary.ts'
import { summaryText } from '../../report/text.ts'
import { webUiOf, type OpenHome, type Stevedore } from '../../stevedore.ts'
import { watchExecution } from '../../watch_execution.ts'
import { readDocument } from '../document_file.ts'
import { ExitCode, exitCodeOf } from '../exit_code.ts'
import { NotStarted } from '../failed.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { progressView, soFar, type ProgressView } from '../show_progress.ts'

export interface RunOptions extends CommonOptions {
  /** Another job, whatever the home holds under this name. */
  new?: boolean
  strict?: boolean
}

/** `stevedore run job.json`: one execution of one job, from the document to the summary. */
export async function runJob(file: string, options: RunOptions, parts: CliParts): Promise<ExitCode> {
  const document = await readDocument(file, parts.terminal)
  const home = await parts.openHome(options.home)
  try {
    const job = await settle(document, home.catalog, options, parts)
    const refused = await refusals(job, home.catalog)
    if (refused.length > 0) throw new NotStarted(refused)
    const served = await parts.serve(home, { worker: true, say: (line) => say(parts, options, line) })
    return await new Run(job, { home, served, parts, options, file }).toItsEnd()
  } finally {
    await home.close()
  }
}

/** The stored job this document belongs to: the one of the same name, revised, or a new one. */
async function settle(
  document: Record<string, unknown>,
  catalog: Catalog,
  options: RunOptions,
  parts: CliParts,
): Promise<StoredJob> {
  const checked = await checkJob(document, catalog, { strict: options.strict ?? false, needsTransferType: true })
  for (const warning of checked.warnings) {
    if (options.json === true) parts.terminal.out(toJson({ type: 'warning', ...warning }))
    else parts.terminal.err(`warning: ${sentence(warning)}`)
  }
  const stored = options.new === true ? undefined : await catalog.jobs.findByName(checked.name)
  if (stored === undefined) return storeJob(checked, catalog)
  return revised(stored, checked, catalog, (changes) => {
    if (options.json === true) return parts.terminal.out(toJson({ type: 'changed', changes }))
    parts.terminal.err(`Changed since the last run of ${JSON.stringify(stored.name)}:`)
    for (const change of changes) parts.terminal.err(`  ${change}`)
  })
}

async function revised(
  stored: StoredJob,
  checked: CheckedJob,
  catalog: Catalog,
  tell: (changes: string[]) => void,
): Promise<StoredJob> {
  const { endpoints, settings } = await revisionOf(stored, checked, catalog)
  if (endpoints.length > 0)
    throw new Unacceptable(
      endpoints.map((change) => ({
        code: 'endpoint_changed',
        description: `${sayOpenChange(change)}: job ${JSON.stringify(stored.name)} keeps its source and destination; give another name, or --new`,
      })),
    )
  if (settings.length === 0) return stored
  tell(settings.map(sayChange))
  return reviseJob(stored, checked, catalog)
}

interface RunParts {
  home: OpenHome
  served: Stevedore
  parts: CliParts
  options: RunOptions
  file: string
}

/** One execution watched to its end, through interruptions. */
class Run {
  readonly #job: StoredJob
  readonly #with: RunParts
  readonly #view: ProgressView
  #served: Stevedore
  #interrupted: Promise<void> | undefined
  #paused = false
  #last: Progress | undefined

  constructor(job: StoredJob, run: RunParts) {
    this.#job = job
    this.#with = run
    this.#served = run.served
    this.#view = progressView(run.parts.terminal, { json: run.options.json ?? false })
  }

  async toItsEnd(): Promise<ExitCode> {
    const stopListening = this.#with.parts.terminal.onInterrupt((times) => this.#interrupt(times))
    try {
      const number = await this.#begin()
      this.#announce(number)
      const ended = await this.#watch(number)
      this.#view.end()
      if (ended === 'stopped') return await this.#sayHowToResume()
      return ended === 'failed_to_start' ? await this.#notStarted() : await this.#report(ended)
    } finally {
      await this.#served.close()
      stopListening()
    }
  }

  async #begin(): Promise<number> {
    const { id, name } = this.#job
    const { execution, goesOn } = await beginExecution(id, this.#with.home.catalog, this.#served.commands)
    if (goesOn) this.#tell(`Going on with execution ${execution} of ${JSON.stringify(name)}.`)
    return execution
  }

  #watch(execution: number): Promise<StoredExecution | 'failed_to_start' | 'stopped'> {
    let broken: Error | undefined
    void this.#served.broken.then((error) => (broken = error))
    return watchExecution(
      this.#with.home,
      { jobId: this.#job.id, execution },
      {
        onProgress: (progress, atMs) => {
          this.#last = progress
          this.#view.show(progress, atMs)
        },
        between: async (job) => {
          if (this.#interrupted) {
            await this.#interrupted
            return 'stop'
          }
          if (broken) throw broken
          await this.#keepServed()
          await this.#heedPause(job)
          return undefined
        },
      },
    )
  }

  /** The process that served the home when this one came has ended: this one takes its place. */
  async #keepServed(): Promise<void> {
    if (this.#served.serves || this.#served.stillServed()) return
    this.#view.say('The process that served this home has ended; this one goes on in its place.')
    await this.#served.close()
    const { parts, home, options } = this.#with
    this.#served = await parts.serve(home, { worker: true, say: (line) => say(parts, options, line) })
  }

  async #heedPause(job: StoredJob | undefined): Promise<void> {
    const paused = job?.status === 'paused'
    if (paused && !this.#paused && !this.#interrupted) {
      const { note } = await this.#with.home.catalog.control.read(this.#job.id)
      this.#view.say(
        `Paused${note === '' ? ' by another command' : `: ${note}`}. Go on: ${this.#typed('job resume', this.#job.name)}`,
      )
    }
    this.#paused = paused
  }

  #interrupt(times: number): void {
    if (times > 1) process.exit(ExitCode.interrupted)
    this.#view.say('Pausing: what is in hand is finished first. Ctrl-C again leaves at once, and loses nothing either.')
    this.#interrupted ??= this.#served.commands.pause(this.#job.id).then(
      () => undefined,
      (error: unknown) => this.#view.say(`The pause failed: ${(error as Error).message}`),
    )
  }

  async #sayHowToResume(): Promise<ExitCode> {
    const { parts, options, file } = this.#with
    if (options.json === true)
      parts.terminal.out(toJson({ type: 'paused', job: { id: this.#job.id, name: this.#job.name } }))
    const so = this.#last ? ` after ${soFar(this.#last)}` : ''
    parts.terminal.err(`Paused${so}. To go on: ${this.#typed('run', file)}`)
    return ExitCode.interrupted
  }

  async #notStarted(): Promise<ExitCode> {
    const { home, parts, options } = this.#with
    const job = await home.catalog.jobs.get(this.#job.id)
    const reason = job?.statusReason ?? ''
    if (options.json === true)
      parts.terminal.out(toJson({ type: 'failed_to_start', job: { id: this.#job.id, name: this.#job.name }, reason }))
    parts.terminal.err(`${JSON.stringify(this.#job.name)} failed to start: ${reason}`)
    return ExitCode.failed
  }

  async #report(execution: StoredExecution): Promise<ExitCode> {
    const { home, parts, options } = this.#with
    const summary = summarize(this.#job, execution, await inertSettings(this.#job, home.catalog))
    if (options.json === true) parts.terminal.out(toJson({ type: 'summary', ...summary }))
    else
      parts.terminal.out(
        summaryText(summary, {
          colour: parts.terminal.colour,
          explain: this.#typed('explain', this.#job.name, '<path>'),
        }).trimEnd(),
      )
    return exitCodeOf(summary)
  }

  #announce(number: number): void {
    const { id, name } = this.#job
    const page = webUiOf(this.#served, id, number)
    if (this.#with.options.json === true)
      this.#with.parts.terminal.out(
        toJson({ type: 'started', job: { id, name }, execution: number, web_ui: page ?? null }),
      )
    else this.#tell(`${JSON.stringify(name)}, execution ${number}${page === undefined ? '' : `\n${page}`}`)
  }

  #tell(line: string): void {
    say(this.#with.parts, this.#with.options, line)
  }

  #typed(command: string, ...args: string[]): string {
    const { parts, options } = this.#with
    const quoted = args.map((arg) => (/^[\w./<>-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))
    const home = options.home === undefined ? [] : ['--home', options.home]
    return [parts.typed, command, ...home, ...quoted].join(' ')
  }
}

function say(parts: CliParts, options: CommonOptions, line: string): void {
  if (options.json !== true) parts.terminal.err(line)
}
