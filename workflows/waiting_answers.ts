import type { Answer } from './inbox.ts'

interface Wait<T> {
  /** The answer, once there is one. */
  settled(): T | undefined
  /** When it is given up, and what is answered then. Without, it is waited for as long as it takes. */
  late?: { byMs: number; answer(): T }
}

interface Waiter {
  readonly byMs?: number
  /** @returns whether it has its answer now */
  look(nowMs: number): boolean
  reject(failure: Error): void
}

/** Whoever waits for the answer to an update until something is so, or for so long. */
export class WaitingAnswers {
  #waiters: Waiter[] = []

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  /** When the first of them has waited long enough. */
  get nextDueMs(): number | undefined {
    const dues = this.#waiters.flatMap(({ byMs }) => (byMs === undefined ? [] : [byMs]))
    return dues.length === 0 ? undefined : Math.min(...dues)
  }

  add<T>(answer: Answer<T>, { settled, late }: Wait<T>): void {
    this.#waiters.push({
      ...(late ? { byMs: late.byMs } : {}),
      look(nowMs) {
        const value = settled() ?? (late && nowMs >= late.byMs ? late.answer() : undefined)
        if (value === undefined) return false
        answer.resolve(value)
        return true
      },
      reject: (failure) => answer.reject(failure),
    })
  }

  /** Answers everybody whose wait is over. */
  look(nowMs: number): void {
    this.#waiters = this.#waiters.filter((waiter) => !waiter.look(nowMs))
  }

  rejectAll(failure: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(failure)
  }
}
