/** Closes in reverse what was opened, each once, whatever the others do. */
export class Opened {
  readonly #closers: (() => unknown)[] = []

  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    // Threads and sockets that end are not waited for by Node itself.
    const awake = setInterval(() => undefined, 1_000)
    let failure: unknown
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        failure ??= error
      }
    }
    clearInterval(awake)
    if (failure !== undefined) throw failure
  }
}

/** Opens one after the other; when something fails, what was opened before is closed. */
export async function opening<T>(open: (opened: Opened) => Promise<T>): Promise<T> {
  const opened = new Opened()
  try {
    return await open(opened)
  } catch (error) {
    await opened.close().catch(() => undefined)
    throw error
  }
}
