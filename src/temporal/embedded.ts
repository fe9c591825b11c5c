import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makePrivate } from '../database/private_file.ts'
import { findDamage } from '../database/sqlite.ts'
import type { Home } from '../home/home.ts'
import { isRunning, kill, markOf, type ProcessMark } from '../home/process.ts'
import { attributes } from '../../workflows/search_attributes.ts'
import { freePort, isFree, isListening } from './ports.ts'
import { programVersion } from './program.ts'
import { recall, remember, type Remembered } from './remembered.ts'
import { serversOf } from './servers_of.ts'

/** An embedded server: a process of its own, on this machine only. */
export interface Embedded {
  /** `host:port`. */
  address: string
  port: number
  /** URL of the Web UI. */
  ui: string
  pid: number
  isRunning(): boolean
  /** Ends it, and waits for nothing. */
  kill(): void
  close(): Promise<void>
}

export interface EmbeddedOptions {
  program: string
  namespace: string
  say(line: string): void
  /** Ends the start: no server stays behind. */
  signal?: AbortSignal | undefined
  /** There or nowhere: others are connected to it. */
  port?: number
  /** Why it is not to begin with the database there is. */
  setAside?: string | undefined
}

const startMs = 60_000
const endMs = 10_000
const keepLogBytes = 1024 ** 2

const dynamicConfig = [
  // Dispatch costs 96 ms per activity without it: the default polls the queue 20 times a second.
  'history.transferProcessorMaxPollRPS=2000',
  'system.enableActivityEagerExecution=true',
  // Its HTTP API can't be turned off, and any web page in a browser of this machine could send commands there. No request
  // has such a host, so that it refuses all. Ours come over gRPC, which no page can speak.
  'frontend.httpAllowedHosts=["no host"]',
]

/**
 * Starts the server of a home; one that a process of ours left running when it was killed is ended first.
 * @throws Error with the server's own last words; the signal's reason when that ended the start
 */
export async function startEmbedded(home: Home, options: EmbeddedOptions): Promise<Embedded> {
  const known = recall(home)
  // Two on one database would spoil it, and not each is on record: who started it may have died too early, or lost the home.
  for (const server of [...(known?.server ? [known.server] : []), ...serversOf(home).map(markOf)]) await end(server)
  const build = buildOf(options.program)
  const version = known?.build === build ? known.version : await programVersion(options.program)
  if (known && known.version !== version)
    setAside(home, `it was made by ${known.version}, and this is ${version}`, options)
  if (options.setAside !== undefined) setAside(home, options.setAside, options)
  const port = options.port ?? (await freePort(known?.port))
  // Whoever has it would be taken for our server.
  if (!(await isFree(port))) throw new Error(`the Temporal server did not start: another program has port ${port}`)
  const remembered: Remembered = { version, build, port, uiPort: await freePort(known?.uiPort) }
  try {
    return await launch(home, remembered, options)
  } catch (error) {
    const why = options.signal?.aborted ? undefined : whyUnreadable(home, error)
    if (why === undefined) throw error
    setAside(home, why, options)
    return launch(home, remembered, options)
  }
}

/** The server's own words tell of tables that are missing; what else is wrong with a database it tells in many. */
export function whyUnreadable(home: Home, error: unknown): string | undefined {
  const damage = findDamage(home.temporal)
  if (damage !== undefined) return `it is damaged (${damage})`
  return error instanceof Unreadable ? 'the server cannot read it' : undefined
}

class Unreadable extends Error {}

