import { expect, test } from '@jest/globals'
import type { EndedBy } from '../../workflows/messages.ts'
import type { Balance } from '../../src/ledger/ledger.ts'
import { outcomeOf } from '../../src/transfer/complete.ts'
import { ItemsWaiting } from '../../src/transfer/errors.ts'

const none = { items: 0, bytes: 0n }
const done: EndedBy = { kind: 'done' }

function aBalance(found: number, byStatus: Partial<Balance['byStatus']>, carriedOut = 0): Balance {
  const all = { none, success: none, processed: none, skipped: none, retry: none, remediation: none, pending: none }
  return {
    found: { items: found, containers: 0, bytes: 0n },
    byStatus: { ...all, ...byStatus },
    byReason: [],
    containersMade: 0,
    carriedOut: { items: carriedOut, bytes: 0n },
  }
}

const many = (items: number): Balance['byStatus']['retry'] => ({ items, bytes: 0n })

test('the closing sentence writes counts as people read them, and the outcome keeps them as numbers', () => {
  const balance = aBalance(1_020_212, { retry: many(1_200), remediation: many(3_400) }, 20_212)
  expect(outcomeOf(done, balance)).toEqual({
    status: 'failed',
    sentence:
      '1,020,212 found, 20,212 carried out, 1,200 to be tried again in the next execution, 3,400 flagged for a person',
    found: 1_020_212,
    changed: 20_212,
    failed: 1_200,
    flagged: 3_400,
  })
  expect(outcomeOf(done, aBalance(20_212, {})).sentence).toBe('nothing to do: 20,212 found, all as recorded')
})

test('so does the failure that Temporal shows while items wait', () => {
  const waiting = new ItemsWaiting({ total: 1_500, byReason: { Locked: 1_499, Throttled: 1 }, nextDueMs: 1 })
  expect(waiting.message).toBe('1,500 items waiting: 1,499 Locked, 1 Throttled')
})
