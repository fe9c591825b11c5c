import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Home } from '../home/home.ts'
import { isRunning, markOf, type ProcessMark } from '../home/process.ts'
import { attributes } from '../../workflows/search_attributes.ts'
import { freePort, isListening } from './ports.ts'
import { programVersion } from './program.ts'

/** An embedded server: a process of its own, on this machine only. */
export interface Embedded {
  /** `host:port`. */
  address: string
  /** URL of the Web UI. */
  ui: string
  pid: number
  /** It was running before, left by a process of ours that died. */
  adopted: boolean
  /** Ends it, however it was come by. */
  close(): Promise<void>
}

export interface EmbeddedOptions {
  program: string
  namespace: string
  say(line: string): void
}

/** What a home remembers of its server, so that the Web UI stays where it was and a server left running is found. */
interface Remembered {
  version: string
  port: number
  uiPort: number
  server?: ProcessMark
}

const startMs = 60_000
const stopMs = 10_000
const keepLogBytes = 1024 ** 2

/** Dispatch costs 96 ms per activity without the first one: the default polls the queue 20 times a second. */
const dynamicConfig = ['history.transferProcessorMaxPollRPS=2000', 'system.enableActivityEagerExecution=true']

/**
 * Starts the server of a home, or takes over the one that a killed process left running.
 * @throws Error with the server's own last words
 */
export async function startEmbedded(home: Home, options: EmbeddedOptions): Promise<Embedded> {
  const known = recall(home)
  if (known?.server && isRunning(known.server) && (await isListening(known.port))) {
    return handle(home, known, known.server, { adopted: true })
  }
  if (known?.server) await stop(known.server)
  const version = await programVersion(options.program)
  if (known && known.version !== version)
    setAside(home, `it was made by ${known.version}, and this is ${version}`, options)
  try {
    return await launch(home, options, { version, ...(known && { known }) })
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    setAside(home, 'the server cannot read it', options)
    return launch(home, options, { version, ...(known && { known }) })
  }
}

class Unreadable extends Error {}

async function launch(
  home: Home,
  { program, namespace }: EmbeddedOptions,
  { version, known }: { version: string; known?: Remembered },
): Promise<Embedded> {
  const port = await freePort(known?.port)
  const uiPort = await freePort(known?.uiPort)
  const log = join(home.logs, 'temporal-server.log')
  const begun = logSize(log)
  // Files, not pipes: it goes on writing when the process that started it is killed.
  const output = openSync(log, begun > keepLogBytes ? 'w' : 'a', 0o600)
  const child = spawn(program, argumentsOf(home, { port, uiPort, namespace }), {
    // A group of its own: Ctrl-C in a terminal reaches us, who end it when nothing needs it any more.
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  child.unref()
  let failed: string | undefined
  child.once('error', (error) => (failed = error.message))
  child.once('exit', (code, signal) => (failed = `it ended with ${code ?? signal}`))
  const deadline = Date.now() + startMs
  while (!(await isListening(port))) {
    if (failed === undefined && Date.now() < deadline) {
      await sleep(20)
      continue
    }
    if (child.pid !== undefined && failed === undefined) await stop(markOf(child.pid))
    const words = lastWords(log, begun > keepLogBytes ? 0 : begun)
    const why = `the Temporal server did not start (${failed ?? `no answer within ${startMs / 1_000} s`})${words}`
    throw /malformed|not a database|no such table|no such column|schema/i.test(words)
      ? new Unreadable(why)
      : new Error(why)
  }
  const server = markOf(child.pid!)
  const remembered = { version, port, uiPort, server }
  remember(home, remembered)
  return handle(home, remembered, server, { adopted: false })
}

function argumentsOf(
  home: Home,
  { port, uiPort, namespace }: { port: number; uiPort: number; namespace: string },
): string[] {
  return [
    ...['server', 'start-dev', '--db-filename', home.temporal, '--namespace', namespace],
    ...['--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort), '--log-level', 'error'],
    ...dynamicConfig.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...Object.values(attributes).flatMap(({ name }) => ['--search-attribute', `${name}=Keyword`]),
  ]
}

function handle(
  home: Home,
  { server: _, ...remembered }: Remembered,
  server: ProcessMark,
  { adopted }: { adopted: boolean },
): Embedded {
  return {
    address: `127.0.0.1:${remembered.port}`,
    ui: `http://127.0.0.1:${remembered.uiPort}`,
    pid: server.pid,
    adopted,
    async close() {
      await stop(server)
      remember(home, remembered)
    },
  }
}

async function stop(server: ProcessMark): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const deadline = Date.now() + stopMs
    if (!isRunning(server)) return
    try {
      process.kill(server.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
      throw error
    }
    while (isRunning(server) && Date.now() < deadline) await sleep(20)
  }
}

/** Catalog and ledgers hold what counts: workflows are made anew from them. */
function setAside(home: Home, why: string, { say }: EmbeddedOptions): void {
  if (!existsSync(home.temporal)) return
  const aside = `${home.temporal}.${new Date().toISOString().replace(/[:.]/g, '-')}`
  for (const end of ['', '-wal', '-shm']) {
    if (existsSync(home.temporal + end)) renameSync(home.temporal + end, aside + end)
  }
  say(`${home.temporal} is moved to ${aside}: ${why}. Jobs go on; the Web UI shows only what comes now.`)
}

const stateFile = (home: Home): string => join(home.path, 'temporal.json')

function recall(home: Home): Remembered | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile(home), 'utf8')) as Partial<Remembered> | null
    return typeof state?.version === 'string' && isPort(state.port) && isPort(state.uiPort)
      ? (state as Remembered)
      : undefined
  } catch {
    // None yet, or cut off: then ports are chosen anew, and nothing else is lost.
    return undefined
  }
}

function isPort(port: unknown): boolean {
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536
}

function remember(home: Home, state: Remembered): void {
  const made = `${stateFile(home)}.${process.pid}`
  writeFileSync(made, JSON.stringify(state), { mode: 0o600 })
  renameSync(made, stateFile(home))
}

function logSize(log: string): number {
  return existsSync(log) ? statSync(log).size : 0
}

function lastWords(log: string, from: number): string {
  if (!existsSync(log)) return ''
  const words = readFileSync(log).subarray(from).toString('utf8').trim().slice(-1_000)
  return words === '' ? '' : `:\n${words}`
}
