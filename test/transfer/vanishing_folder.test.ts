import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, jest, test } from '@jest/globals'
import { FsSession } from '../../src/connector/fs/session.ts'
import { many, paths } from './a_tree.ts'
import { InThisThread } from './in_this_thread.ts'

let job: InThisThread
afterEach(async () => {
  jest.restoreAllMocks()
  await job.remove()
})

test.each([
  ['in memory', 20_000],
  ['on disk', 100],
])('a destination folder that is removed while it is listed, %s, counts as absent', async (_where, entriesInMemory) => {
  job = new InThisThread({ entriesInMemory })
  const folder = join(job.at.destination, 'd')
  const { list } = FsSession.prototype
  jest.spyOn(FsSession.prototype, 'list').mockImplementation(function* (this: FsSession, container, want) {
    for (const page of list.call(this, container, want)) {
      yield page
      if (container === 'd' && !page.complete) rmSync(folder, { recursive: true, force: true })
    }
  })
  // More than a page at the destination only, and names that would be conflicts if they were still there.
  await job.list(
    many(150, (n) => `d/f${n}`, 'ours'),
    many(1_500, (n) => `d/f${n}`, 'theirs'),
  )
  expect(existsSync(folder)).toBe(false)
  await job.copy()
  expect(paths(job.at.destination)).toEqual(paths(job.at.source))
  const { byStatus } = await job.ledgerRig.ledger.end(1)
  expect([byStatus.success.items, byStatus.retry.items]).toEqual([151, 0])
})
