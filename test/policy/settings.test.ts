import { describe, expect, test } from '@jest/globals'
import type { AuditLevel } from '../../src/job/settings.ts'
import { auditLevelOf, auditTypeOf, audits, auditTypes, type AuditType } from '../../src/policy/audit_level.ts'
import type { Decision } from '../../src/policy/decision.ts'
import { lazyContainers } from '../../src/policy/empty_containers.ts'
import { itemBackoffMs, retryPolicy } from '../../src/policy/failure_policy.ts'
import { tooManyItems } from '../../src/policy/max_items_per_container.ts'
import { reasons } from '../../src/policy/reasons.ts'

describe('max_items_per_container', () => {
  test('takes as many as the limit says, and not one more', () => {
    expect([9_999, 10_000, 10_001].map((n) => tooManyItems({ given: 10_000 }, n)?.reason)).toEqual([
      undefined,
      undefined,
      'too_many_items',
    ])
  })

  test('left out, the destination’s own limit holds, and without one there is none', () => {
    expect(tooManyItems({}, 1_000_000)).toBeUndefined()
    expect(tooManyItems({ destination: 50 }, 50)).toBeUndefined()
    expect(tooManyItems({ destination: 50 }, 51)?.why).toMatch(/more than 50 items.*at the destination/)
    expect(tooManyItems({ given: 60, destination: 50 }, 60)).toBeUndefined()
  })

  test('where it flags, the message names the key that helps', () => {
    expect(tooManyItems({ given: 5 }, 6)?.why).toMatch(/more than 5 items.*max_items_per_container allows: raise it/)
  })
})

describe('empty_containers', () => {
  test('skip makes folders wait for their first content, except in a taxonomy', () => {
    expect(lazyContainers({ emptyContainers: 'skip', transferType: 'copy' })).toBe(true)
    expect(lazyContainers({ emptyContainers: 'skip', transferType: 'taxonomy' })).toBe(false)
    expect(lazyContainers({ emptyContainers: 'create', transferType: 'copy' })).toBe(false)
  })
})

describe('audit_level', () => {
  const all = Object.keys(auditTypes) as AuditType[]
  const kept = (level: AuditLevel) => all.filter((type) => audits(level).has(type))

  test('each level keeps its own rows and those above', () => {
    expect(kept('trace')).toEqual(all)
    expect(kept('none')).toEqual([])
    expect(kept('error').sort()).toEqual(['failed', 'flagged', 'halted'])
    expect(kept('warn')).toEqual(expect.arrayContaining(['4001', '4002', '4005', 'skipped', 'failed']))
    expect(kept('warn')).not.toContain('transferred')
    expect(kept('info')).toEqual(expect.arrayContaining(['transferred', 'created', 'adopted', 'attributes']))
    expect(kept('info')).not.toContain('unchanged')
    expect(kept('debug')).not.toContain('decided')
    expect(kept('debug')).toEqual(expect.arrayContaining(['unchanged', 'matched', 'filtered']))
  })

  test('agrees with itself about levels', () => {
    for (const type of all) expect(audits(auditLevelOf(type)).has(type)).toBe(true)
  })

  test.each<[Decision, AuditType]>([
    [{ action: 'none', reason: 'unchanged' }, 'unchanged'],
    [{ action: 'none', reason: 'left_deleted' }, 'left'],
    [{ action: 'create', reason: 'new' }, 'transferred'],
    [{ action: 'adopt', reason: 'matched' }, 'adopted'],
    [{ action: 'skip', reason: 'filtered' }, 'filtered'],
    [{ action: 'skip', reason: 'too_large' }, 'too_large'],
    [{ action: 'skip', reason: 'exists' }, 'skipped'],
    [{ action: 'skip', reason: 'restricted_content' }, '4007'],
    [{ action: 'fail', reason: 'conflict' }, 'failed'],
  ])('logs %j as %s', (decision, type) => {
    expect(auditTypeOf(decision, false)).toBe(type)
  })

  test('tells a folder made from a file written', () => {
    expect(auditTypeOf({ action: 'create', reason: 'new' }, true)).toBe('created')
    expect(auditTypeOf({ action: 'adopt', reason: 'matched' }, true)).toBe('matched')
  })
})

describe('failure_policy', () => {
  test('continue retries waiting items, halt retries none', () => {
    expect(retryPolicy('continue')).toMatchObject({
      triesPerExecution: 3,
      nonRetryableErrorTypes: ['HaltedByItem', 'FailedToStart'],
    })
    expect(retryPolicy('halt').triesPerExecution).toBe(1)
    expect(retryPolicy('halt').nonRetryableErrorTypes).toContain('ItemsWaiting')
  })

  test('an item waits longer after each try, and at most a minute', () => {
    expect([0, 1, 2, 3, 4, 50, 1e6].map(itemBackoffMs)).toEqual([1_000, 1_000, 4_000, 16_000, 60_000, 60_000, 60_000])
  })
})

describe('reasons', () => {
  test('each is one sentence and leads to a status', () => {
    for (const [reason, { sentence, status }] of Object.entries(reasons)) {
      expect([reason, sentence]).toEqual([reason, expect.stringMatching(/^[A-Z].*\.$/)])
      expect(status.length).toBeGreaterThan(0)
    }
  })
})
