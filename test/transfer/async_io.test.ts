import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { withPromisedFs } from '../rig/with_promised_fs.ts'
import { aTree, many, paths } from './a_tree.ts'
import { Rig } from './rig.ts'

const before = process.env['NODE_OPTIONS'] ?? ''
let rig: Rig
beforeAll(() => {
  process.env['NODE_OPTIONS'] = `${before} ${withPromisedFs}`
  rig = new Rig()
})
afterAll(async () => {
  await rig.close()
  process.env['NODE_OPTIONS'] = before
})

const remote = { platform: 'promised_fs' }
const tree = {
  ...many(150, (n) => `flat/f${n}.txt`, 'one'),
  ...many(60, (n) => `deep/${n % 5}/in/${n % 3}/f${n}.txt`, 'two'),
  'deep/long.bin': '9 MB',
  'empty/': '',
}

test('requests that are refused because there are too many cost no item a try and no slice its end', async () => {
  process.env['PROMISED_FS_THROTTLES'] = '7'
  const throttled = new Rig()
  try {
    const job = await throttled.job({}, { source: aTree(tree), from: remote, to: remote })
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0 })
    expect(paths(job.destination)).toEqual(paths(job.source))
    expect(job.audit({ type: 'failed' })).toEqual([])
  } finally {
    delete process.env['PROMISED_FS_THROTTLES']
    await throttled.close()
  }
})

test.each([
  ['both sides are', remote, remote],
  ['the source is', remote, {}],
  ['the destination is', {}, remote],
])('a tree arrives whole when %s asynchronous, and a second run finds nothing to do', async (_which, from, to) => {
  const job = await rig.job({}, { source: aTree(tree), from, to })
  const first = await job.run()
  expect(first).toMatchObject({ status: 'completed', failed: 0 })
  expect(compareTrees(job.source, job.destination).differences ?? []).toEqual([])
  expect(paths(job.destination)).toEqual(paths(job.source))
  expect(await job.run()).toMatchObject({ status: 'no_changes', changed: 0 })
})
