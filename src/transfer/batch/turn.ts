/** The use of a thread, by one at a time, first come first served. Who waits for somebody else gives it away meanwhile. */
export class Turn {
  #taken = false
  readonly #waiting: (() => void)[] = []

  async take(): Promise<void> {
    if (this.#taken) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#taken = true
  }

  give(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#taken = false
  }

  /** Gives it away until `other` has an end, of whatever kind, and takes it back. */
  async whileAway<T>(other: Promise<T>): Promise<T> {
    this.give()
    try {
      return await other
    } finally {
      await this.take()
    }
  }
}
