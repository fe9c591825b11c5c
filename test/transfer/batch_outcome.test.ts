import { expect, test } from '@jest/globals'
import { itemBackoffMs } from '../../src/policy/failure_policy.ts'
import { BatchOutcome } from '../../src/transfer/items/batch_outcome.ts'
import type { ExecutionContext } from '../../src/transfer/engine/execution_context.ts'
import type { WorkItem } from '../../src/ledger/ledger.ts'
import type { StopFlag } from '../../src/transfer/io/stop.ts'

test('an item that failed waits a second after its first try, four after its second, sixteen after its third', () => {
  const context = { backoffMs: itemBackoffMs, failed: () => undefined } as unknown as ExecutionContext
  const outcome = new BatchOutcome(context, {} as StopFlag)
  // Claimed with the tries that had failed before.
  for (const tries of [0, 1, 2])
    outcome.failed({ item: tries, tries } as WorkItem, 'a.txt', { reason: 'locked', why: 'in use' } as never)
  expect(outcome.results().failed.map(({ retryAfterMs }) => retryAfterMs)).toEqual([1_000, 4_000, 16_000])
})
