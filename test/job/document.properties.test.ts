import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { notCarriedOut } from '../../src/job/carried_out.ts'
import { readJob, readMap } from '../../src/job/document.ts'
import { redact } from '../../src/job/redact.ts'
import { scheduleOf } from '../../src/job/schedule_of.ts'
import { settingsOf } from '../../src/job/settings_of.ts'
import { anyDocument, goodDocument } from './any_job.ts'

test('any JSON value gives a job or problems, each with a sentence, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(anyDocument(), fc.jsonValue()), fc.boolean(), (given, strict) => {
      const before = JSON.stringify(given)
      const result = readJob(given, { strict })
      readMap('account_map', given)
      redact(given)
      if (result.ok) {
        settingsOf(result.job)
        scheduleOf(result.job)
        notCarriedOut(result.job)
      } else {
        expect(result.problems.length).toBeGreaterThan(0)
        for (const { message } of result.problems) {
          expect(message).not.toBe('')
          expect(message).not.toMatch(/is not Invalid/)
        }
      }
      expect(JSON.stringify(given)).toBe(before)
    }),
    { numRuns: 1_000 },
  )
})

test('a job that was read reads again to the same, unknown keys included', () => {
  fc.assert(
    fc.property(goodDocument(), (given) => {
      const first = readJob(given)
      if (!first.ok) throw new Error(JSON.stringify(first.problems))
      const second = readJob(JSON.parse(JSON.stringify(first.job)))
      expect(second.ok && second.job).toEqual(first.job)
      const kept = (first.job as Record<string, unknown>)['unheard_of']
      expect(kept).toEqual(given['unheard_of'])
    }),
  )
})
