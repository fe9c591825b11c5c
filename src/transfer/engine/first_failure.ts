import { setTimeout as sleep } from 'node:timers/promises'

/** A slot clears away what it has staged before it says why it halted. */
const patienceMs = 10_000

/** What halted an execution. Slots that were halted by it may end before the one that met it, and have to tell the same. */
export class FirstFailure {
  readonly #known = Promise.withResolvers<string>()

  /** The first to be told of stays. */
  set(why: string): void {
    this.#known.resolve(why)
  }

  async get(waitMs = patienceMs): Promise<string> {
    const waiting = new AbortController()
    const nobody = sleep(waitMs, 'another item failed first', { signal: waiting.signal, ref: false })
    nobody.catch(() => undefined)
    try {
      return await Promise.race([this.#known.promise, nobody])
    } finally {
      waiting.abort()
    }
  }
}
