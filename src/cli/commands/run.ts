import { changedMeanwhile } from '../../intake/changed_meanwhile.ts'
import { sayChange, sayOpenChange } from '../../intake/changes.ts'
import { checkJob, storeJob, type CheckedJob } from '../../intake/job.ts'
import { reviseJob, revisionOf } from '../../intake/revise.ts'
import { inertSettings, refusals } from '../../intake/not_carried_out.ts'
import { beginExecution } from '../../client/begin_execution.ts'
import type { Catalog, StoredExecution, StoredJob } from '../../catalog/catalog.ts'
import { toJson } from '../../json/json.ts'
import type { Progress } from '../../ledger/ledger.ts'
import { NotStarted, sentence, Unacceptable } from '../../problem.ts'
import { Refused } from '../../client/refused.ts'
import { summarize } from '../../report/summary.ts'
import { summaryText } from '../../report/text.ts'
import type { JobCommands } from '../../client/job_commands.ts'
import type { OpenHome } from '../../open_home/open_home.ts'
import { webUiOf, type Stevedore } from '../../runtime/stevedore.ts'
import { watchExecution } from '../../client/watch_execution.ts'
import { readDocument } from '../document_file.ts'
import { ExitCode, exitCodeOf } from '../exit_code.ts'
import { leave } from '../leave.ts'
import { failedItems, failedText } from '../failing.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { progressView, soFar, type ProgressView } from '../show_progress.ts'
import type { Terminal } from '../terminal.ts'
import { oneOf } from '../the_job.ts'
import { tellChanged } from '../tell_changed.ts'
import { typed } from '../typed.ts'

interface RunOptions extends CommonOptions {
  /** Another job, whatever the home holds under this name. */
  new?: boolean
  strict?: boolean
}

/** `stevedore run job.json`: one execution of one job, from the document to the summary. */
export async function runJob(file: string, options: RunOptions, parts: CliParts): Promise<ExitCode> {
  const document = await readDocument(file, parts.terminal)
  const interruption = new Interruption(parts.terminal)
  try {
    const home = await parts.openHome(options.home, { make: true })
    try {
      const told: string[] = []
      const job = await settle(document, home.catalog, options, parts, told)
      return await new Run(job, { home, interruption, parts, options, file, told }).toItsEnd()
    } finally {
      await home.close()
    }
  } finally {
    interruption.ignore()
  }
}

/** Ctrl-C, from the first moment on: once asks, twice leaves at once. */
class Interruption {
  readonly signal: AbortSignal
  readonly ignore: () => void

  constructor(terminal: Terminal) {
    const asked = new AbortController()
    this.signal = asked.signal
    this.ignore = terminal.onInterrupt((times) => {
      if (times > 1) leave(ExitCode.interrupted)
      asked.abort()
    })
  }

  get came(): boolean {
    return this.signal.aborted
  }

  /** Calls back when it comes, or now when it has. */
  whenItComes(act: () => void): void {
    if (this.came) act()
    else this.signal.addEventListener('abort', act, { once: true })
  }
}

/**
 * The stored job this document belongs to: the one of the same name, revised, or a new one.
 *
 * @throws Unacceptable, NotStarted before anything is stored
 */
async function settle(
  document: Record<string, unknown>,
  catalog: Catalog,
  options: RunOptions,
  parts: CliParts,
  told: string[],
): Promise<StoredJob> {
  const checked = await checkJob(document, catalog, { strict: options.strict ?? false, needsTransferType: true })
  for (const warning of checked.warnings) {
    if (options.json === true) parts.terminal.out(toJson({ type: 'warning', ...warning }))
    else parts.terminal.err(`warning: ${sentence(warning)}`)
  }
  const named = options.new === true ? [] : await catalog.jobs.named(checked.name)
  const stored = named.length === 0 ? undefined : await oneOf(named, parts.terminal)
  const changes = stored && (await changesOf(stored, checked, catalog))
  const refused = await refusals({ document: { ...checked.job } }, catalog)
  if (refused.length > 0) throw new NotStarted(refused)
  if (stored === undefined) return storeJob(checked, catalog)
  if (changes === undefined || changes.length === 0) return stored
  told.push(...changes)
  if (options.json === true) parts.terminal.out(toJson({ type: 'changed', changes }))
  else {
    parts.terminal.err(`Changed since the last run of ${JSON.stringify(stored.name)}:`)
    for (const change of changes) parts.terminal.err(`  ${change}`)
  }
  return reviseJob(stored, checked, catalog)
}

