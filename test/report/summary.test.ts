import { describe, expect, test } from '@jest/globals'
import type { StoredExecution } from '../../src/catalog/catalog.ts'
import type { ItemState } from '../../src/ledger/item_state.ts'
import type { Balance } from '../../src/ledger/ledger.ts'
import { balances, emptyBalance, endedEarly, summarize } from '../../src/report/summary.ts'
import { summaryText } from '../../src/report/text.ts'

function aBalance(reasons: [ItemState, string, number, bigint][], containers = 0): Balance {
  const balance = emptyBalance()
  for (const [status, reason, items, bytes] of reasons) {
    const sum = balance.byStatus[status]
    balance.byStatus[status] = { items: sum.items + items, bytes: sum.bytes + bytes }
    balance.byReason.push({ status, reason, items, bytes })
    balance.found = {
      items: balance.found.items + items,
      containers,
      bytes: balance.found.bytes + bytes,
    }
  }
  return balance
}

function anExecution(change: Partial<StoredExecution> = {}): StoredExecution {
  return {
    jobId: 'a'.repeat(32),
    execution: 2,
    status: 'completed',
    phase: 'complete',
    simulated: false,
    byPerson: false,
    startedOn: 1_000,
    endedOn: 1_003.2,
    sentence: '2,003 found, 2,000 carried out',
    warnings: [],
    balance: aBalance([['success', 'new', 10, 100n]], 2),
    ...change,
  }
}

const job = { id: 'a'.repeat(32), name: 'Share' }
const mixed = aBalance(
  [
    ['success', 'new', 1_970, 12_000_000n],
    ['success', 'unchanged', 20, 400n],
    ['processed', 'new', 6, 60n],
    ['skipped', 'too_large', 1, 9_437_184n],
    ['skipped', 'filtered', 2, 5n],
    ['remediation', 'special', 1, 0n],
    ['retry', 'Locked', 3, 30n],
  ],
  91,
)

describe('the summary of an execution', () => {
  test('found is the sum of all statuses, folders included, and each status that of its reasons', () => {
    expect(balances(mixed)).toBe(true)
    expect(balances(emptyBalance())).toBe(true)
    const lost = structuredClone(mixed)
    lost.byStatus.success.items--
    expect(balances(lost)).toBe(false)
    const unexplained = structuredClone(mixed)
    unexplained.byReason.pop()
    expect(balances(unexplained)).toBe(false)
  })

  test('every status is there, with its reasons in words, most frequent first', () => {
    const summary = summarize(job, anExecution({ balance: mixed }))
    expect(summary.by_status.map(({ status }) => status)).toEqual([
      'success',
      'processed',
      'skipped',
      'remediation',
      'retry',
      'pending',
    ])
    expect(summary.by_status[0]?.reasons.map(({ reason }) => reason)).toEqual(['new', 'unchanged'])
    expect(summary.by_status[2]?.reasons[1]).toMatchObject({
      reason: 'too_large',
      meaning: 'It is larger than the destination takes.',
    })
    expect(summary.balanced).toBe(true)
  })

  test('a person reads counts, sizes and meanings, and how to ask about one item', () => {
    const text = summaryText(summarize(job, anExecution({ status: 'failed', balance: mixed })), {
      explain: 'stevedore explain Share <path>',
    })
    expect(text).toMatch(/^Run 2 of "Share" went to its end, with failures, in 3.2 s/)
    expect(text).toMatch(/found +2,003 +\S+ \S+ +1,912 files and 91 folders/)
    expect(text).toMatch(/flagged +1 .*need a person/)
    expect(text).toMatch(/too_large +1 +9.0 MiB +It is larger than the destination takes/)
    expect(text).toContain('stevedore explain Share <path>')
  })

  test('counts that do not add up are admitted', () => {
    const balance = structuredClone(mixed)
    balance.found.items++
    expect(summaryText(summarize(job, anExecution({ balance })))).toContain('do not add up')
  })

  test('inert settings are listed once, apart from other warnings', () => {
    const warnings = ['transfer.batch_mode: has no effect yet', 'fs cannot set creation times']
    const summary = summarize(job, anExecution({ warnings }), [
      { path: 'transfer.batch_mode', why: 'has no effect yet' },
    ])
    expect(summary.warnings).toEqual(['fs cannot set creation times'])
    const text = summaryText(summary)
    expect(text.match(/batch_mode/g)).toHaveLength(1)
    expect(text).toContain('fs cannot set creation times')
  })

  test('a job name from outside cannot drive the terminal', () => {
    expect(summaryText(summarize({ ...job, name: 'x\x1b[2J' }, anExecution()))).not.toContain('\x1b')
  })

  test('what never started has no counts', () => {
    const text = summaryText(
      summarize(
        job,
        anExecution({ status: 'failed_to_start', balance: null, sentence: 'did not start: no such folder' }),
      ),
    )
    expect(text).toContain('no such folder')
    expect(text).not.toContain('found')
  })

  test('a halted execution is told from one that went to its end with failures', () => {
    const ended = (change: Partial<StoredExecution>): boolean => endedEarly(summarize(job, anExecution(change)))
    expect(ended({ status: 'failed', sentence: '3 found, 1 flagged for a person' })).toBe(false)
    expect(ended({ status: 'failed', phase: 'executing' })).toBe(true)
  })
})
