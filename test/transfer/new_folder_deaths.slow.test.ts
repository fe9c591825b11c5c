import { readdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Failpoint } from '../../src/transfer/recovery/failpoints.ts'
import { aTree, look, many, type Seen } from './a_tree.ts'
import { die } from './die.ts'
import { Rig } from './rig.ts'

let rig: Rig
beforeAll(() => {
  rig = new Rig()
})
afterAll(() => rig.close())

/** Folders that are made whole, and one that is not, for what is below it. */
const tree = aTree({
  ...many(20, (n) => `one/f${n}.txt`),
  ...many(20, (n) => `two/g${n}.txt`),
  ...many(3, (n) => `above/h${n}.txt`),
  ...many(20, (n) => `above/below/i${n}.txt`),
})
/** A failpoint counts by thread. */
const oneWriter = { performance: { parallel_writes: { requested: 1 } } }
const wholes = ['one', 'two', 'above/below']

const deaths: readonly (Failpoint | `${Failpoint}#${number}`)[] = [
  'stage-container:before',
  'stage-container:after',
  'stage-container:after#2',
  'place:after',
  'place:after#30',
  'staged:before-commit',
  'staged:after-commit',
  'publish-container:before',
  'publish-container:after',
  'publish-container:before#2',
  'publish-container:after#3',
  'done:before-commit',
  'done:after-commit',
]

test.each(deaths)('a death at %s loses nothing, writes nothing twice and leaves nothing behind', async (failpoint) => {
  const job = await rig.job(oneWriter, { source: tree })
  await die(job, failpoint, 1)
  const before = look(job.destination)
  for (const whole of wholes) {
    const inside = [...before.keys()].filter((path) => path.startsWith(`${whole}/`))
    expect([whole, [0, 20]]).toEqual([whole, expect.arrayContaining([inside.length])])
  }

  const { status, balance } = await job.resume({ execution: 1 })
  expect(status).toBe('completed')
  expect(balance?.byStatus.success.items).toBe(67)
  const after = look(job.destination)
  expect(contents(after)).toEqual(contents(look(job.source)))
  for (const [path, { inode, kind }] of before) {
    if (!path.includes('.~') && kind === 'file') expect([path, after.get(path)?.inode]).toEqual([path, inode])
  }
  expect((await job.run()).status).toBe('no_changes')
})

test('what an execution that was cancelled after a death had staged is cleared away', async () => {
  const job = await rig.job(oneWriter, { source: tree })
  await die(job, 'place:after#30', 1)
  expect(job.litter()).not.toEqual([])
  await rig.engine.complete({ jobId: job.id, execution: 1 }, { kind: 'cancelled', why: 'asked to' })
  expect(job.litter()).toEqual([])
})

test('somebody else’s file in a folder that was staged stays, and is told of', async () => {
  const job = await rig.job(oneWriter, { source: tree })
  await die(job, 'place:after#30', 1)
  const [staged = ''] = job.litter()
  writeFileSync(`${job.destination}/${staged}/theirs`, 'theirs')
  await rig.engine.complete({ jobId: job.id, execution: 1 }, { kind: 'cancelled', why: 'asked to' })
  expect(readdirSync(`${job.destination}/${staged}`)).toEqual(['theirs'])
  expect(job.audit({ type: 'left_behind' })).toHaveLength(1)
})

function contents(seen: Map<string, Seen>): unknown[] {
  return [...seen].map(([path, { kind, size, modifiedNs }]) => [path, kind, size, modifiedNs])
}
