import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCli } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { checkUp, openStevedoreHome, type OpenHome } from '../../src/open_home/open_home.ts'
import { emptyBalance } from '../../src/report/summary.ts'
import type { Balance } from '../../src/ledger/ledger.ts'
import { Refused } from '../../src/client/refused.ts'
import type { Stevedore } from '../../src/runtime/stevedore.ts'
import type { StoredExecution } from '../../src/catalog/catalog.ts'

export type Ending =
  Partial<Pick<StoredExecution, 'status' | 'sentence' | 'balance' | 'warnings' | 'phase'>> | 'never' | 'no start'

/** The command line on a real home, with a stand-in for server and worker that ends executions as it is told. */
export class CliBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'stevedore-cli-'))
  readonly home = join(this.folder, 'home')
  readonly commands: string[] = []
  /** What a person answers when asked; nobody is there when there is none left. */
  answers: string[] = []
  /** How the next executions end; the last one is used again. */
  /** Why workflows don't go on. */
  stuck: string | undefined
  endings: Ending[] = [{}]
  /** So many commands to start are refused, as if an execution were under way; what happens meanwhile. */
  refusesStart = 0
  whenRefusing: (jobId: string, catalog: Catalog) => Promise<unknown> = async () => undefined
  served = 0
  serves = true
  /** Whether the process that serves the home instead is still there. */
  stillServed = true
  /** What happens while it is being started, and while it is being closed. */
  whenServing: (signal: AbortSignal | undefined) => Promise<void> = async () => undefined
  whenClosing: () => Promise<void> = async () => undefined
  /** What happens before a command is obeyed. */
  whenTold: (command: string) => Promise<void> = async () => undefined
  #out: string[] = []
  #err: string[] = []
  #interrupt: ((times: number) => void) | undefined
  #input: string | Uint8Array = ''

  constructor() {
    for (const side of ['old', 'new']) mkdirSync(join(this.folder, side))
  }

  /** What people were told by the command that runs now. */
  get said(): string {
    return this.#err.join('\n')
  }

  /** Runs a command line. */
  async run(...args: string[]): Promise<{ code: number; out: string; err: string; lines: Wire[] }> {
    this.#out = []
    this.#err = []
    const code = await runCli([...args, '--home', this.home], {
      terminal: this.#terminal(),
      typed: 'stevedore',
      version: '0.0.0-test',
      openHome: openStevedoreHome,
      checkUp,
      serve: (home, { signal }) => this.#serve(home, signal),
    })
    const out = this.#out.join('\n')
    return {
      code,
      out,
      err: this.#err.join('\n'),
      get lines() {
        return out.split('\n').map((line) => JSON.parse(line) as Wire)
      },
    }
  }

  /** Ctrl-C, once somebody listens and `ready` holds. */
  async interrupt(ready: () => boolean = () => true): Promise<void> {
    await until(() => this.#interrupt !== undefined && ready())
    this.#interrupt?.(1)
  }

  type(text: string | Uint8Array): void {
    this.#input = text
  }

  file(content: unknown, name = 'job.json'): string {
    const path = join(this.folder, name)
    writeFileSync(path, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content))
    return path
  }

  aJob(change: Record<string, unknown> = {}, transfer: Record<string, unknown> = {}): Wire {
    const side = (name: string): Wire => ({
      connection: { platform: { id: 'fs' }, auth: { root: join(this.folder, name) } },
      target: { path: '/' },
    })
    return {
      name: 'Share',
      kind: 'transfer',
      transfer: { transfer_type: 'copy', source: side('old'), destination: side('new'), ...transfer },
      ...change,
    }
  }

  async catalog<T>(look: (home: OpenHome) => Promise<T>): Promise<T> {
    const home = await openStevedoreHome(this.home)
    try {
      return await look(home)
    } finally {
      await home.close()
    }
  }

  /** What the first execution of the job waits for, as a worker says it. */
  async waits(waitingFor: string | null): Promise<void> {
    await this.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.executions.update(id, 1, { waitingFor })
    })
  }

  get printed(): readonly string[] {
    return this.#out
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #serve({ catalog }: OpenHome, signal: AbortSignal | undefined): Promise<Stevedore> {
    this.served++
    await this.whenServing(signal)
    const end = async (jobId: string, execution: number, ending: Ending): Promise<void> => {
      if (ending === 'never') return
      await catalog.executions.update(jobId, execution, {
        status: 'completed',
        sentence: 'all done',
        balance: aBalance({ success: 3 }),
        phase: 'complete',
        ...(ending === 'no start' ? {} : ending),
        endedOn: Date.now() / 1000,
      })
      await catalog.jobs.update(jobId, { status: 'idle', lastExecution: execution })
    }
    const begin = async (jobId: string): Promise<{ execution: number }> => {
      if (this.refusesStart > 0) {
        this.refusesStart--
        await this.whenRefusing(jobId, catalog)
        throw new Refused('it is running (execution 1); wait for its end, or cancel it')
      }
      const execution = (await catalog.jobs.get(jobId))!.lastExecution + 1
      const ending = this.endings.length > 1 ? this.endings.shift()! : this.endings[0]!
      if (ending === 'no start') {
        await catalog.jobs.update(jobId, { status: 'failed-to-start', statusReason: 'the source is gone' })
        return { execution }
      }
      await catalog.executions.begin(jobId, execution, false)
      await catalog.jobs.update(jobId, { status: 'running', lastExecution: execution })
      await end(jobId, execution, ending)
      return { execution }
    }
    const heard =
      <T>(command: string, then: (jobId: string) => Promise<T>) =>
      async (jobId: string): Promise<T> => {
        this.commands.push(command)
        await this.whenTold(command)
        return then(jobId)
      }
    return {
      addresses: { temporal: '127.0.0.1:7233', ui: 'http://127.0.0.1:8233', api: 'http://127.0.0.1:9090' },
      serves: this.serves,
      stillServed: () => this.stillServed,
      namespace: 'stevedore',
      taskQueue: 'stevedore-home',
      broken: new Promise(() => undefined),
      commands: {
        start: heard('start', begin),
        pause: heard('pause', async (jobId) => {
          await catalog.control.write(jobId, { paused: true })
          await catalog.jobs.update(jobId, { status: 'paused' })
        }),
        resume: heard('resume', async (jobId) => {
          const { lastExecution } = (await catalog.jobs.get(jobId))!
          await catalog.control.write(jobId, { paused: false })
          await end(jobId, lastExecution, {})
        }),
        approve: async (_, hash) => {
          this.commands.push(`approve ${hash}`)
          return { sentence: `plan ${hash} is approved` }
        },
        cancel: heard('cancel', async () => undefined),
        ensure: heard('ensure', async () => undefined),
        repair: heard('repair', async () => undefined),
        stuck: async () => this.stuck,
      },
      deleteJob: async (jobId) => {
        this.commands.push('delete')
        await catalog.jobs.delete(jobId)
        return 'deleted'
      },
      close: () => this.whenClosing(),
    }
  }

  #terminal(): Terminal {
    return {
      out: (line) => this.#out.push(line),
      err: (line) => this.#err.push(line),
      interactive: false,
      colour: false,
      columns: () => 80,
      draw: () => undefined,
      onInterrupt: (handler) => {
        this.#interrupt = handler
        return () => (this.#interrupt = undefined)
      },
      ask: async (question) => {
        this.#err.push(question)
        return this.answers.shift()
      },
      input: () => Readable.from([Buffer.from(this.#input)]),
    }
  }
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5)
}

// What a command prints for programs is asserted, not assumed.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Wire = any

export function aBalance(counts: Partial<Record<keyof Balance['byStatus'], number>>): Balance {
  const balance = emptyBalance()
  for (const [status, items] of Object.entries(counts) as [keyof Balance['byStatus'], number][]) {
    balance.byStatus[status] = { items, bytes: 0n }
    balance.byReason.push({ status, reason: 'new', items, bytes: 0n })
    balance.found = { ...balance.found, items: balance.found.items + items }
  }
  return balance
}
