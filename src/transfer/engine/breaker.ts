import { ConnectionTrouble } from './errors.ts'
import type { Side } from './trouble.ts'

interface Trip {
  side: Side
  code: string
  why: string
  retryAfterMs?: number
}

/** After trouble with a connection, the other lanes of the job don't hammer on it: they are told the same until it is over. */
export class Breaker {
  #trip: (Trip & { untilMs: number }) | undefined
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Opens for as long as the platform asked, else for two seconds: the slice's own back-off does the rest. */
  trip(trip: Trip): void {
    const untilMs = this.#now() + (trip.retryAfterMs ?? 2_000)
    if (!this.#trip || untilMs > this.#trip.untilMs) this.#trip = { ...trip, untilMs }
  }

  /** @throws ConnectionTrouble while open */
  refuse(): void {
    if (!this.#trip) return
    const left = this.#trip.untilMs - this.#now()
    if (left > 0) throw new ConnectionTrouble(this.#trip.side, this.#trip.code, this.#trip.why, left)
    this.#trip = undefined
  }
}
