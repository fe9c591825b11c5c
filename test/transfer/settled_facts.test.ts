import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { precisionOn } from '../../src/connector/fs/times.ts'
import { changed } from '../../src/policy/changed.ts'
import { InThisThread } from './in_this_thread.ts'

const second = 1_000_000_000n
const fat = precisionOn(0x4d44)

const job = new InThisThread()
afterEach(() => job.remove())

/** FAT cuts times off at even seconds. */
function cut(ns: bigint): bigint {
  return ns - (ns % fat)
}

test('on FAT a change made right after a file was read is seen by the next run', async () => {
  await job.list({ 'a.txt': 'before' })
  const { source } = job.context
  source.capabilities.times.precisionNs = fat
  const listed = (await source.stat('a.txt', []))!
  const times = { modifiedNs: cut(listed.modifiedNs!), changedNs: cut(listed.changedNs!) }
  const baseline = job.context.settledFacts({ ...listed, ...times }, times.changedNs + second)
  writeFileSync(join(job.at.source, 'a.txt'), 'after!')
  const now = { ...(await source.stat('a.txt', []))!, ...times }
  expect(changed(now, baseline, 'the hash of before')).toBe('unsure')
})
