import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makePrivate } from '../database/private_file.ts'
import type { Home } from '../home/home.ts'
import { isDying, isRunning, markOf, type ProcessMark } from '../home/process.ts'
import { attributes } from '../../workflows/search_attributes.ts'
import { freePort, isListener, isListening } from './ports.ts'
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
  /** It was running before, left by a process of ours that died. */
  adopted: boolean
  isRunning(): boolean
  /** Somebody has removed its database: what it writes from now on is gone with its end. */
  hasLostDatabase(): boolean
  /** Tells it to end, and waits for nothing. */
  signalEnd(): void
  /** Ends it, however it was come by. */
  close(): Promise<void>
}

export interface EmbeddedOptions {
  program: string
  namespace: string
  say(line: string): void
  /** Ends the start: no server stays behind. */
  signal?: AbortSignal | undefined
  /** Chooses a port, the wanted one if it can. Default: {@link freePort}. */
  choosePort?: (wanted?: number) => Promise<number>
  /** There or nowhere: others are connected to it. */
  port?: number
}

const startMs = 60_000
const stopMs = 10_000
const keepLogBytes = 1024 ** 2
/** A port that was free may be somebody else's when the server comes to take it. */
const mostPorts = 5
/** A server that has lost its port to another ends well within this. */
const livesOnMs = 5_000
/** Whoever has the one port it may listen on gets this long to leave it, before each further try. */
const portLeftMs = 2_000

const dynamicConfig = [
  // Dispatch costs 96 ms per activity without it: the default polls the queue 20 times a second.
  'history.transferProcessorMaxPollRPS=2000',
  'system.enableActivityEagerExecution=true',
  // Its HTTP API can't be turned off, and any web page in a browser of this machine could send commands there. No request
  // has such a host, so that it refuses all. Ours come over gRPC, which no page can speak.
  'frontend.httpAllowedHosts=["no host"]',
]

/**
 * Starts the server of a home, or takes over the one that a killed process left running.
 * @throws Error with the server's own last words; the signal's reason when that ended the start
 */
export async function startEmbedded(home: Home, options: EmbeddedOptions): Promise<Embedded> {
  const known = recall(home)
  // Looked at after its port: one that has just been killed may answer for a moment more.
  if (known?.server && (await isListening(known.port)) && isRunning(known.server) && !isDying(known.server)) {
    return handle(home, known, known.server, { adopted: true })
  }
  if (known?.server) await stop(known.server)
  for (const pid of serversOf(home)) {
    // Whoever started it died before it was on record, or the record was lost.
    options.say(`Process ${pid} is a Temporal server on ${home.temporal} that nobody remembers: it is ended first.`)
    await stop(markOf(pid))
  }
  const version = await programVersion(options.program)
  if (known && known.version !== version)
    setAside(home, `it was made by ${known.version}, and this is ${version}`, options)
  if (isMissing(home.temporal)) setAside(home, 'what it belonged to has been removed', options)
  try {
    return await launch(home, options, { version, ...(known && { known }) })
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    setAside(home, 'the server cannot read it', options)
    return launch(home, options, { version, ...(known && { known }) })
  }
}

class Unreadable extends Error {}

/** Another program has the port, also after a while. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

interface Ports {
  port: number
  uiPort: number
}

/** Where it was, if that is free; then wherever it can be. */
async function launch(
  home: Home,
  options: EmbeddedOptions,
  { version, known }: { version: string; known?: Ports },
): Promise<Embedded> {
  const { choosePort = freePort, say } = options
  for (let tries = 1; ; tries++) {
    const wanted = tries === 1 || options.port !== undefined ? known : undefined
    const ports = { port: options.port ?? (await choosePort(wanted?.port)), uiPort: await choosePort(wanted?.uiPort) }
    const remembered: Remembered = { version, ...ports }
    // Known from its first moment: whoever comes after a death of this process ends it, or finds it at work.
    const onStart = (server: ProcessMark): void => remember(home, { ...remembered, server })
    try {
      const server = await launchAt(ports, home, { ...options, onStart })
      return handle(home, remembered, server, { adopted: false })
    } catch (error) {
      remember(home, remembered)
      if (!(error instanceof PortTaken) || tries === mostPorts) throw error
      if (options.port === undefined)
        say(`Ports ${ports.port} and ${ports.uiPort} were free, and one is taken now: the Temporal server gets others.`)
      else {
        if (tries === 1) say(`Port ${ports.port} or ${ports.uiPort} is taken: the Temporal server waits for it.`)
        await sleep(portLeftMs)
      }
    }
  }
}