/** @throws Unacceptable when it is another job */
async function changesOf(stored: StoredJob, checked: CheckedJob, catalog: Catalog): Promise<string[]> {
  const { endpoints, settings } = await revisionOf(stored, checked, catalog)
  if (endpoints.length > 0)
    throw new Unacceptable(
      endpoints.map((change) => ({
        code: 'endpoint_changed',
        description: `${sayOpenChange(change)}: job ${JSON.stringify(stored.name)} keeps its source and destination; give another name, or --new`,
      })),
    )
  return settings.map(sayChange)
}

interface RunParts {
  home: OpenHome
  interruption: Interruption
  parts: CliParts
  options: RunOptions
  file: string
  /** Changes of settings that were told already. */
  told: readonly string[]
}

/** How long an execution that can't be paused any more may take to be on record as ended. */
const endingMs = 5_000

/** One execution watched to its end, through interruptions. */
class Run {
  readonly #job: StoredJob
  readonly #with: RunParts
  readonly #view: ProgressView
  #served: Stevedore | undefined
  /** Why the worker of this process is no more. */
  #broken: Error | undefined
  #pausing: Promise<'paused' | 'ending' | 'failed'> | undefined
  #paused = false
  /** How it ended is known: an interruption has nothing left to pause. */
  #over = false
  #last: Progress | undefined

  constructor(job: StoredJob, run: RunParts) {
    this.#job = job
    this.#with = run
    this.#view = progressView(run.parts.terminal, { json: run.options.json ?? false })
  }

