import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow'

/** The timer of the next scheduled run. It lives in the schedule's scope and ends with it. */
export class Clock {
  hasRung = false
  readonly #schedule: CancellationScope
  #set: { atMs: number; scope: CancellationScope } | undefined

  constructor(schedule: CancellationScope) {
    this.#schedule = schedule
  }

  /** Rings at that moment, once; nothing stops it from ringing. */
  set(atMs: number | undefined): void {
    if (atMs === this.#set?.atMs && atMs !== undefined) return
    this.#set?.scope.cancel()
    this.#set = undefined
    this.hasRung = false
    if (atMs === undefined || this.#schedule.consideredCancelled) return
    const left = atMs - Date.now()
    if (left <= 0) {
      this.hasRung = true
      return
    }
    void this.#schedule.run(() => this.#wait(atMs, left))
  }

  async #wait(atMs: number, left: number): Promise<void> {
    const scope = new CancellationScope()
    this.#set = { atMs, scope }
    try {
      await scope.run(() => sleep(left, { summary: 'next scheduled run' }))
      this.hasRung = true
    } catch (error) {
      if (!isCancellation(error)) throw error
    }
  }
}
