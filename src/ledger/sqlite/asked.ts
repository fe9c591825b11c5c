import type { Asked } from '../ledger.ts'
import { State } from './codes.ts'
import type { LedgerParts } from './parts.ts'

const ignored = 'ignored'
/** It arrived, more private than it was. */
const permissionsLost = 'permissions_lost'

interface FailedRow {
  parent: number
  state: number
  reason: string
}

/** Does with items that failed what people asked for, before an execution looks at anything. */
export class AskedOfItems {
  readonly #parts: LedgerParts
  readonly #row
  readonly #becomes
  readonly #flagged

  constructor(parts: LedgerParts) {
    this.#parts = parts
    const { db } = parts
    this.#row = db.prepare('SELECT parent, state, reason FROM item WHERE id = ? AND gone = 0')
    this.#becomes = db.prepare('UPDATE item SET state = ?, reason = ? WHERE id = ?')
    // Both states are named as in the index, which is not used else.
    this.#flagged = db.prepare(
      `SELECT id, reason FROM item WHERE state IN (${State.retry}, ${State.remediation}) AND state = ${State.remediation}
         AND gone = 0 AND reason IN (SELECT value FROM json_each(?))`,
    )
  }

  apply({ retry, ignore, onceMore }: Asked): void {
    const { trials, current } = this.#parts
    for (const { id, reason } of this.#flagged.all(JSON.stringify(onceMore)) as { id: number; reason: string }[]) {
      trials.once(id, current())
      this.#becomes.run(State.retry, reason, id)
    }
    for (const item of ignore) this.#ignore(item)
    const seen = new Set<number>()
    for (const item of retry) this.#tryAgain(item, seen)
  }

  #ignore(item: number): void {
    const row = this.#of(item)
    if (row?.state !== State.retry && row?.state !== State.remediation) return
    if (row.reason === permissionsLost) this.#becomes.run(State.processed, permissionsLost, item)
    else this.#becomes.run(State.skipped, ignored, item)
    this.#parts.trials.settled(item)
    this.#note(item, 'a person said to leave it')
  }

  #tryAgain(item: number, seen: Set<number>): void {
    for (let id = item; id !== 0 && !seen.has(id);) {
      seen.add(id)
      const row = this.#of(id)
      if (!row) return
      if (isHeldBack(row)) {
        this.#becomes.run(State.retry, row.reason, id)
        this.#parts.trials.settled(id)
        this.#note(id, 'a person asked to try it again')
      }
      id = row.parent
    }
  }

  #of(item: number): FailedRow | undefined {
    return this.#row.get(item) as unknown as FailedRow | undefined
  }

  #note(item: number, message: string): void {
    this.#parts.audit.note({ item, level: 'info', type: 'asked', message }, this.#parts.current())
  }
}

function isHeldBack({ state, reason }: FailedRow): boolean {
  return state === State.retry || state === State.remediation || (state === State.skipped && reason === ignored)
}
