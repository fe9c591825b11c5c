import { afterAll, expect, test } from '@jest/globals'
import { IoPool } from '../../src/transfer/io_pool.ts'
import { limits } from '../../src/transfer/job_spec.ts'
import { OpenJobs } from '../../src/transfer/open_jobs.ts'
import { aTree } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

test('a ledger thread that dies is replaced for the next slice, and nothing it committed is lost', async () => {
  const { id: jobId } = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  const pool = new IoPool()
  const jobs = new OpenJobs({ home: rig.home, catalog: rig.catalog, pool, limits })
  try {
    const ref = { jobId, execution: 1 }
    const first = await jobs.open(ref)
    await first.ledger.remember('key', 'committed')
    expect(await jobs.open(ref)).toBe(first)
    // No request at all: the thread dies of it.
    first.ledgerPort().postMessage(null)
    await expect(first.ledger.recall('key')).rejects.toMatchObject({ name: 'LedgerGone' })
    await first.ledgerEnded
    const second = await jobs.open(ref)
    expect(second).not.toBe(first)
    expect(await second.ledger.recall('key')).toBe('committed')
  } finally {
    await jobs.close()
    await pool.close()
  }
})
