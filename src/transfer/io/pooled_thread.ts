import { Worker, type MessagePort } from 'node:worker_threads'
import { threadEnvironment } from '../../thread_environment.ts'
import type { ExecutionSpec } from '../engine/execution_spec.ts'
import type { StopFlag } from './stop.ts'
import type { FromThread, LedgerAccess, Task, TaskEnd, ToThread } from './thread_messages.ts'

/** What a thread needs before its first task of a job. */
export interface OpenExecution {
  key: string
  spec: ExecutionSpec
  ledgerAccess(): LedgerAccess
  stopFlag: StopFlag
}

interface Running {
  job: string
  end(end: TaskEnd): void
  onAt(inHand: string): void
}

/** An I/O thread (`io_thread.ts`) as the pool has it in hand. */
export class PooledThread {
  readonly #worker: Worker
  readonly #open = new Set<string>()
  readonly #running = new Map<number, Running>()
  readonly #gone: Promise<void>
  #next = 1

  constructor(onExit: () => void) {
    // Every thread has a heap of its own. Blocking I/O allocates little that lives; told a limit, V8 collects before a heap has
    // grown fourfold. The largest container held in memory (`entriesInMemory`) needs half of it.
    const entry = import.meta.url.endsWith('.ts') ? './io_thread.ts' : './io_thread.js'
    this.#worker = new Worker(new URL(entry, import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 },
      env: threadEnvironment(),
    })
    this.#worker.on('message', (message: FromThread) => this.#hear(message))
    this.#gone = new Promise((resolve) => {
      const left = (why: string): void => {
        onExit()
        for (const { end } of this.#running.values()) end({ state: 'broken', why })
        this.#running.clear()
        resolve()
      }
      this.#worker.on('error', (error) =>
        left(`an I/O thread failed: ${error instanceof Error ? error.message : String(error)}`),
      )
      this.#worker.on('exit', () => left('an I/O thread ended'))
    })
    this.#worker.unref()
  }

  has(key: string): boolean {
    return this.#open.has(key)
  }

  run(
    job: OpenExecution,
    task: Task,
    { slot, onAt }: { slot: StopFlag; onAt: (inHand: string) => void },
  ): Promise<TaskEnd> {
    if (!this.#open.has(job.key)) {
      this.#open.add(job.key)
      const ledger = job.ledgerAccess()
      this.#tell({ type: 'open', job: job.key, spec: job.spec, ledger, stopFlag: job.stopFlag.shared }, [ledger.port])
    }
    const id = this.#next++
    return new Promise((end) => {
      this.#running.set(id, { job: job.key, end, onAt })
      this.#tell({ type: 'run', id, job: job.key, task, slot: slot.shared })
    })
  }

  forget(key: string): void {
    if (this.#open.delete(key)) this.#tell({ type: 'forget', job: key })
  }

  async exit(): Promise<void> {
    // Somebody waits for it now: a process with nothing else to do must not end in between.
    this.#worker.ref()
    this.#tell({ type: 'exit' })
    await this.#gone
  }

  #hear(message: FromThread): void {
    if (message.type === 'ready') return
    const running = this.#running.get(message.id)
    if (message.type === 'at') running?.onAt(message.inHand)
    else {
      this.#running.delete(message.id)
      // A context that could not be opened, or whose sessions broke, must not be found open by the next task. Others that are
      // at work in it go on until they find out themselves.
      if (running && (message.end.state === 'trouble' || message.end.state === 'broken')) this.forget(running.job)
      running?.end(message.end)
    }
  }

  #tell(message: ToThread, transfer: readonly MessagePort[] = []): void {
    this.#worker.postMessage(message, [...transfer])
  }
}
