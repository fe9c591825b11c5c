import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { withPromisedFs } from '../rig/with_promised_fs.ts'
import { Rig } from './rig.ts'

const before = process.env['NODE_OPTIONS'] ?? ''
let rig: Rig
beforeAll(() => {
  Object.assign(process.env, { NODE_OPTIONS: `${before} ${withPromisedFs}`, PROMISED_FS_MS: '20' })
  rig = new Rig()
})
afterAll(async () => {
  await rig.close()
  process.env['NODE_OPTIONS'] = before
  delete process.env['PROMISED_FS_MS']
})

const remote = { platform: 'promised_fs' }

/** In `folders` of the source. */
function files(count: number, folders: number): (root: string) => void {
  return (root) => {
    for (let n = 0; n < count; n++) {
      const folder = join(root, `d${n % folders}`)
      if (n < folders) mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, `f${n}`), Buffer.alloc(4096, n))
    }
  }
}

test.each([
  ['one folder that is there', 1, true],
  ['20 new folders', 20, false],
])(
  '1,000 files of 4 KiB into %s, behind 20 ms of latency on both sides and 64 at once, take less than 3 s',
  async (_where, folders, there) => {
    const job = await rig.job(
      { performance: { parallel_writes: { requested: 64 } } },
      {
        source: files(1_000, folders),
        destination: (root) => {
          mkdirSync(root)
          if (there) for (let n = 0; n < folders; n++) mkdirSync(join(root, `d${n}`))
        },
        from: remote,
        to: remote,
      },
    )
    const began = performance.now()
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0 })
    const ms = performance.now() - began
    expect(compareTrees(job.source, job.destination, { folderTimes: !there }).differences).toEqual([])
    expect(ms).toBeLessThan(3_000)
  },
)
