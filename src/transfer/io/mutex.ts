/** The use of a thread, by one at a time, first come first served. Who waits for somebody else unlocks it meanwhile. */
export class Mutex {
  #locked = false
  readonly #waiting: (() => void)[] = []

  async lock(): Promise<void> {
    if (this.#locked) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#locked = true
  }

  unlock(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#locked = false
  }

  /** Unlocks it until `other` has an end, of whatever kind, and locks it again. */
  async whileUnlocked<T>(other: Promise<T>): Promise<T> {
    this.unlock()
    try {
      return await other
    } finally {
      await this.lock()
    }
  }
}
