import { setImmediate as breathe } from 'node:timers/promises'
import type { Difference, Finding, Left, Verified } from './difference.ts'

/** Platforms on this machine answer at once, and would leave no time for anybody else. */
const breatheEvery = 100

export interface Listeners {
  /** After each item, with what was looked at so far. */
  onProgress?(soFar: Verified): void
  /** Told of each item that policy decided to leave. */
  onLeft?(left: Left): void
}

/** What a verification comes to, while it is under way. */
export class Counts {
  readonly soFar: Verified = {
    files: 0,
    folders: 0,
    read: { source: 0n, destination: 0n },
    differences: 0,
    left: [],
    gone: 0,
    accessBefore: 0,
    foreign: 0,
  }
  readonly #listeners: Listeners
  readonly #left = new Map<string, Verified['left'][number]>()
  #looks = 0

  constructor(listeners: Listeners) {
    this.#listeners = listeners
  }

  differs(at: Pick<Difference, 'path' | 'destinationPath'>, finding: Finding): Difference {
    this.soFar.differences += 1
    return { ...at, ...finding }
  }

  left(left: Left): void {
    this.#listeners.onLeft?.(left)
    const { status, reason } = left
    const key = `${status} ${reason}`
    const known = this.#left.get(key)
    if (known) known.items += 1
    else {
      const sum = { status, reason, items: 1 }
      this.#left.set(key, sum)
      this.soFar.left.push(sum)
    }
  }

  async looked(): Promise<void> {
    this.#listeners.onProgress?.(this.soFar)
    this.#looks += 1
    if (this.#looks % breatheEvery === 0) await breathe()
  }
}
