import type { DatabaseSync } from 'node:sqlite'
import type { Met } from '../ledger.ts'

interface Sum {
  items: number
  containers: number
  bytes: bigint
}

/** A row in the counters: what it is counted as. */
interface Counted {
  state: number
  reason: string
  /** 1 for a container, else 0. */
  container: number
  size: number
}

/**
 * Sums per execution, state and reason. Collected while a request runs and written with it: a `count(*)` over millions of
 * rows is no way to draw a progress bar.
 */
export class Counters {
  readonly #byState: Map<string, Sum>[] = []
  readonly #met = new Map<string, { items: number; bytes: bigint }>()
  readonly #upsert
  readonly #upsertMet

  constructor(db: DatabaseSync) {
    this.#upsert = db.prepare(
      `INSERT INTO counter (execution, state, reason, items, containers, bytes) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET items = items + excluded.items, containers = containers + excluded.containers,
         bytes = bytes + excluded.bytes`,
    )
    this.#upsertMet = db.prepare(
      `INSERT INTO met (execution, what, items, bytes) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET items = items + excluded.items, bytes = bytes + excluded.bytes`,
    )
  }

  add({ state, reason, container, size }: Counted): void {
    const sum = this.#sum(state, reason)
    sum.items += 1
    sum.containers += container
    if (size !== 0) sum.bytes += BigInt(size)
  }

  remove({ state, reason, container, size }: Counted): void {
    const sum = this.#sum(state, reason)
    sum.items -= 1
    sum.containers -= container
    if (size !== 0) sum.bytes -= BigInt(size)
  }

  addSum(state: number, reason: string, { items, containers, bytes }: Sum): void {
    const sum = this.#sum(state, reason)
    sum.items += items
    sum.containers += containers
    sum.bytes += bytes
  }

  met({ what, items, bytes }: Met): void {
    const sum = this.#met.get(what) ?? { items: 0, bytes: 0n }
    this.#met.set(what, { items: sum.items + items, bytes: sum.bytes + bytes })
  }

  /** Writes what was collected into the running transaction. */
  flush(execution: number): void {
    this.#byState.forEach((sums, state) => {
      for (const [reason, { items, containers, bytes }] of sums) {
        if (items !== 0 || containers !== 0 || bytes !== 0n) {
          this.#upsert.run(execution, state, reason, items, containers, bytes)
        }
      }
      sums.clear()
    })
    for (const [what, { items, bytes }] of this.#met) this.#upsertMet.run(execution, what, items, bytes)
    this.#met.clear()
  }

  /** Drops what was collected by a request that failed. */
  forget(): void {
    for (const sums of this.#byState) sums?.clear()
    this.#met.clear()
  }

  #sum(state: number, reason: string): Sum {
    const sums = (this.#byState[state] ??= new Map())
    let sum = sums.get(reason)
    if (!sum) sums.set(reason, (sum = { items: 0, containers: 0, bytes: 0n }))
    return sum
  }
}
