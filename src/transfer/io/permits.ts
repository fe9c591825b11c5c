/** Permits for what may be under way at once, or for what it holds: first come first served. */
export class Permits {
  readonly #all: number
  #free: number
  readonly #waiting: { n: number; begin: () => void }[] = []
  /** Told when there is room and nobody waits for it. */
  onRoom: () => void = () => undefined

  constructor(all: number) {
    this.#all = all
    this.#free = all
  }

  get hasRoom(): boolean {
    return this.#free > 0 && this.#waiting.length === 0
  }

  /** @returns false when it would have to wait */
  tryTake(n = 1): boolean {
    if (this.#waiting.length > 0 || n > this.#free) return false
    this.#free -= n
    return true
  }

  /** @param n at most as many as there are */
  async take(n = 1): Promise<void> {
    if (n > this.#all) throw new Error(`${n} permits of ${this.#all}`)
    if (this.tryTake(n)) return
    await new Promise<void>((begin) => this.#waiting.push({ n, begin }))
  }

  give(n = 1): void {
    this.#free += n
    for (let next = this.#waiting[0]; next && next.n <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.n
      next.begin()
    }
    if (this.hasRoom) this.onRoom()
  }
}
