/** Promises that nobody waits for when they are made; whoever needs them kept asks. */
export class PendingWrites {
  readonly #open = new Set<Promise<unknown>>()
  #failed: unknown

  add(promise: Promise<unknown>): void {
    const kept = promise
      .catch((error: unknown) => {
        this.#failed ??= error
      })
      .finally(() => this.#open.delete(kept))
    this.#open.add(kept)
  }

  /** Something went wrong meanwhile: {@link settled} tells. */
  get hasFailed(): boolean {
    return this.#failed !== undefined
  }

  /** @throws what went wrong first since it was asked last */
  async settled(): Promise<void> {
    if (this.#open.size > 0) await Promise.all(this.#open)
    const failed = this.#failed
    this.#failed = undefined
    if (failed !== undefined) throw failed
  }
}
