import { afterAll, expect, test } from '@jest/globals'
import { aTree, many } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

test.each(['upload', 'download'])(
  'a limit to %s is kept within a tenth over ten seconds, over all writers, small files and long ones',
  async (way) => {
    const limit = 2_000_000
    const job = await rig.job(
      { performance: { parallel_writes: { requested: 4 }, [way]: { bytes_per_second: limit } } },
      {
        source: aTree({ ...many(100, (n) => `small/${n % 4}/f${n}`, '100 KB'), ...many(3, (n) => `long${n}`, '4 MB') }),
      },
    )
    const began = performance.now()
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0 })
    const seconds = (performance.now() - began) / 1000
    const bytes = Number(
      job.rows().size && [...job.rows().values()].reduce((sum, row) => sum + row.source.sizeBytes, 0n),
    )
    expect(bytes / seconds).toBeLessThan(limit * 1.1)
    expect(bytes / seconds).toBeGreaterThan(limit * 0.8)
  },
  60_000,
)