  /** Interrupted, it ends as that, whatever else went wrong on the way out. */
  async toItsEnd(): Promise<ExitCode> {
    const { interruption } = this.#with
    try {
      await this.#serve()
      // From here on an execution may be under way: it is paused, not left.
      const number = await this.#begin()
      this.#announce(number)
      interruption.whenItComes(() => this.#pause())
      const ended = await this.#watch(number)
      this.#over = ended !== 'stopped'
      this.#view.end()
      if (ended === 'stopped') return await this.#sayHowToGoOn()
      return ended === 'failed_to_start' ? await this.#notStarted() : await this.#report(ended)
    } catch (error) {
      if (!interruption.came) throw error
      this.#view.end()
      if (error !== interruption.signal.reason) this.#with.parts.terminal.err(`error: ${(error as Error).message}`)
      return await this.#sayHowToGoOn()
    } finally {
      this.#over = true
      await this.#close()
    }
  }

  async #serve(): Promise<void> {
    const { parts, home, interruption } = this.#with
    const { signal } = interruption
    const served = await parts.serve(home, { worker: true, say: (line) => this.#view.say(line), signal })
    this.#served = served
    void served.broken.then((error) => {
      if (this.#served === served) this.#broken = error
    })
    signal.throwIfAborted()
  }

  /** How the run went is known by now. */
  async #close(): Promise<void> {
    try {
      await this.#served?.close()
    } catch (error) {
      this.#with.parts.terminal.err(`warning: something did not close as it should: ${(error as Error).message}`)
    }
  }

  async #begin(): Promise<number> {
    const { home, parts, options, told } = this.#with
    const { id, name } = this.#job
    const changed = await changedMeanwhile(this.#job, home.catalog)
    const { execution, goesOn } = await beginExecution(id, home.catalog, this.#commands)
    if (goesOn) this.#tell(`Going on with execution ${execution} of ${JSON.stringify(name)}.`)
    if (changed?.execution === execution) tellChanged(changed, parts.terminal, options, told)
    return execution
  }

  get #commands(): JobCommands {
    return this.#served!.commands
  }

  #watch(execution: number): Promise<StoredExecution | 'failed_to_start' | 'stopped'> {
    let refusedMs: number | undefined
    return watchExecution(
      this.#with.home,
      { jobId: this.#job.id, execution },
      {
        onProgress: (progress, atMs) => {
          this.#last = progress
          this.#view.show(progress, atMs)
        },
        onWaiting: (why) => this.#view.waiting(why),
        between: async (job) => {
          if (this.#pausing) {
            if ((await this.#pausing) !== 'ending') return 'stop'
            refusedMs ??= Date.now()
            return Date.now() - refusedMs > endingMs ? 'stop' : undefined
          }
          if (this.#broken) throw this.#broken
          await this.#keepServed()
          this.#heedPause(job)
          return undefined
        },
      },
    )
  }

  /** The process that served the home when this one came, and has ended, is replaced by this one. */
  async #keepServed(): Promise<void> {
    if (this.#served!.serves || this.#served!.stillServed()) return
    this.#view.say('The process that served this home has ended; this one goes on in its place.')
    await this.#close()
    await this.#serve()
  }

  #heedPause(job: StoredJob | undefined): void {
    const paused = job?.status === 'paused'
    if (paused && !this.#paused && !this.#pausing)
      this.#view.say(`Paused by another command. Go on: ${this.#typed('job resume', this.#job.name)}`)
    this.#paused = paused
  }

  #pause(): void {
    if (this.#over) return
    this.#view.say('Pausing: what is in hand is finished first. Ctrl-C again leaves at once, and loses nothing either.')
    this.#pausing = this.#commands.pause(this.#job.id).then(
      () => 'paused',
      (error: unknown) => {
        // It ended in this moment: there is nothing left to pause, and perhaps no server to ask any more.
        if (error instanceof Refused || this.#over) return 'ending'
        this.#view.say(`The pause failed: ${(error as Error).message}`)
        return 'failed'
      },
    )
  }

  async #sayHowToGoOn(): Promise<ExitCode> {
    const { parts, options, file } = this.#with
    const paused = (await this.#pausing) === 'paused'
    const type = paused ? 'paused' : 'interrupted'
    if (options.json === true) parts.terminal.out(toJson({ type, job: { id: this.#job.id, name: this.#job.name } }))
    const so = this.#last ? ` after ${soFar(this.#last)}` : ''
    parts.terminal.err(`${paused ? 'Paused' : 'Interrupted'}${so}. To go on: ${this.#typed('run', file)}`)
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
    const ledger = home.ledgers.open(this.#job.id, execution.simulated ? 'simulated' : 'real')
    const failed = await failedItems(ledger, this.#job.id, home.catalog)
    if (options.json === true) parts.terminal.out(toJson({ type: 'summary', ...summary, failed }))
    else {
      parts.terminal.out(
        summaryText(summary, {
          colour: parts.terminal.colour,
          explain: this.#typed('explain', this.#job.name, '<path>'),
        }).trimEnd(),
      )
      const lines = failedText(failed, (command, ...args) => this.#typed(command, this.#job.name, ...args))
      if (lines.length > 0) parts.terminal.out(['', ...lines].join('\n'))
    }
    return exitCodeOf(summary)
  }

  #announce(number: number): void {
    const { id, name } = this.#job
    const page = webUiOf(this.#served!, id, number)
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
    return typed(this.#with.parts, this.#with.options, [command, ...args])
  }
}

function say(parts: CliParts, options: CommonOptions, line: string): void {
  if (options.json !== true) parts.terminal.err(line)
}
