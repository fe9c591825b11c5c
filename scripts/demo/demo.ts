/**
 * `npm run demo`: the job that uses every setting, on a file share of its own, from the source tree to the summary.
 * Everything it makes is under `.demo/`. Run it twice to see a run that changes nothing.
 *
 * Options: `--keep-open` stays until Ctrl-C, so that the Web UI can be looked at (a terminal is asked anyway);
 * `--close` ends at once; `--fresh` begins anew. `npm run demo -- sync` shows two folders kept the same instead.
 */
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { inertSettings } from '../../src/intake/not_carried_out.ts'
import { beginExecution } from '../../src/client/begin_execution.ts'
import { jobFacts } from '../../src/client/job_facts.ts'
import { openToken } from '../../src/home/token.ts'
import { openStevedoreHome, type OpenHome } from '../../src/open_home/open_home.ts'
import { Refused } from '../../src/client/refused.ts'
import { serveHome } from '../../src/runtime/serve_home.ts'
import { progressView } from '../../src/cli/show_progress.ts'
import { processTerminal, type Terminal } from '../../src/cli/terminal.ts'
import { ExitCode, exitCodeOf } from '../../src/cli/exit_code.ts'
import { bytes, counted } from '../../src/report/format.ts'
import { summarize } from '../../src/report/summary.ts'
import { summaryText } from '../../src/report/text.ts'
import type { Stevedore } from '../../src/runtime/stevedore.ts'
import { watchExecution } from '../../src/client/watch_execution.ts'
import { DemoApi } from './api.ts'
import { demoOfSync } from './sync.ts'
import { largestFile, makeTree, tooLarge } from './tree.ts'

const folder = resolve('.demo')
/** The paths that the shipped document names, below the roots of the two connections. */
const sourcePath = 'old-share/sourcePath'
const destinationPath = 'new-share/destinationPath'
const here = (name: string): string => join(folder, name)
const shown = (name: string): string => relative('.', here(name))

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'keep-open': { type: 'boolean', default: false },
    close: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
  },
})

process.exitCode = await (positionals.includes('sync') ? demoOfSync(console.log) : demo(processTerminal()))

async function demo(terminal: Terminal): Promise<number> {
  const say = (line: string): void => terminal.err(line)
  if (options.fresh) rmSync(folder, { recursive: true, force: true })
  const again = existsSync(here(sourcePath))
  say('Stevedore: a file share of about 2,000 files moves to a place that takes Windows names only.\n')
  if (again) say(`The source tree is there from the run before (${shown(sourcePath)}).`)
  else {
    // Under its name only when it is whole: who ends the demo here finds a whole one all the same.
    rmSync(here('making'), { recursive: true, force: true })
    const made = makeTree(here('making'))
    mkdirSync(dirname(here(sourcePath)), { recursive: true })
    renameSync(here('making'), here(sourcePath))
    say(
      `Made a source tree: ${counted(made.files, 'file')} in ${counted(made.folders, 'folder')}, ${bytes(made.bytes)} (${shown(sourcePath)}).`,
    )
  }
  mkdirSync(here('new-share'), { recursive: true })
  const home = await openStevedoreHome(here('home'))
  const ctrlC = new AbortController()
  const stopListening = terminal.onInterrupt((times) => {
    if (times > 1) process.exit(ExitCode.interrupted)
    ctrlC.abort()
  })
  try {
    const { signal } = ctrlC
    const served = await serveHome(home, { worker: true, api: { host: '127.0.0.1', port: 0 }, say, signal })
    try {
      return await withServer({ home, served, terminal, say, again, ctrlC: signal })
    } finally {
      await served.close()
    }
  } catch (error) {
    if (error !== ctrlC.signal.reason) throw error
    say('Interrupted before anything began. The same command begins again.')
    return ExitCode.interrupted
  } finally {
    stopListening()
    await home.close()
  }
}

interface Stage {
  home: OpenHome
  served: Stevedore
  terminal: Terminal
  say(line: string): void
  again: boolean
  ctrlC: AbortSignal
}

async function withServer(stage: Stage): Promise<number> {
  const { home, served, terminal, say, ctrlC } = stage
  if (served.addresses.api === undefined) {
    say(
      `${shown('home')} is served by process ${served.holder?.pid ?? '(unknown)'}, without an API: end that one first.`,
    )
    return ExitCode.failed
  }
  const api = new DemoApi(served.addresses.api, openToken(home.home.token))
  say(`API  ${api.url}/v1`)
  if (served.addresses.ui !== undefined) say(`Temporal Web UI  ${served.addresses.ui}`)

  const document = await fillIn(api, stage)
  const job = (await api.jobNamed(String(document.name))) ?? (await post(api, document, say))
  const number = await begin(job.id, api, stage)
  if (number === undefined) return sayRefused(job.id, stage)

  const view = progressView(terminal)
  const ended = await watchExecution(
    home,
    { jobId: job.id, execution: number },
    { onProgress: view.show, onWaiting: view.waiting, between: async () => (ctrlC.aborted ? 'stop' : undefined) },
  )
  view.end()
  if (ended === 'stopped') {
    say('Ending: what is in hand is finished first. `npm run demo` goes on where this one was.')
    return ExitCode.interrupted
  }
  if (ended === 'failed_to_start') {
    say(`The job failed to start: ${(await home.catalog.jobs.get(job.id))?.statusReason ?? ''}`)
    return ExitCode.failed
  }
  const stored = (await home.catalog.jobs.get(job.id))!
  const summary = summarize(stored, ended, await inertSettings(stored, home.catalog))
  const explain = `npx stevedore explain --home ${shown('home')} '${stored.name}' '${tooLarge}'`
  terminal.out(`\n${summaryText(summary, { colour: terminal.colour })}`)
  say(`What arrived:                        ${shown(destinationPath)}`)
  say(`Why one file did not:                ${explain}`)
  say(`Compare both sides byte by byte:     npx stevedore verify --home ${shown('home')} '${stored.name}'`)
  say(`A run that changes nothing:           npm run demo`)
  say(`From the beginning:                  npm run demo -- --fresh`)
  await stayOpen(stage)
  return exitCodeOf(summary)
}

