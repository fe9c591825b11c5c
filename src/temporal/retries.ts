import { setTimeout as sleep } from 'node:timers/promises'
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client'

const mostMs = 2_000
/** A timer may be this late. */
const lateMs = 50

/**
 * Tries the calls of one connection again as the SDK does, but knows until when some wait for that: one that is tried again
 * after its connection was closed raises from a timer, where nobody can catch it, and ends the process.
 */
export class Retries {
  readonly interceptor: ReturnType<typeof makeGrpcRetryInterceptor>
  #dueMs = 0
  #over = false

  constructor() {
    const { retryableDecider, delayFunction } = defaultGrpcRetryOptions()
    this.interceptor = makeGrpcRetryInterceptor({
      retryableDecider: (attempt, status) => !this.#over && retryableDecider(attempt, status),
      delayFunction: (attempt, status) => {
        const ms = Math.min(mostMs, delayFunction(attempt, status))
        this.#dueMs = Math.max(this.#dueMs, performance.now() + ms)
        return ms
      },
    })
  }

  /** No call is tried again from now on; resolves when none waits for it any more, in two seconds at most. */
  async end(): Promise<void> {
    this.#over = true
    const leftMs = this.#dueMs + lateMs - performance.now()
    if (leftMs > 0) await sleep(leftMs)
  }
}
