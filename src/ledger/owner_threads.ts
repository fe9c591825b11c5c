import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { threadEnvironment } from '../thread_environment.ts'
import { fromSent, LedgerGone, type SentError } from './errors.ts'

export type ToOwner = { open: string } | { port: MessagePort } | { close: true }
export type FromOwner = { state: 'opened' } | { state: 'closed' } | { state: 'refused'; error: SentError }

/** Kept for the next execution: a small job waits 40 ms less, and a large one finds compiled code. */
const mostIdle = 1
const idle: OwnerThread[] = []

/** A thread that owns one ledger file after another. */
export class OwnerThread {
  readonly #worker: Worker
  #alive = true
  #hear: (message: FromOwner) => void = () => undefined
  #gone: (why: Error) => void = () => undefined

  /**
   * A thread that owns this file from now on, created if there is none.
   *
   * @throws LedgerHeld when another process or thread owns it; DatabaseUnusable when it is damaged or no ledger
   */
  static async opening(file: string): Promise<OwnerThread> {
    const thread = idle.pop() ?? new OwnerThread()
    try {
      await thread.#ask({ open: file }, file)
      return thread
    } catch (error) {
      thread.#rest()
      throw error
    }
  }

  constructor() {
    const entry = import.meta.url.endsWith('.ts') ? './owner_thread.ts' : './owner_thread.js'
    this.#worker = new Worker(new URL(entry, import.meta.url), {
      name: 'ledger',
      stdout: false,
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 },
      env: threadEnvironment(),
    })
    this.#worker.on('message', (message: FromOwner) => this.#hear(message))
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))))
    this.#worker.on('exit', () => this.#end(new LedgerGone('the ledger thread ended')))
    this.#worker.unref()
  }

  /** A channel for one thread, to be transferred to it. */
  port(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    // A thread that is gone takes no port, and whoever asks at the other end would wait for ever.
    if (this.#alive) this.#worker.postMessage({ port: port2 } satisfies ToOwner, [port2])
    else port2.close()
    return port1
  }

  /** Resolves when the thread dies before it is asked to close. */
  untilGone(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#alive) return resolve()
      this.#gone = () => resolve()
    })
  }

  /** Commits and answers what was asked, then lets go of the file. */
  async close(file: string): Promise<void> {
    if (!this.#alive) return
    await this.#ask({ close: true }, file).catch(() => undefined)
    this.#rest()
  }

  async #ask(request: ToOwner, file: string): Promise<void> {
    this.#worker.ref()
    try {
      await new Promise<void>((resolve, reject) => {
        if (!this.#alive) return reject(new LedgerGone(`the thread of ${file} ended`))
        const before = this.#gone
        this.#gone = (why) => {
          before(why)
          reject(why instanceof LedgerGone ? new LedgerGone(`the thread of ${file} ended`) : why)
        }
        this.#hear = (message) => {
          this.#gone = before
          if (message.state === 'refused') reject(fromSent(message.error))
          else resolve()
        }
        this.#worker.postMessage(request)
      })
    } finally {
      this.#worker.unref()
    }
  }

  #rest(): void {
    this.#gone = () => undefined
    if (!this.#alive) return
    if (idle.length < mostIdle) idle.push(this)
    else void this.#worker.terminate()
  }

  #end(why: Error): void {
    if (!this.#alive) return
    this.#alive = false
    const index = idle.indexOf(this)
    if (index >= 0) idle.splice(index, 1)
    this.#gone(why)
  }
}

/** Starts one ahead of need. */
export function warmOwnerThread(): void {
  if (idle.length < mostIdle) idle.push(new OwnerThread())
}
