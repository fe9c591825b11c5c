import { PooledThread, type OpenExecution } from './pooled_thread.ts'
import { Stop, type StopFlag } from './stop.ts'
import type { Task, TaskEnd } from './thread_messages.ts'

/** A slot of a slice. */
interface Slot {
  task: Task
  slot: StopFlag
  onAt: (inHand: string) => void
}

interface Queued extends Slot {
  job: OpenExecution
  end(end: Promise<TaskEnd>): void
}

/** How many are kept for the next job, and how long the others. */
const mostWarm = 4
const idleMs = 20_000

/**
 * The I/O threads of this worker, of which there are so many at most. A thread is at work for one job at a time: a platform
 * that does not answer keeps its own job waiting, and no other. The slots of a job whose platforms block have a thread each,
 * as long as there are threads, and share those the job has when there are none; where platforms answer with promises one
 * thread does for all of them.
 */
export class IoPool {
  readonly #most: number
  readonly #all = new Set<PooledThread>()
  /** At work, and for which job. */
  readonly #busy = new Map<PooledThread, string>()
  #idle: PooledThread[] = []
  /** Of jobs that have no thread yet. */
  readonly #queue: Queued[] = []
  readonly #running = new Map<PooledThread, Set<Slot>>()
  readonly #leaving = new Map<PooledThread, NodeJS.Timeout>()

  constructor(most = 16) {
    this.#most = most
  }

  /** Starts threads ahead of need: the first slice of a small job should not wait for them. */
  warm(threads: number): void {
    while (this.#all.size < Math.min(threads, this.#most)) this.#idle.push(this.#start())
  }

  run(job: OpenExecution, task: Task, slot: StopFlag, onAt: (inHand: string) => void): Promise<TaskEnd> {
    const thread = this.#threadFor(job)
    if (thread) return this.#runIn(thread, job, { task, slot, onAt })
    return new Promise((end) => {
      this.#queue.push({ job, task, slot, onAt, end })
      this.#askForOne()
    })
  }

  forget(key: string): void {
    for (const thread of this.#all) thread.forget(key)
  }

  async close(): Promise<void> {
    for (const timer of this.#leaving.values()) clearTimeout(timer)
    await Promise.all([...this.#all].map((thread) => thread.exit()))
  }

  #threadFor({ key, spec }: OpenExecution): PooledThread | undefined {
    const own = this.#leastLoaded(key)
    if (own && (spec.io === 'async' || this.#queue.length > 0)) return own
    return this.#takeIdle(key) ?? (this.#all.size < this.#most ? this.#start() : undefined) ?? own
  }

  #leastLoaded(key: string): PooledThread | undefined {
    let least: PooledThread | undefined
    const load = (thread: PooledThread): number => this.#running.get(thread)?.size ?? 0
    for (const [thread, job] of this.#busy) if (job === key && (!least || load(thread) < load(least))) least = thread
    return least
  }

  /** A thread that has the job open already is worth more than any other. */
  #takeIdle(key: string): PooledThread | undefined {
    const index = this.#idle.findIndex((thread) => thread.has(key))
    const [thread] = this.#idle.splice(index >= 0 ? index : 0, 1)
    if (thread) this.#stays(thread)
    return thread
  }

  async #runIn(thread: PooledThread, job: OpenExecution, slot: Slot): Promise<TaskEnd> {
    this.#busy.set(thread, job.key)
    const running = this.#running.get(thread) ?? new Set()
    this.#running.set(thread, running.add(slot))
    try {
      return await thread.run(job, slot.task, slot)
    } finally {
      running.delete(slot)
      if (running.size === 0) this.#isFree(thread)
    }
  }

  #isFree(thread: PooledThread): void {
    this.#busy.delete(thread)
    this.#running.delete(thread)
    if (!this.#all.has(thread)) return this.#begin()
    this.#idle.push(thread)
    this.#begin()
    if (this.#idle.includes(thread)) this.#leaveLater(thread)
  }

  /** Those who waited, first come first served; and all of a job with its first. */
  #begin(): void {
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const { key } = next.job
      const thread =
        this.#leastLoaded(key) ?? this.#takeIdle(key) ?? (this.#all.size < this.#most ? this.#start() : undefined)
      if (!thread) return
      const theirs = this.#queue.filter(({ job }) => job.key === key)
      for (const queued of theirs) {
        this.#queue.splice(this.#queue.indexOf(queued), 1)
        queued.end(this.#runIn(thread, queued.job, queued))
      }
    }
  }

  /**
   * Nobody waits while somebody has several threads, or is at a long file for longer than its slice: one of those puts down
   * what it has in hand.
   */
  #askForOne(): void {
    const now = Date.now()
    const threadsOf = new Map<string, number>()
    for (const job of this.#busy.values()) threadsOf.set(job, (threadsOf.get(job) ?? 0) + 1)
    let most: { thread: PooledThread; threads: number } | undefined
    for (const [thread, job] of this.#busy) {
      const slots = [...(this.#running.get(thread) ?? [])]
      if (slots.some(({ slot }) => slot.stop !== Stop.run)) continue
      const isOverdue = slots.every(({ task }) => task.untilMs < now)
      const threads = isOverdue ? Infinity : threadsOf.get(job)!
      if (threads > 1 && threads > (most?.threads ?? 0)) most = { thread, threads }
    }
    if (most) for (const { slot } of this.#running.get(most.thread) ?? []) slot.raise(Stop.cancel)
  }

  #start(): PooledThread {
    const thread = new PooledThread(() => {
      this.#all.delete(thread)
      this.#idle = this.#idle.filter((other) => other !== thread)
      this.#stays(thread)
      this.#begin()
    })
    this.#all.add(thread)
    return thread
  }

  #leaveLater(thread: PooledThread): void {
    if (this.#all.size <= mostWarm) return
    const timer = setTimeout(() => {
      this.#leaving.delete(thread)
      if (this.#all.size <= mostWarm || !this.#idle.includes(thread)) return
      this.#idle = this.#idle.filter((other) => other !== thread)
      void thread.exit()
    }, idleMs)
    this.#leaving.set(thread, timer.unref())
  }

  #stays(thread: PooledThread): void {
    clearTimeout(this.#leaving.get(thread))
    this.#leaving.delete(thread)
  }
}
