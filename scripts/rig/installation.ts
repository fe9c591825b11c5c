import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDying, isRunning, kill, type ProcessMark } from '../../src/home/process.ts'
import { isListening } from '../../src/temporal/ports.ts'
import { startStevedore, tail, untilServed, type Ended, type Running, type Served } from './processes.ts'
import { Rest, type ExecutionState } from './rest.ts'
import { eventually } from './wait.ts'

export type Victim = 'worker' | 'server' | 'everything'

/** Where a job rests between executions and after the last. */
const atRest = ['idle', 'paused', 'complete', 'failed', 'failed-to-start', 'success', 'warn']

/** One home and the processes that serve it, to be killed and started again. */
export class Installation {
  readonly home: string
  readonly log: string
  #process: Running | undefined
  #served: Served | undefined
  #environment: NodeJS.ProcessEnv = {}

  constructor(folder: string) {
    this.home = join(folder, 'home')
    this.log = join(folder, 'stevedore.log')
    mkdirSync(this.home, { recursive: true })
  }

  /** Starts `stevedore up` and waits until it answers. */
  async up(env: NodeJS.ProcessEnv = {}): Promise<void> {
    this.#environment = env
    this.#process = startStevedore(['up'], { home: this.home, log: this.log, env })
    this.#served = await untilServed(this.home, this.#process)
  }

  /** The same, unless it runs already without any special environment. */
  async upPlain(): Promise<void> {
    if (!this.alive || Object.keys(this.#environment).length > 0) await this.upWith({}, 'SIGKILL')
  }

  /**
   * Ends what serves the home, if anything does, and starts it again with this in its environment.
   *
   * @param signal SIGKILL leaves the server running and is quicker; but a server sends a job that a killed worker had in
   *   memory to that worker for ten more seconds
   */
  async upWith(env: NodeJS.ProcessEnv, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#process?.end(signal)
    await this.up(env)
  }

  get rest(): Rest {
    if (!this.#served) throw new Error('nothing serves this home')
    return new Rest(this.#served.api, this.#served.token)
  }

  get alive(): boolean {
    return this.#process?.alive() ?? false
  }

  /** Of the process that serves the home: worker and API. */
  get pid(): number {
    if (!this.#process) throw new Error('nothing was started')
    return this.#process.pid
  }

  /** Resolves when the process that serves the home is gone, however it went. */
  ended(): Promise<Ended> {
    if (!this.#process) throw new Error('nothing was started')
    return this.#process.ended
  }

  /** SIGKILL, without a word. Resolves when the process table has forgotten them. */
  async kill(victim: Victim): Promise<void> {
    const server = this.#server()
    if (victim !== 'worker' && server === undefined) throw new Error(`${this.home} does not say which server it uses`)
    if (victim !== 'server') await this.#process?.end('SIGKILL')
    if (victim !== 'worker' && server !== undefined) await killed(server)
  }

  /** Waits until what a kill has ended is there again: who serves the home is started, and starts its own server. */
  async restart(): Promise<void> {
    if (!this.alive) return this.up()
    const there = await eventually(60_000, 5, async () => {
      const server = this.#server()
      if (!server || !isRunning(server) || isDying(server)) return undefined
      return (await isListening(portOf(this.#served!.temporal))) || undefined
    })
    if (!there) throw new Error(`no Temporal server at ${this.#served!.temporal} after a minute:\n${tail(this.log)}`)
  }

  /** The home remembers which server is its own, whoever started it. */
  #server(): ProcessMark | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.home, 'temporal.json'), 'utf8')) as { server?: ProcessMark }).server
    } catch {
      return undefined
    }
  }

  /** Ends everything in order; a server that its holder left behind too. */
  async down(): Promise<void> {
    const server = this.#server()
    await this.#process?.end('SIGTERM')
    this.#process = undefined
    this.#served = undefined
    if (server !== undefined) await killed(server)
  }

  /**
   * Waits until the execution has ended and the job is at rest; an API that is away for a while is waited for.
   *
   * @throws Error when that takes longer, or when the process ended by itself
   */
  async untilEnded(jobId: string, execution: number, withinMs: number): Promise<ExecutionState> {
    let last = 'no answer'
    const end = await eventually(withinMs, 100, async () => {
      if (!this.alive) throw new Error('stevedore up ended by itself')
      try {
        const job = await this.rest.job(jobId)
        const run = await this.rest.lastExecution(jobId)
        last = `job ${job.status}, execution ${run?.id ?? 'none'} ${run?.status ?? ''}`
        return run?.id === execution && run.end_time !== null && atRest.includes(job.status) ? run : undefined
      } catch (error) {
        last = (error as Error).message
        return undefined
      }
    })
    if (end === undefined) throw new Error(`not ended after ${Math.round(withinMs / 1000)} s: ${last}`)
    return end
  }
}

/** Kills a process that is not our child and waits until it is gone; one that is gone already is fine. */
async function killed(server: ProcessMark): Promise<void> {
  kill(server)
  const gone = await eventually(10_000, 5, () => (isRunning(server) ? undefined : true))
  if (!gone) throw new Error(`process ${server.pid} is still there, 10 s after its SIGKILL`)
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1))
}
