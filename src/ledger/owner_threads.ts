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
  /** Resolves when the thread has died; one that is only closed lives on. */
  readonly gone: Promise<void>
  #alive = true
  #diedOf: Error | undefined
  #hear: (message: FromOwner) => void = () => undefined

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
    this.#worker.on('error', (error) => {
      this.#diedOf = error instanceof Error ? error : new Error(String(error))
    })
    this.gone = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#alive = false
        const index = idle.indexOf(this)
        if (index >= 0) idle.splice(index, 1)
        resolve()
      })
    })
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

  /** Commits and answers what was asked, then lets go of the file. */
  async close(file: string): Promise<void> {
    if (!this.#alive) return
    await this.#ask({ close: true }, file).catch(() => undefined)
    this.#rest()
  }

  async #ask(request: ToOwner, file: string): Promise<void> {
    this.#worker.ref()
    try {
      const answered = new Promise<FromOwner>((resolve) => {
        this.#hear = resolve
      })
      this.#worker.postMessage(request)
      const answer = await Promise.race([answered, this.gone])
      if (!answer) throw this.#diedOf ?? new LedgerGone(`the thread of ${file} ended`)
      if (answer.state === 'refused') throw fromSent(answer.error)
    } finally {
      this.#worker.unref()
    }
  }

  #rest(): void {
    if (!this.#alive) return
    if (idle.length < mostIdle) idle.push(this)
    else void this.#worker.terminate()
  }
}

/** Starts one ahead of need. */
export function warmOwnerThread(): void {
  if (idle.length < mostIdle) idle.push(new OwnerThread())
}