/** @throws Unreadable; Error with its last words. It is not left running. */
async function launch(
  home: Home,
  remembered: Remembered,
  { program, namespace, signal }: EmbeddedOptions,
): Promise<Embedded> {
  const { port, uiPort } = remembered
  const log = join(home.logs, 'temporal-server.log')
  const isLong = logSize(log) > keepLogBytes
  const begun = isLong ? 0 : logSize(log)
  if (existsSync(home.temporal)) makePrivate(home.temporal)
  signal?.throwIfAborted()
  // Files, not pipes: it goes on writing when the process that started it is killed.
  const output = openSync(log, isLong ? 'w' : 'a', 0o600)
  const child = spawnPrivate(program, argumentsOf(home, { port, uiPort, namespace }), {
    // A group of its own: Ctrl-C in a terminal reaches us, who end it when nothing needs it any more.
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  child.unref()
  let failed: string | undefined
  child.once('error', (error) => (failed = error.message))
  child.once('exit', (code, signal) => (failed = `it ended with ${code ?? signal}`))
  const server = child.pid === undefined ? undefined : markOf(child.pid)
  try {
    // Known from its first moment: whoever comes after a death of this process ends it.
    if (server) remember(home, { ...remembered, server })
    const deadline = Date.now() + startMs
    while (failed === undefined) {
      if (server && (await isListening(port)) && failed === undefined) {
        return handle(home, remembered, server)
      }
      signal?.throwIfAborted()
      if (Date.now() > deadline) failed = `no answer within ${startMs / 1_000} s`
      await sleep(10)
    }
    throw failure(failed, wordsSince(log, begun))
  } catch (error) {
    if (server) await end(server)
    throw error
  }
}

/** Its files are for its owner alone, whatever the umask is here: for one process that can only be set from inside. */
function spawnPrivate(program: string, args: string[], options: SpawnOptions): ChildProcess {
  if (process.platform === 'win32') return spawn(program, args, options)
  return spawn('/bin/sh', ['-c', 'umask 077; exec "$0" "$@"', program, ...args], options)
}

function failure(ended: string, words: string): Error {
  const last = words.slice(-1_000)
  const why = `the Temporal server did not start (${ended})${last === '' ? '' : `:\n${last}`}`
  // All of what it said: a stack trace may follow.
  return /malformed|not a database|no such table|no such column|schema/i.test(words)
    ? new Unreadable(why)
    : new Error(why)
}

interface Where {
  port: number
  uiPort: number
  namespace: string
}

function argumentsOf(home: Home, { port, uiPort, namespace }: Where): string[] {
  return [
    ...['server', 'start-dev', '--db-filename', home.temporal, '--namespace', namespace],
    ...['--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort), '--log-level', 'error'],
    ...dynamicConfig.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...Object.values(attributes).flatMap(({ name }) => ['--search-attribute', `${name}=Keyword`]),
  ]
}

function handle(home: Home, remembered: Remembered, server: ProcessMark): Embedded {
  return {
    address: `127.0.0.1:${remembered.port}`,
    port: remembered.port,
    ui: `http://127.0.0.1:${remembered.uiPort}`,
    pid: server.pid,
    isRunning: () => isRunning(server),
    kill: () => kill(server),
    async close() {
      await end(server)
      remember(home, remembered)
    },
  }
}

/** Without asking: what it has answered is in its database, and an orderly end takes it more than a second. */
async function end(server: ProcessMark): Promise<void> {
  kill(server)
  const deadline = Date.now() + endMs
  while (isRunning(server) && Date.now() < deadline) await sleep(5)
}

/** Catalog and ledgers hold what counts: workflows are made anew from them. */
function setAside(home: Home, why: string, { say }: EmbeddedOptions): void {
  const ends = ['', '-wal', '-shm', '-journal'].filter((end) => existsSync(home.temporal + end))
  if (ends.length === 0) return
  const aside = `${home.temporal}.${new Date().toISOString().replace(/[:.]/g, '-')}`
  for (const end of ends) renameSync(home.temporal + end, aside + end)
  say(
    `${home.temporal}${ends[0]} is moved to ${aside}${ends[0]}: ${why}. Jobs go on; the Web UI shows only what comes now.`,
  )
}

/** Tells one build of the program from another without running it. */
function buildOf(program: string): string {
  const { size, mtimeMs } = statSync(program)
  return `${size}-${mtimeMs}`
}

function logSize(log: string): number {
  return existsSync(log) ? statSync(log).size : 0
}

function wordsSince(log: string, from: number): string {
  const length = logSize(log) - from
  if (length <= 0) return ''
  const words = Buffer.alloc(length)
  const file = openSync(log, 'r')
  try {
    readSync(file, words, 0, length, from)
  } finally {
    closeSync(file)
  }
  return words.toString('utf8').trim()
}
