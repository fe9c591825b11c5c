import { describe, expect, test } from '@jest/globals'
import { countExecution, stopPolicy, type EndedExecution } from '../../src/schedule/stop_policy.ts'

const noExecutions = { executions: 0, successes: 0, failures: 0 }

const ended = (status: EndedExecution['status'], more: Partial<EndedExecution> = {}): EndedExecution => ({
  status,
  simulated: false,
  failed: 0,
  ...more,
})

describe('the count', () => {
  test.each<[string, EndedExecution, [number, number, number]]>([
    ['one that moved content counts as executed only', ended('completed'), [1, 0, 0]],
    ['one that found nothing to do counts as success', ended('no_changes'), [1, 1, 0]],
    ['one with failed items counts as failure', ended('warn', { failed: 2 }), [1, 0, 1]],
    ['one that failed counts as failure', ended('failed'), [1, 0, 1]],
    ['a cancelled one counts as executed', ended('cancelled'), [1, 0, 0]],
    ['a simulated one counts for none', ended('no_changes', { simulated: true }), [0, 0, 0]],
    ['one that could not start counts for none', ended('failed_to_start', { failed: 1 }), [0, 0, 0]],
  ])('%s', (_what, execution, [executions, successes, failures]) => {
    expect(countExecution(noExecutions, execution)).toEqual({ executions, successes, failures })
  })
})

describe('the stop policy', () => {
  test('the 25th execution completes a job that may have 25', () => {
    const limits = { on_execute: 25 }
    let counts = noExecutions
    for (let n = 1; n <= 25; n++) {
      expect(stopPolicy(limits, counts)).toEqual({ met: false })
      counts = countExecution(counts, ended('completed'))
    }
    expect(stopPolicy(limits, counts)).toEqual({
      met: true,
      limit: 'on_execute',
      sentence: 'stop_policy.on_execute is met: 25 of 25 executions',
    })
  })

  test('successes and failures need not be consecutive', () => {
    const limits = { on_success: 2, on_failure: 2 }
    const counts = (['no_changes', 'failed', 'completed', 'no_changes'] as const)
      .map((s) => ended(s))
      .reduce(countExecution, noExecutions)
    expect(stopPolicy(limits, counts)).toMatchObject({
      met: true,
      limit: 'on_success',
      sentence: expect.stringContaining('2 of 2'),
    })
    expect(stopPolicy({ on_failure: 1 }, counts)).toMatchObject({ met: true, limit: 'on_failure' })
    expect(stopPolicy({ on_failure: 2 }, counts)).toEqual({ met: false })
  })

  test('a job without one runs until it is stopped', () => {
    const counts = { executions: 1e6, successes: 1e6, failures: 1e6 }
    expect(stopPolicy(undefined, counts)).toEqual({ met: false })
    expect(stopPolicy({}, counts)).toEqual({ met: false })
  })
})
