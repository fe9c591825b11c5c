import { afterAll, expect, test } from '@jest/globals'
import { aTree, many } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig({ threads: 3 })
afterAll(() => rig.close())

test('a job that comes while another has all threads for long files gets one, and nothing of those is lost', async () => {
  const long = await rig.job(
    { performance: { parallel_writes: { requested: 3 } } },
    { source: aTree(many(3, (n) => `long${n}.bin`, '300 MB')) },
  )
  const small = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  let isLong = true
  const running = long.run().finally(() => (isLong = false))
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(await small.run()).toMatchObject({ status: 'completed' })
  expect(isLong).toBe(true)
  expect(await running).toMatchObject({ status: 'completed', failed: 0 })
}, 60_000)
