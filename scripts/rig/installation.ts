import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openHome } from '../../src/home/home.ts'
import { readConfig } from '../../src/config.ts'
import { startEmbedded } from '../../src/temporal/embedded.ts'
import { temporalProgram } from '../../src/temporal/program.ts'
import { cleanEnvironment, startStevedore, untilServed, type Ended, type Running, type Served } from './processes.ts'
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
    return new Rest(this.#served.api)
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
    const server = this.#serverPid()
    if (victim !== 'worker' && server === undefined) throw new Error(`${this.home} does not say which server it uses`)
    if (victim !== 'server') await this.#process?.end('SIGKILL')
    if (victim !== 'worker' && server !== undefined) await killed(server)
  }

  /** Starts again whatever a kill has ended. A worker that lives on finds its server where it was. */
  async restart(): Promise<void> {
    if (!this.alive) return this.up()
    const { cache } = readConfig(cleanEnvironment())
    const say = (): void => undefined
    await startEmbedded(openHome(this.home), {
      program: await temporalProgram({ cache, say }),
      namespace: 'stevedore',
      say,
    })
  }

  /** The home remembers which server is its own, whoever started it. */
  #serverPid(): number | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.home, 'temporal.json'), 'utf8')) as { server?: { pid: number } }).server
        ?.pid
    } catch {
      return undefined
    }
  }

  /** Ends everything in order; a server that its holder left behind too. */
  async down(): Promise<void> {
    const server = this.#serverPid()
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
async function killed(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
    throw error
  }
  for (let i = 0; i < 200 && isAlive(pid); i++) await sleep(10)
}

/** A killed process whose parent has not looked yet is still listed, as a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
