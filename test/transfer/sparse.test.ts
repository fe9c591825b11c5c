import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { aTree } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const script = new URL('play_in_process.ts', import.meta.url).pathname
const megabyte = 1 << 20
const size = 150 * megabyte

/** Data at the beginning, across a chunk's border in the middle, and nothing at the end. */
function withHoles(root: string): void {
  mkdirSync(root)
  const fd = openSync(join(root, 'disk.img'), 'w')
  writeSync(fd, 'beginning', 0)
  writeSync(fd, 'middle', 70 * megabyte - 3)
  closeSync(fd)
  truncateSync(join(root, 'disk.img'), size)
}

const allocated = (root: string, name: string): number => statSync(join(root, name)).blocks * 512
const equal = (job: Job, name: string): boolean =>
  readFileSync(join(job.source, name)).equals(readFileSync(join(job.destination, name)))

test('a file with holes arrives with its holes', async () => {
  const job = await rig.job({}, { source: withHoles })
  const ran = await job.run()
  expect(ran).toMatchObject({ status: 'completed', failed: 0 })
  expect(equal(job, 'disk.img')).toBe(true)
  expect(allocated(job.destination, 'disk.img')).toBeLessThan(4 * megabyte)
  expect((await job.run()).status).toBe('no_changes')
})

test('a file with holes is gone on with after a death in one of them', async () => {
  const job = await rig.job({ performance: { parallel_writes: { requested: 1 } } }, { source: withHoles })
  const child = spawn(process.execPath, [script, rig.home.path, job.id, '1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, STEVEDORE_FAILPOINT: 'partial:after#2', NODE_OPTIONS: '' },
  })
  await once(child, 'exit')
  const staged = statSync(join(job.destination, job.litter()[0] ?? ''))
  await job.resume({ execution: 1 })
  expect(equal(job, 'disk.img')).toBe(true)
  expect(allocated(job.destination, 'disk.img')).toBeLessThan(4 * megabyte)
  // Not begun anew.
  expect(statSync(join(job.destination, 'disk.img')).ino).toBe(staged.ino)
})

test('zeros that were written are written', async () => {
  const job = await rig.job({}, { source: aTree({}) })
  writeFileSync(join(job.source, 'zeros'), Buffer.alloc(2 * megabyte))
  await job.run()
  expect(allocated(job.destination, 'zeros')).toBe(2 * megabyte)
})

test('where a destination has no holes, those of the files that arrived are told of, and else nothing', async () => {
  const sides = { destination: (at: string) => mkdirSync(at), to: { platform: 'vault' } }
  const job = await rig.job({}, { source: aTree({ a: 'x' }), ...sides })
  expect((await job.run()).warnings.join()).not.toContain('holes')
  writeFileSync(join(job.source, 'holes'), '')
  truncateSync(join(job.source, 'holes'), 4 * megabyte)
  expect((await job.run()).warnings.join()).toContain('1 sparse file: the destination has no holes')
})

test('each name of a hard-linked file arrives as a file of its own, and is reported', async () => {
  const job = await rig.job({}, { source: aTree({ one: 'x', alone: 'y' }) })
  linkSync(join(job.source, 'one'), join(job.source, 'two'))
  await job.run()
  expect(
    job
      .audit({ type: 'hard_link' })
      .map(({ message }) => message)
      .sort(),
  ).toEqual([
    'one is one of 2 names of the same file; it arrives as a file of its own',
    'two is one of 2 names of the same file; it arrives as a file of its own',
  ])
  expect(statSync(join(job.destination, 'one')).nlink).toBe(1)
  await job.run()
  expect(job.audit({ type: 'hard_link', execution: 2 })).toEqual([])
})
