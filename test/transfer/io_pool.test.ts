import { readdirSync } from 'node:fs'
import { afterAll, expect, test } from '@jest/globals'
import { aTree, many, paths } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig({ threads: 3 })
afterAll(() => rig.close())

/** Threads of this process; 0 where the system does not tell. */
function threads(): number {
  try {
    return readdirSync('/proc/self/task').length
  } catch {
    return 0
  }
}

test('1,000 writers asked for are as many as there are threads, which is said, and no more threads are started', async () => {
  const job = await rig.job(
    { performance: { parallel_writes: { requested: 1_000 } } },
    { source: aTree({ 'long.bin': '30 MB' }) },
  )
  const before = threads()
  let most = before
  const ran = await job.run({ onBeat: () => (most = Math.max(most, threads())) })
  expect(ran).toMatchObject({ status: 'completed', failed: 0 })
  expect(ran.warnings).toContainEqual(
    expect.stringContaining('transfer.performance.parallel_writes.requested: 1000 is cut to 3'),
  )
  // The ledger's, one that reads, and whatever the runtime wants.
  expect(most - before).toBeLessThan(10)
})

test('more jobs than there are threads, all at once, all end', async () => {
  const jobs = []
  for (let n = 0; n < 8; n++)
    jobs.push(await rig.job({}, { source: aTree({ ...many(20, (i) => `d/f${i}`, 'x'), 'long.bin': '2 MB' }) }))
  const ran = await Promise.all(jobs.map((job) => job.run()))
  expect(ran.map(({ status }) => status)).toEqual(jobs.map(() => 'completed'))
  for (const job of jobs) expect(paths(job.destination)).toEqual(paths(job.source))
})
