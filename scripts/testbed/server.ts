import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, kill, markOf, type ProcessMark } from '../../src/home/process.ts'
import { isListening } from '../../src/temporal/ports.ts'

/** A real server that can be tried against. One file of this folder each, and an entry in `servers.ts`. */
export interface TestServer {
  name: string
  /** For people. */
  what: string
  /** The program, built or installed when it has to be. @throws MissingServer */
  program(say: (line: string) => void): string
  /** Prepares a private folder, and says how to begin it and how to reach it. */
  prepare(folder: string, program: string): Promise<Prepared>
}

export interface Prepared {
  command: string
  args: string[]
  env?: Record<string, string>
  /** It is up when it listens there, on this machine. */
  port: number
  /** Whether it does what it is for by then, where it listens before. */
  ready?(): Promise<boolean>
  /** `auth` of a connection to it, and what else tests want to know. */
  auth: Record<string, unknown>
  /** Where its data lie, for those who look past it. */
  data: string
  /** What it writes of each request. */
  accessLog?: string
}

/** It is not here, and could not be got; the message says how it can. */
export class MissingServer extends Error {
  override readonly name = 'MissingServer'
}

export interface Started extends Prepared {
  pid: number
  end(): Promise<void>
}

const patienceMs = 20_000

/** Starts a server in a folder of its own. It outlives us unless it is ended. */
export async function start(server: TestServer, folder: string, say: (line: string) => void): Promise<Started> {
  const program = server.program(say)
  mkdirSync(folder, { recursive: true })
  const prepared = await server.prepare(folder, program)
  const log = join(folder, 'server.log')
  const out = openSync(log, 'a')
  const child = spawn(prepared.command, prepared.args, {
    env: { PATH: process.env['PATH'], HOME: folder, ...prepared.env },
    cwd: folder,
    stdio: ['ignore', out, out],
    detached: true,
  })
  closeSync(out)
  child.unref()
  let ended = false
  child.once('exit', () => (ended = true))
  child.once('error', () => (ended = true))
  const began = performance.now()
  while (!(await isUp(prepared))) {
    if (ended || performance.now() - began > patienceMs) {
      if (!ended) child.kill('SIGKILL')
      throw new Error(`${server.name} did not start:\n${readFileSync(log, 'utf8').slice(-2_000)}`)
    }
    await sleep(20)
  }
  const { pid } = child
  if (pid === undefined) throw new Error(`${server.name} has no process`)
  const mark = markOf(pid)
  return { ...prepared, pid, end: () => end(mark) }
}

async function isUp({ port, ready }: Prepared): Promise<boolean> {
  return (await isListening(port)) && (ready === undefined || (await ready().catch(() => false)))
}

/** Ends a process and waits until it is gone. */
export async function end(mark: ProcessMark): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    kill(mark, signal)
    for (let waited = 0; waited < 5_000 && isRunning(mark); waited += 20) await sleep(20)
  }
}
