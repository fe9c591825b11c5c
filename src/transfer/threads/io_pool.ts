import { PooledThread, type OpenJob } from './pooled_thread.ts'
import type { Signal } from './signals.ts'
import type { Task, TaskEnd } from './thread_messages.ts'

/**
 * The I/O threads of this worker. A slot of a slice has a thread to itself while it runs, so as many writes are in flight
 * as slots were asked for; idle threads stay warm, with their sessions.
 */
export class IoPool {
  readonly #idle: PooledThread[] = []
  readonly #all = new Set<PooledThread>()

  /** Starts threads ahead of need: the first slice of a small job should not wait for them. */
  warm(threads: number): void {
    while (this.#all.size < threads) this.#idle.push(this.#start())
  }

  run(job: OpenJob, task: Task, slot: Signal, onAt: (inHand: string) => void): Promise<TaskEnd> {
    const thread = this.#takeFor(job.key)
    return thread.run(job, task, { slot, onAt }).finally(() => {
      if (this.#all.has(thread)) this.#idle.push(thread)
    })
  }

  forget(key: string): void {
    for (const thread of this.#all) thread.forget(key)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.exit()))
  }

  /** A thread that has the job open already is worth more than any other. */
  #takeFor(key: string): PooledThread {
    const index = this.#idle.findIndex((thread) => thread.has(key))
    const [thread] = this.#idle.splice(index >= 0 ? index : 0, 1)
    return thread ?? this.#start()
  }

  #start(): PooledThread {
    const thread = new PooledThread(() => {
      this.#all.delete(thread)
      const index = this.#idle.indexOf(thread)
      if (index >= 0) this.#idle.splice(index, 1)
    })
    this.#all.add(thread)
    return thread
  }
}
