import { expect, test } from '@jest/globals'
import { executionDetails } from '../../workflows/progress_text.ts'

const tally = { slices: 4, found: 20_220, transferred: 819, failed: 0, bytes: 3_400_000_000 }

test('the Web UI says what an execution does, how far it is, and as of when', () => {
  const text = executionDetails('Share: fs → fs, execution 1', { phase: 'executing', paused: false, tally })
  expect(text).toContain('**Share: fs → fs, execution 1**')
  expect(text).toContain('**executing**: transferring; every folder has been looked at')
  expect(text).not.toContain('slice')
  expect(text).toMatch(/\| items \| so far \|\n\| --- \| ---: \|\n\| found \| 20,220 \|\n\| transferred \| 819 \|/)
  expect(text).toContain('| bytes | 3.2 GiB |')
  // It escapes entities, and would show their letters.
  expect(text).not.toContain('&')
})

test('while folders are still looked at, what was found is a lower bound', () => {
  const text = executionDetails('Share', { phase: 'changes', paused: false, tally: { ...tally, slices: 1 } })
  expect(text).toContain('| found | at least 20,220 |')
})

test('an outage that is waited out is in the details, and so are the reasons why items failed', () => {
  const state = { phase: 'executing', paused: false, tally } as const
  expect(executionDetails('Share', { ...state, waitingFor: 'destination: there is no space left' })).toContain(
    '**waiting**: destination: there is no space left',
  )
  const outcome = { status: 'failed', sentence: '3 found', found: 3, changed: 0, failed: 2, flagged: 1 } as const
  const failures = [{ reason: 'locked', items: 2 }]
  const text = executionDetails('Share', state, { ...outcome, failures })
  expect(text).toContain('| items | in the end |')
  expect(text).toContain('| failed: locked | 2 |')
})
