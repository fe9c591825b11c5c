import { setTimeout as sleep } from 'node:timers/promises'

/** The slot with the failed item still commits its batch while the others have stopped; longer it is not waited for. */
const patienceMs = 10_000

/** Which item halted an execution. All slices end for it, and the first that ends is the one people read. */
export class Halt {
  #why: string | undefined
  #said: (() => void) | undefined
  readonly #saying = new Promise<void>((resolve) => {
    this.#said = resolve
  })

  /** The first reason stays. */
  say(why: string): void {
    this.#why ??= why
    this.#said?.()
  }

  async why(): Promise<string> {
    if (this.#why === undefined) await Promise.race([this.#saying, sleep(patienceMs, undefined, { ref: false })])
    return this.#why ?? 'an item failed in another worker'
  }
}
