import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { flags, prepare } from '../../src/cli/launch.js'
import { eventually } from './wait.ts'

export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A process of ours that runs on its own. */
export interface Running {
  pid: number
  /** Where it writes standard output and standard error. */
  log: string
  ended: Promise<Ended>
  alive(): boolean
  /** Ends it and waits until it is gone. */
  end(signal: NodeJS.Signals): Promise<Ended>
}

interface Start {
  home: string
  log: string
  env?: NodeJS.ProcessEnv
}

/**
 * Starts `stevedore …` the way its own launcher would, but without the launcher in between, so that the pid, the memory
 * and the signals are those of the process that does the work.
 */
export function startStevedore(args: string[], { home, log, env }: Start): Running {
  const out = openSync(log, 'a')
  try {
    const environment: NodeJS.ProcessEnv = { ...cleanEnvironment(), ...env }
    prepare(environment)
    const child = spawn(process.execPath, [...flags, join(projectRoot, 'src/cli/main.ts'), ...args, '--home', home], {
      cwd: projectRoot,
      env: environment,
      stdio: ['ignore', out, out],
    })
    return running(child, log)
  } finally {
    closeSync(out)
  }
}

/** Settings of the person who runs this must not decide what is measured. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => name === 'STEVEDORE_CACHE' || !/^(STEVEDORE_|TEMPORAL_)/.test(name),
  )
  return { ...Object.fromEntries(kept), STEVEDORE_API_PORT: '0' }
}

function running(child: ChildProcess, log: string): Running {
  const { pid } = child
  if (pid === undefined) throw new Error(`${child.spawnfile} does not start`)
  let alive = true
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => {
      alive = false
      started.delete(pid)
      resolve({ code, signal })
    })
  })
  started.set(pid, child)
  return {
    pid,
    log,
    ended,
    alive: () => alive,
    async end(signal) {
      if (alive) child.kill(signal)
      return ended
    },
  }
}

const started = new Map<number, ChildProcess>()

/** What was started here and still runs, for the way out after an error. */
export async function endAll(): Promise<void> {
  for (const child of started.values()) child.kill('SIGTERM')
  for (let i = 0; i < 100 && started.size > 0; i++) await sleep(50)
  for (const child of started.values()) child.kill('SIGKILL')
}

export interface Served {
  /** `http://127.0.0.1:9090` */
  api: string
  /** `host:port` */
  temporal: string
  /** What calls of the API carry. */
  token: string
}

/**
 * Waits until this process serves its home, which it says in the home's `holder.json`.
 *
 * @throws Error with the end of its log when it ends before that, or not in time
 */
export async function untilServed(home: string, process: Running, withinMs = 120_000): Promise<Served> {
  const served = await eventually(withinMs, 20, () => {
    if (!process.alive()) return 'ended'
    const holder = readHolder(home)
    const { api, temporal } = holder?.addresses ?? {}
    if (holder?.pid !== process.pid || api === undefined || temporal === undefined) return undefined
    return { api, temporal, token: readFileSync(join(home, 'token'), 'utf8').trim() }
  })
  if (served === undefined || served === 'ended')
    throw new Error(`stevedore ${served === 'ended' ? 'ended' : `does not serve ${home} yet`}:\n${tail(process.log)}`)
  return served
}

interface Holder {
  pid: number
  addresses: { api?: string; temporal?: string }
}

function readHolder(home: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(join(home, 'holder.json'), 'utf8')) as Holder
  } catch {
    return undefined
  }
}

export function tail(log: string, lines = 30): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return '(no log)'
  }
}

/** Runs a command to its end. */
export async function runStevedore(
  args: string[],
  { home }: { home: string },
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli/main.ts'), ...args, '--home', home], {
    cwd: projectRoot,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return output(child)
}

export async function output(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status))
  })
  return { code, stdout: stdout(), stderr: stderr() }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}