/** The job document as it is shipped, its placeholders replaced by the ids of what the API made. */
async function fillIn(api: DemoApi, { say, again }: Stage): Promise<Record<string, unknown>> {
  let text = readFileSync(new URL('all-features.json', import.meta.url), 'utf8')
  const name = (JSON.parse(text) as { name: string }).name
  if (again && (await api.jobNamed(name))) return JSON.parse(text) as Record<string, unknown>
  const source = await api.post('connections', {
    name: 'Old file share',
    platform: { id: 'fs' },
    auth: { root: here('old-share'), impersonation: 'ignore' },
  })
  const destination = await api.post('connections', {
    name: 'New file share (Windows names, files up to 8 MiB)',
    platform: { id: 'fs' },
    auth: { root: here('new-share'), impersonation: 'ignore', names: 'windows', max_size: largestFile },
  })
  const ends = { source: { connection: { id: source } }, destination: { connection: { id: destination } } }
  const accounts = await api.post('account_maps', {
    ...ends,
    name: 'People',
    type: 'account_map',
    map_by: { default: true, email: true },
    unmapped_policy: 'warn',
    exceptions: [
      {
        source: { email: 'jsmith@company.com', type: 'account' },
        destination: { email: 'bsmith@company.com', type: 'account' },
      },
    ],
  })
  const groups = await api.post('group_maps', {
    ...ends,
    name: 'Groups',
    type: 'group_map',
    map_by: { default: true, name: true },
    unmapped_policy: 'warn',
  })
  say('Made two connections, an account map and a group map.')
  const filled: Record<string, string> = {
    cloud_connection_source: source,
    cloud_connection_destination: destination,
    account_map_id: accounts,
    group_map_id: groups,
  }
  for (const [placeholder, id] of Object.entries(filled)) text = text.replaceAll(`{{${placeholder}}}`, id)
  return JSON.parse(text) as Record<string, unknown>
}

async function post(
  api: DemoApi,
  document: Record<string, unknown>,
  say: (line: string) => void,
): Promise<{ id: string }> {
  const { id, inert, warnings } = await api.createJob(document)
  say(`POST /v1/jobs with scripts/demo/all-features.json: job ${id}.`)
  if (inert > 0) say(`  ${inert} of its settings change nothing between these platforms; the summary names them.`)
  for (const warning of warnings) say(`  warning: ${warning}`)
  return { id }
}

/** Begins the next run, or goes on with one that was ended in the middle. @returns nothing when it is refused */
async function begin(id: string, api: DemoApi, { home: { catalog }, say }: Stage): Promise<number | undefined> {
  const { unfinished, lastExecution } = await jobFacts(catalog, id)
  const run =
    lastExecution === 0 ? 'the first run' : `run ${lastExecution + 1}, which compares and should change nothing`
  say(
    unfinished
      ? `\nRun ${lastExecution} was ended in the middle: it goes on where it was.`
      : `\nPATCH /v1/jobs/${id}?start=1: ${run}.`,
  )
  try {
    const begun = await beginExecution(id, catalog, {
      start: async () => {
        await api.command('start', id)
        return { execution: (await jobFacts(catalog, id)).lastExecution }
      },
      resume: () => api.command('resume', id),
    })
    return begun.execution
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    say(`Refused: ${error.message}`)
    return undefined
  }
}

async function sayRefused(id: string, { home, say }: Stage): Promise<ExitCode> {
  if ((await home.catalog.jobs.get(id))?.status !== 'complete') return ExitCode.failed
  say(
    'Its stop policy is met: that is how a job of many runs ends by itself. Begin anew with `npm run demo -- --fresh`.',
  )
  return ExitCode.done
}

/** On a terminal, or when asked to: the Web UI lives as long as this process. */
async function stayOpen({ served, terminal, say, ctrlC }: Stage): Promise<void> {
  if (options.close || !(options['keep-open'] || terminal.interactive)) return
  say(`\nThe Temporal Web UI stays open at ${served.addresses.ui ?? '(none)'} until Ctrl-C.`)
  if (!ctrlC.aborted) await once(ctrlC, 'abort')
}
