import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from '@jest/globals'
import { ledgerFile } from '../../src/home/home.ts'
import { resets, type ResetKind } from '../../src/job/reset.ts'
import { aTree, textAt } from './a_tree.ts'
import { Abandoned } from './play.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

/** A copy that has run once, and is to be reset. */
async function copied(kind: ResetKind, transfer: Record<string, unknown> = {}): Promise<Job> {
  const job = await rig.job({ transfer_type: 'copy', ...transfer }, { source: aTree({ 'd/a': '1 KB', b: '2 KB' }) })
  await job.run()
  await rig.catalog.jobs.askReset(job.id, kind)
  return job
}

const inode = (job: Job, path: string): number => statSync(join(job.destination, path)).ino

test.each([true, false])(
  'after a hard reset nothing is copied again that is there; times carried: %s',
  async (preserve) => {
    const job = await copied('hard', { timestamps: preserve })
    const before = ['d/a', 'b'].map((path) => inode(job, path))
    const { reasons, warnings } = await job.run()
    expect(['d/a', 'b'].map((path) => inode(job, path))).toEqual(before)
    expect(reasons).toEqual({ 'success matched': 3 })
    expect(warnings).toContain(`reset hard: ${resets.hard}`)
    expect((await rig.catalog.jobs.get(job.id))?.resets).toEqual([])
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 3 })
  },
)

test('after a hard reset what was deleted at the destination is forgotten, and comes again', async () => {
  const job = await copied('hard', { delete_propagation: 'ignore_both' })
  rmSync(join(job.destination, 'b'))
  await job.run()
  expect(textAt(job.destination, 'b')).toBe(textAt(job.source, 'b'))
})

test('after a hard reset nothing is removed for a delete from before it', async () => {
  const job = await copied('hard', { delete_propagation: 'mirror' })
  rmSync(join(job.source, 'b'))
  await job.run()
  expect(statSync(join(job.destination, 'b')).size).toBe(2048)
  rmSync(join(job.source, 'd/a'))
  await job.run()
  expect(() => statSync(join(job.destination, 'd/a'))).toThrow('ENOENT')
  expect(statSync(join(job.destination, 'b')).size).toBe(2048)
})

test('after a hard reset a differing counterpart is a conflict, and the work of the destination is kept', async () => {
  const job = await copied('hard', { conflict_resolution: 'copy' })
  writeFileSync(join(job.source, 'b'), 'mine')
  writeFileSync(join(job.destination, 'b'), 'theirs, and longer')
  const { reasons } = await job.run()
  expect(reasons).toMatchObject({ 'processed conflict_copy': 1, 'success matched': 2 })
})

test('after a reset of permissions they are carried again, and no content is', async () => {
  const job = await copied('permissions', { permissions: { policy: 'add' } })
  const before = inode(job, 'b')
  chmodSync(join(job.destination, 'b'), 0o600)
  chmodSync(join(job.destination, 'd'), 0o700)
  await job.run()
  expect(inode(job, 'b')).toBe(before)
  for (const path of ['b', 'd'])
    expect(statSync(join(job.destination, path)).mode).toBe(statSync(join(job.source, path)).mode)
  expect((await job.run()).reasons).toEqual({ 'success unchanged': 3 })
})

test('a full reset does both', async () => {
  const job = await copied('full', { permissions: { policy: 'add' } })
  const before = inode(job, 'b')
  chmodSync(join(job.destination, 'b'), 0o600)
  await job.run()
  expect(inode(job, 'b')).toBe(before)
  expect(statSync(join(job.destination, 'b')).mode).toBe(statSync(join(job.source, 'b')).mode)
})

test.each(['soft', 'hard'] as const)('after a reset (%s) what was flagged is tried again', async (kind) => {
  const job = await copied(kind)
  const { item } = job.explain('b')
  rmSync(join(job.destination, 'b'))
  const db = new DatabaseSync(ledgerFile(rig.home, job.id))
  db.prepare("UPDATE item SET state = 4, reason = 'AccessDenied', destination = NULL, hash = NULL WHERE id = ?").run(
    item,
  )
  db.close()
  await job.run()
  expect(textAt(job.destination, 'b')).toBe(textAt(job.source, 'b'))
})

test('an execution that dies after a reset goes on with it, and one that ends early leaves the rest to the next', async () => {
  const job = await copied('hard')
  const die = { afterListing: () => Promise.reject(new Abandoned('the worker is gone')) }
  await expect(job.run(die)).rejects.toThrow('gone')
  await rig.restart()
  expect((await job.resume()).reasons).toEqual({ 'success matched': 3 })
  await rig.catalog.jobs.askReset(job.id, 'hard')
  await job.run({ signal: AbortSignal.abort() })
  expect((await job.run()).reasons).toEqual({ 'success matched': 3 })
  expect((await job.run()).reasons).toEqual({ 'success unchanged': 3 })
})

test('a simulation shows what a reset would do, and does not use it up', async () => {
  const job = await copied('hard', {})
  await job.change({ simulation_mode: true })
  expect((await job.run()).reasons).toEqual({ 'success matched': 3 })
  await job.change({ simulation_mode: false })
  expect((await rig.catalog.jobs.get(job.id))?.resets).toEqual(['hard'])
  expect((await job.run()).reasons).toEqual({ 'success matched': 3 })
})

test('after a hard reset a publish asks again before it removes what it did not bring', async () => {
  const job = await rig.job({ transfer_type: 'publish' }, { source: aTree({ a: '1 KB' }) })
  const asked: string[] = []
  const approve = ({ hash }: { hash: string }): boolean => asked.push(hash) < 0
  await job.run({ approve })
  expect(asked).toEqual([])
  writeFileSync(join(job.destination, 'theirs'), 'work')
  await rig.catalog.jobs.askReset(job.id, 'hard')
  await job.run({ approve })
  expect(asked).toHaveLength(1)
  expect(textAt(job.destination, 'theirs')).toBe('work')
})

test('after a hard reset a move takes from the source only what is at the destination', async () => {
  const job = await rig.job({ transfer_type: 'move' }, { source: aTree({ a: '1 KB', b: '1 KB' }) })
  await job.run()
  aTree({ a: '1 KB', c: '1 KB' })(job.source)
  rmSync(join(job.destination, 'a'))
  await rig.catalog.jobs.askReset(job.id, 'hard')
  await job.run()
  for (const path of ['a', 'b', 'c']) expect(statSync(join(job.destination, path)).size).toBe(1024)
  expect(() => statSync(join(job.source, 'a'))).toThrow('ENOENT')
})

test('after a hard reset a sync brings back what was deleted on either side, and removes nothing', async () => {
  const job = await rig.job(
    { transfer_type: 'sync', delete_propagation: 'mirror' },
    { source: aTree({ a: '1 KB', b: '1 KB', 'd/c': '1 KB' }) },
  )
  await job.run()
  rmSync(join(job.source, 'a'))
  rmSync(join(job.destination, 'd'), { recursive: true })
  await rig.catalog.jobs.askReset(job.id, 'hard')
  const { reasons } = await job.run()
  for (const root of [job.source, job.destination])
    for (const path of ['a', 'b', 'd/c']) expect([path, statSync(join(root, path)).size]).toEqual([path, 1024])
  expect(reasons['success matched']).toBe(1)
})

test('docs/resets.md says what each does', () => {
  const page = readFileSync(new URL('../../docs/resets.md', import.meta.url), 'utf8')
  for (const [kind, words] of Object.entries(resets)) expect(page).toContain(`| \`${kind}\` | ${words} |`)
})
