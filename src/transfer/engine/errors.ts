import type { WaitingItems } from '../../ledger/ledger.ts'
import { count, counted } from '../../report/format.ts'
import type { Side } from './trouble.ts'

/** The job cannot begin; each reason is a sentence that says what to do. */
export class FailedToStart extends Error {
  override readonly name = 'FailedToStart'
  readonly reasons: readonly string[]

  constructor(reasons: readonly string[]) {
    super(reasons.join('; '))
    this.reasons = reasons
  }
}

/** Only items that wait for their next try are left: trying again after `retryAfterMs` is the retry. */
export class ItemsWaiting extends Error {
  override readonly name = 'ItemsWaiting'
  readonly retryAfterMs: number

  constructor(items: WaitingItems) {
    const parts = Object.entries(items.byReason).map(([reason, n]) => `${count(n)} ${reason}`)
    super(`${counted(items.total, 'item')} waiting: ${parts.join(', ')}`)
    this.retryAfterMs = items.nextDueMs
  }
}

/** A connection, not an item, is in trouble; no item is to blame. */
export class ConnectionTrouble extends Error {
  override readonly name = 'ConnectionTrouble'
  readonly code: string
  readonly side: Side
  readonly retryAfterMs: number | undefined

  constructor(side: Side, code: string, message: string, retryAfterMs?: number) {
    super(`${side}: ${message}`)
    this.side = side
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

/** `failure_policy: halt` met its first failed item. */
export class HaltedByItem extends Error {
  override readonly name = 'HaltedByItem'
}

/** The item in hand was put down half-way because of a pause or a cancel; nothing is wrong with it. */
export class Suspended extends Error {
  override readonly name = 'Suspended'
}
