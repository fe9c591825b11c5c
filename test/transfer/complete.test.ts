import { afterAll, expect, test } from '@jest/globals'
import { settleExecution } from '../../activities/settle_execution.ts'
import type { EndedBy } from '../../workflows/messages.ts'
import type { Balance } from '../../src/ledger/ledger.ts'
import { outcomeOf } from '../../src/transfer/engine/complete.ts'
import { countExecution } from '../../src/schedule/stop_policy.ts'
import { ItemsWaiting } from '../../src/transfer/engine/errors.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

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
      '1,020,212 found, 20,212 carried out; 1,200 to be tried again in the next execution; 3,400 flagged for a person',
    found: 1_020_212,
    changed: 20_212,
    failed: 1_200,
    flagged: 3_400,
  })
  expect(outcomeOf(done, aBalance(20_212, {})).sentence).toBe('nothing to do: 20,212 found, all as recorded')
})

test('the failure that Temporal shows while items wait writes counts as people read them', () => {
  const waiting = new ItemsWaiting({ total: 1_500, byReason: { Locked: 1_499, Throttled: 1 }, nextDueMs: 1 })
  expect(waiting.message).toBe('1,500 items waiting: 1,499 Locked, 1 Throttled')
})

test.each([
  ['a simulation is none', true, 0],
  ['any other is one', false, 1],
])('of what was cancelled before it could begin, %s of the runs that count', async (_what, simulated, counted) => {
  const { id } = await rig.job({ simulation_mode: simulated })
  const ref = { jobId: id, execution: 1 }
  const { document } = (await rig.catalog.jobs.get(id))!
  const transfer = { ...(document['transfer'] as object), source: { connection: { id: '0'.repeat(32) } } }
  await rig.catalog.jobs.update(id, { document: { ...document, transfer } })
  const ended = await rig.engine.complete(ref, { kind: 'cancelled', why: 'asked to' })
  expect(await rig.catalog.executions.get(id, 1)).toMatchObject({ status: 'cancelled', simulated })
  const settled = await settleExecution(rig.catalog)({ ...ref, unrecorded: ended })
  const none = { executions: 0, successes: 0, failures: 0 }
  expect(countExecution(none, settled!).executions).toBe(counted)
})
