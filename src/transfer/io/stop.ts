/**
 * Shared memory between the engine and its I/O threads: why to stop, and how far a slot has come. A thread in the middle
 * of a blocking call can't take a message, but it looks here before each item and each chunk of a long one.
 */

/** The stronger reason has the higher number. */
export const Stop = { run: 0, pause: 1, cancel: 2, trouble: 3, halt: 4 } as const
export type StopReason = (typeof Stop)[keyof typeof Stop]

const STOP = 0
const ITEMS = 1
const BYTES_LOW = 2
const BYTES_HIGH = 3
const WORDS = 4

/** One for each job (only the stop word is used) and one for each slot of a slice. */
export class StopFlag {
  readonly shared: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(shared = new SharedArrayBuffer(WORDS * 4)) {
    this.shared = shared
    this.#words = new Int32Array(shared)
  }

  get stop(): StopReason {
    return Atomics.load(this.#words, STOP) as StopReason
  }

  /** Never weakens: a halt stays a halt when a cancel comes after it. */
  raise(reason: StopReason): void {
    this.#change(reason, (now) => reason > now)
  }

  /** For the one who looks at all that a job stop: this holds from now on, whatever held before. Only a halt stays. */
  settle(reason: StopReason): void {
    this.#change(reason, (now) => now !== Stop.halt)
  }

  #change(reason: StopReason, may: (now: StopReason) => boolean): void {
    for (let now = this.stop; may(now); now = this.stop) {
      // Another thread may have raised something since, a halt most of all, which must not be overwritten.
      if (Atomics.compareExchange(this.#words, STOP, now, reason) === now) return
    }
  }

  count(items: number, bytes: number): void {
    Atomics.add(this.#words, ITEMS, items)
    const low = (Atomics.load(this.#words, BYTES_LOW) >>> 0) + bytes
    Atomics.store(this.#words, BYTES_LOW, (low % 2 ** 32) | 0)
    Atomics.add(this.#words, BYTES_HIGH, Math.floor(low / 2 ** 32))
  }

  get items(): number {
    return Atomics.load(this.#words, ITEMS)
  }

  get bytes(): number {
    return Atomics.load(this.#words, BYTES_HIGH) * 2 ** 32 + (Atomics.load(this.#words, BYTES_LOW) >>> 0)
  }
}

/** Why a slot is to stop, and when its time is up: the whole execution's flag and its own slice's. */
export class StopToken {
  readonly job: StopFlag
  readonly slot: StopFlag
  readonly untilMs: number

  constructor(job: StopFlag, slot: StopFlag, untilMs: number) {
    this.job = job
    this.slot = slot
    this.untilMs = untilMs
  }

  get reason(): StopReason {
    return Math.max(this.job.stop, this.slot.stop) as StopReason
  }

  get timeIsUp(): boolean {
    return Date.now() >= this.untilMs
  }
}
