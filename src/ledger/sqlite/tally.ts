import type { DatabaseSync } from 'node:sqlite'
import type { ItemState } from '../item_state.ts'
import type { Balance, Progress } from '../ledger.ts'
import { allStates, State, stateOf } from './codes.ts'

interface CounterRow {
  state: bigint
  reason: string
  items: bigint
  containers: bigint
  bytes: bigint
}

interface ExecutionRow {
  made: number
  lastItem: number | null
  carriedOut: number
  writtenBytes: string
}

/** What an execution's counters say, for the owner and for readers. */
export class Tally {
  readonly #counters
  readonly #execution
  readonly #waiting
  readonly #toList
  readonly #parts

  constructor(db: DatabaseSync) {
    this.#counters = db.prepare(
      'SELECT state, reason, items, containers, bytes FROM counter WHERE execution = ? AND items <> 0 ORDER BY state, reason',
    )
    this.#counters.setReadBigInts(true)
    this.#execution = db.prepare(
      `SELECT containers_made AS made, last_item AS lastItem, carried_out AS carriedOut,
         CAST(written_bytes AS TEXT) AS writtenBytes FROM execution WHERE n = ?`,
    )
    this.#waiting = db.prepare('SELECT count(*) AS n FROM trial WHERE waiting = 1 AND execution = ?')
    this.#toList = db.prepare(
      'SELECT (SELECT count(*) FROM frontier) + (SELECT count(*) FROM lease WHERE kind = 0) AS n',
    )
    // Few rows at any time: one for each long content in hand, or put down. One that failed for this execution is not gone on with.
    this.#parts = db.prepare(
      `SELECT coalesce(sum(part), 0) AS bytes, coalesce(sum(part * 1.0 / size), 0) AS items
       FROM (SELECT min(partial.bytes, size) AS part, size FROM partial JOIN item ON item.id = partial.item
         WHERE size > 0 AND item.execution = ?1 AND (state = ${State.pending} OR (state = ${State.retry}
           AND EXISTS (SELECT 1 FROM trial WHERE trial.item = item.id AND waiting = 1 AND trial.execution = ?1))))`,
    )
    this.#parts.setReadBigInts(true)
  }

  balance(execution: number): Balance {
    const row = this.#row(execution)
    const balance: Balance = {
      found: { items: 0, containers: 0, bytes: 0n },
      byStatus: zeroes(),
      byReason: [],
      containersMade: row?.made ?? 0,
      carriedOut: { items: row?.carriedOut ?? 0, bytes: BigInt(row?.writtenBytes ?? 0) },
    }
    for (const row of this.#counters.all(execution) as unknown as CounterRow[]) {
      const status = stateOf(Number(row.state))
      const items = Number(row.items)
      balance.found.items += items
      balance.found.containers += Number(row.containers)
      balance.found.bytes += row.bytes
      balance.byStatus[status].items += items
      balance.byStatus[status].bytes += row.bytes
      const same = balance.byReason.find((sum) => sum.status === status && sum.reason === row.reason)
      if (same) {
        same.items += items
        same.bytes += row.bytes
      } else balance.byReason.push({ status, reason: row.reason, items, bytes: row.bytes })
    }
    return balance
  }

  progress(execution: number): Progress {
    const { found, byStatus } = this.balance(execution)
    const { n: waiting } = this.#waiting.get(execution) as { n: number }
    const { n: containersToList } = this.#toList.get() as { n: number }
    const done = { items: 0, bytes: 0n }
    for (const state of ['none', 'success', 'processed', 'skipped'] as const) {
      done.items += byStatus[state].items
      done.bytes += byStatus[state].bytes
    }
    const parts = this.#parts.get(execution) as { items: number; bytes: bigint }
    done.bytes += parts.bytes
    return {
      found,
      done,
      partItems: Number(parts.items),
      failed: byStatus.remediation.items + byStatus.retry.items - waiting,
      waiting,
      containersToList,
      enumerationClosed: this.lastItem(execution) !== undefined && containersToList === 0,
    }
  }

  /** The item that got a result last; undefined when there is no such execution. */
  lastItem(execution: number): number | null | undefined {
    return this.#row(execution)?.lastItem
  }

  #row(execution: number): ExecutionRow | undefined {
    return this.#execution.get(execution) as unknown as ExecutionRow | undefined
  }

  /** Items in states that may yet change, but for containers that are made only when needed. */
  open(execution: number): { open: number; lazy: number } {
    let open = 0
    let lazy = 0
    for (const row of this.#counters.all(execution) as unknown as CounterRow[]) {
      const state = Number(row.state)
      if (state === State.lazy) lazy += Number(row.items)
      if (state === State.pending || state === State.retry) open += Number(row.items)
    }
    return { open, lazy }
  }
}

function zeroes(): Record<ItemState, { items: number; bytes: bigint }> {
  return Object.fromEntries(allStates.map((state) => [state, { items: 0, bytes: 0n }])) as ReturnType<typeof zeroes>
}