interface Launch extends EmbeddedOptions {
  /** Before anything else comes of it. */
  onStart(server: ProcessMark): void
}

/** @throws PortTaken; Unreadable; Error with its last words. It is not left running. */
async function launchAt(
  ports: Ports,
  home: Home,
  { program, namespace, signal, onStart }: Launch,
): Promise<ProcessMark> {
  const log = join(home.logs, 'temporal-server.log')
  const isLong = logSize(log) > keepLogBytes
  const begun = isLong ? 0 : logSize(log)
  if (existsSync(home.temporal)) makePrivate(home.temporal)
  signal?.throwIfAborted()
  // Files, not pipes: it goes on writing when the process that started it is killed.
  const output = openSync(log, isLong ? 'w' : 'a', 0o600)
  const child = spawnPrivate(program, argumentsOf(home, { ...ports, namespace }), {
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
  const words = (): string => wordsSince(log, begun)
  try {
    if (server) onStart(server)
    const deadline = Date.now() + startMs
    const isListening = server && ownListener(server, ports, words)
    while (failed === undefined) {
      if (await isListening?.()) return server!
      signal?.throwIfAborted()
      if (Date.now() > deadline) failed = `no answer within ${startMs / 1_000} s`
      await sleep(20)
    }
    throw failure(failed, words())
  } catch (error) {
    if (server) await stop(server)
    throw error
  }
}

/** Its files are for its owner alone, whatever the umask is here: for one process that can only be set from inside. */
function spawnPrivate(program: string, args: string[], options: SpawnOptions): ChildProcess {
  if (process.platform === 'win32') return spawn(program, args, options)
  return spawn('/bin/sh', ['-c', 'umask 077; exec "$0" "$@"', program, ...args], options)
}

/** Whether somebody listens on its port, and it is this server: whoever answers may be another. */
function ownListener(server: ProcessMark, { port, uiPort }: Ports, words: () => string): () => Promise<boolean> {
  let answeredMs: number | undefined
  return async () => {
    if (!(await isListening(port))) return false
    answeredMs ??= Date.now()
    const has = isListener(server.pid, [port, uiPort])
    if (has === true || saysWhere(words(), port)) return true
    // Where the system does not tell: a server that has lost its port does not live so long.
    return has === undefined && Date.now() - answeredMs > livesOnMs && isRunning(server)
  }
}

function failure(ended: string, words: string): Error {
  const last = words.slice(-1_000)
  const why = `the Temporal server did not start (${ended})${last === '' ? '' : `:\n${last}`}`
  if (/address already in use/i.test(words)) return new PortTaken(why)
  return /malformed|not a database|no such table|no such column|schema/i.test(last)
    ? new Unreadable(why)
    : new Error(why)
}

/** `Server:  localhost:7233`, once it has the port. */
function saysWhere(words: string, port: number): boolean {
  return new RegExp(`^Server:\\s.*:${port}$`, 'm').test(words)
}

function argumentsOf(home: Home, { port, uiPort, namespace }: Ports & { namespace: string }): string[] {
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
    port: remembered.port,
    ui: `http://127.0.0.1:${remembered.uiPort}`,
    pid: server.pid,
    adopted,
    isRunning: () => isRunning(server),
    hasLostDatabase: () => isMissing(home.temporal),
    signalEnd: () => isRunning(server) && process.kill(server.pid, 'SIGTERM'),
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
  const ends = ['', '-wal', '-shm'].filter((end) => existsSync(home.temporal + end))
  if (ends.length === 0) return
  const aside = `${home.temporal}.${new Date().toISOString().replace(/[:.]/g, '-')}`
  for (const end of ends) renameSync(home.temporal + end, aside + end)
  say(
    `${home.temporal}${ends[0]} is moved to ${aside}${ends[0]}: ${why}. Jobs go on; the Web UI shows only what comes now.`,
  )
}

/** Only where that is certain: a disk that does not answer has lost nothing yet. */
function isMissing(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
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
