import type { DatabaseSync } from 'node:sqlite'
import type { WaitingItems } from '../ledger.ts'
import { State } from './codes.ts'
import type { CurrentExecution } from './current_execution.ts'

interface Trial {
  execution: number
  tries: number
  strikes: number
  struck: number
}

/** Items that failed: tries in this execution, strikes over all of them. */
export class Trials {
  readonly #select
  readonly #upsert
  readonly #keepDecision
  readonly #decision
  readonly #delete
  readonly #due
  readonly #waiting
  readonly #take
  readonly #hand
  readonly #rest
  readonly #tries
  readonly #onFlagged: (item: number) => void

  /** @param onFlagged told of each item that from now on needs a person */
  constructor(db: DatabaseSync, onFlagged: (item: number) => void) {
    this.#onFlagged = onFlagged
    this.#select = db.prepare('SELECT execution, tries, strikes, struck FROM trial WHERE item = ?')
    this.#upsert = db.prepare(
      `INSERT INTO trial (item, execution, tries, strikes, struck, not_before_ms, waiting, lease)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0)
       ON CONFLICT (item) DO UPDATE SET execution = excluded.execution, tries = excluded.tries, strikes = excluded.strikes,
         struck = excluded.struck, not_before_ms = excluded.not_before_ms, waiting = excluded.waiting, lease = 0`,
    )
    this.#keepDecision = db.prepare(
      `UPDATE trial SET decided_reason = ?, decided_why = (SELECT why FROM plan WHERE plan.item = trial.item)
       WHERE item = ?`,
    )
    this.#decision = db.prepare('SELECT decided_reason AS reason, decided_why AS why FROM trial WHERE item = ?')
    this.#delete = db.prepare('DELETE FROM trial WHERE item = ?')
    this.#due = db.prepare(
      `SELECT item FROM trial WHERE waiting = 1 AND not_before_ms <= ? AND lease = 0 AND execution = ?
       ORDER BY not_before_ms LIMIT ?`,
    )
    this.#waiting = db.prepare(
      `SELECT reason, count(*) AS n, min(not_before_ms) AS due FROM trial JOIN item ON item.id = trial.item
       WHERE waiting = 1 AND lease = 0 AND trial.execution = ? GROUP BY reason`,
    )
    this.#take = db.prepare('UPDATE trial SET lease = ? WHERE item IN (SELECT value FROM json_each(?))')
    this.#hand = db.prepare('UPDATE trial SET lease = ? WHERE lease = ? AND item IN (SELECT value FROM json_each(?))')
    this.#rest = db.prepare('UPDATE trial SET waiting = 0, lease = 0 WHERE waiting = 1')
    this.#tries = db.prepare(
      'SELECT item, CASE WHEN execution = ? THEN tries ELSE 0 END AS tries FROM trial WHERE item BETWEEN ? AND ?',
    )
  }

  /** One failed try. What the item is now, and whether it is tried again in this execution. */
  failed(item: number, { n, tries, maxRetry }: CurrentExecution, notBeforeMs: number | 'never'): number {
    const before = this.#of(item)
    const tried = (before.execution === n ? before.tries : 0) + 1
    if (notBeforeMs !== 'never' && tried < tries) {
      this.#upsert.run(item, n, tried, before.strikes, before.struck, notBeforeMs, 1)
      return State.retry
    }
    const strikes = before.struck === n ? before.strikes : before.strikes + 1
    this.#upsert.run(item, n, tried, strikes, n, 0, 0)
    return this.#struck(item, notBeforeMs === 'never' || strikes > maxRetry)
  }

  /** Not tried again in this execution; one strike per execution. */
  strike(item: number, { n, maxRetry }: CurrentExecution, flag = false): number {
    const before = this.#of(item)
    const strikes = before.struck === n ? before.strikes : before.strikes + 1
    this.#upsert.run(item, n, before.execution === n ? before.tries : 0, strikes, n, 0, 0)
    return this.#struck(item, flag || strikes > maxRetry)
  }

  /** Before its first failed try in an execution is written over it: what arrives later arrives for that reason. */
  keepDecision(item: number, reason: string): void {
    this.#keepDecision.run(reason, item)
  }

  /** What was decided about an item that failed in this execution. */
  decision(item: number): { reason: string | null; why: string | null } | undefined {
    return this.#decision.get(item) as { reason: string | null; why: string | null } | undefined
  }

  #struck(item: number, flag: boolean): number {
    if (!flag) return State.retry
    this.#onFlagged(item)
    return State.remediation
  }

  /** It is tried one time in this execution, and flagged again should it fail. */
  once(item: number, { n, tries, maxRetry }: CurrentExecution): void {
    const { strikes, struck } = this.#of(item)
    this.#upsert.run(item, n, tries - 1, Math.max(strikes, maxRetry), struck, 0, 0)
  }

  settled(item: number): void {
    this.#delete.run(item)
  }

  due(execution: number, nowMs: number, limit: number): number[] {
    return this.#due.all(nowMs, execution, limit).map((row) => row.item as number)
  }

  waiting(execution: number, nowMs: number): WaitingItems {
    const waiting: WaitingItems = { total: 0, byReason: {}, nextDueMs: 0 }
    let due = Infinity
    for (const row of this.#waiting.all(execution)) {
      waiting.total += row.n as number
      waiting.byReason[row.reason as string] = row.n as number
      due = Math.min(due, row.due as number)
    }
    if (waiting.total > 0) waiting.nextDueMs = Math.max(0, due - nowMs)
    return waiting
  }

  take(items: number[], token: number): void {
    if (items.length > 0) this.#take.run(token, JSON.stringify(items))
  }

  giveBack(items: number[], token: number): void {
    this.hand(items, token, 0)
  }

  hand(items: number[], token: number, to: number): void {
    if (items.length > 0) this.#hand.run(to, token, JSON.stringify(items))
  }

  /** Nothing is waited for any more. */
  rest(): void {
    this.#rest.run()
  }

  /** Tries in this execution of the items between two ids that ever failed. */
  triesBetween(first: number, last: number, execution: number): Map<number, number> {
    const tries = new Map<number, number>()
    for (const row of this.#tries.all(execution, first, last)) tries.set(row.item as number, row.tries as number)
    return tries
  }

  #of(item: number): Trial {
    const none: Trial = { execution: 0, tries: 0, strikes: 0, struck: 0 }
    return (this.#select.get(item) as unknown as Trial | undefined) ?? none
  }
}
