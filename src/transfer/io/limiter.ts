import { setTimeout as sleep } from 'node:timers/promises'
import type { Limiter } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'

/** Without a word of the platform's the first wait is this long, the next twice as long, and so on. */
const firstWaitMs = 250
const longestWaitMs = 8_000
/** Who waits looks this often whether it is still wanted. */
const lookMs = 200

interface LimiterParts {
  /** Trouble that lasts longer is an outage, and for others to wait out. */
  patienceMs: number
  /** Nobody waits any more for what is to stop. */
  stopped?: () => boolean
}

/**
 * What stands before the requests of one connection: a platform that asks to be left alone is, by all of them; how many are
 * under way at once goes down by half when it says that it is too much, and up by one for each round that goes well.
 */
export class ConnectionLimiter implements Limiter {
  readonly #patienceMs: number
  readonly #stopped: () => boolean
  #underWay = 0
  /** Requests at once; not a whole number on its way up. */
  #most = Infinity
  #quietUntilMs = 0
  /** Of several that are told the same only the first counts, until one that began afterwards is told it again. */
  #loweredMs = -Infinity
  readonly #waiting: (() => void)[] = []

  constructor({ patienceMs, stopped = () => false }: LimiterParts) {
    this.#patienceMs = patienceMs
    this.#stopped = stopped
  }

  /** How many requests may be under way at once now. */
  get most(): number {
    return Math.max(1, Math.floor(this.#most))
  }

  async run<T>(request: () => Promise<T>, { repeats = false }: { repeats?: boolean } = {}): Promise<T> {
    let sinceMs: number | undefined
    for (let tries = 0; ; tries++) {
      await this.#turn()
      const beganMs = performance.now()
      try {
        const answer = await request()
        this.#went()
        return answer
      } catch (error) {
        const waitMs = this.#waitFor(error, { beganMs, repeats, tries })
        sinceMs ??= beganMs
        if (waitMs === undefined || performance.now() + waitMs - sinceMs > this.#patienceMs) throw error
        await this.#wait(waitMs, error)
      } finally {
        this.#underWay -= 1
        this.#next()
      }
    }
  }

  /** @returns undefined when it is not to be done again */
  #waitFor(
    error: unknown,
    { beganMs, repeats, tries }: { beganMs: number; repeats: boolean; tries: number },
  ): number | undefined {
    if (!(error instanceof ConnectorError)) return undefined
    const { code, retryAfterMs } = error
    if (code !== 'Throttled' && !(repeats && code === 'Unreachable')) return undefined
    const growing = Math.min(longestWaitMs, firstWaitMs * 2 ** tries)
    if (code === 'Throttled') this.#lower(beganMs, retryAfterMs ?? 0)
    // Not all at once when it is over.
    return (retryAfterMs ?? growing) * (1 + Math.random() * 0.2)
  }

  #lower(beganMs: number, quietMs: number): void {
    const now = performance.now()
    this.#quietUntilMs = Math.max(this.#quietUntilMs, now + quietMs)
    if (beganMs < this.#loweredMs) return
    this.#loweredMs = now
    this.#most = Math.max(1, Math.min(this.#most, this.#underWay) / 2)
  }

  #went(): void {
    this.#most += 1 / this.#most
  }

  async #turn(): Promise<void> {
    if (this.#underWay < this.most) this.#underWay += 1
    else await new Promise<void>((begin) => this.#waiting.push(begin))
    // While it holds its place, so that those behind it wait as well.
    for (let left = this.#quietMs; left > 0 && !this.#stopped(); left = this.#quietMs)
      await sleep(Math.min(left, lookMs))
  }

  get #quietMs(): number {
    return this.#quietUntilMs - performance.now()
  }

  #next(): void {
    while (this.#underWay < this.most && this.#waiting.length > 0) {
      this.#underWay += 1
      this.#waiting.shift()!()
    }
  }

  async #wait(waitMs: number, error: unknown): Promise<void> {
    const untilMs = performance.now() + waitMs
    for (let left = waitMs; left > 0; left = untilMs - performance.now()) {
      if (this.#stopped()) throw error
      await sleep(Math.min(left, lookMs))
    }
  }
}
