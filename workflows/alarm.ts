import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow'

/** One timer, which can be set anew. It always is one, also for a moment that has passed: what rings comes through the inbox. */
export class Alarm {
  readonly #summary: string
  readonly #onRing: () => void
  #set: { atMs: number; scope: CancellationScope } | undefined

  /** @param summary what it is for; shown in the Web UI */
  constructor(summary: string, onRing: () => void) {
    this.#summary = summary
    this.#onRing = onRing
  }

  get isSet(): boolean {
    return this.#set !== undefined
  }

  /** Rings at that moment, once, unless it is set to another before. */
  set(atMs: number | undefined): void {
    if (atMs === this.#set?.atMs) return
    this.#set?.scope.cancel()
    this.#set = undefined
    if (atMs === undefined) return
    const scope = new CancellationScope()
    this.#set = { atMs, scope }
    void scope
      .run(() => sleep(Math.max(1, atMs - Date.now()), { summary: this.#summary }))
      .then(() => {
        this.#set = undefined
        this.#onRing()
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error
      })
  }
}
