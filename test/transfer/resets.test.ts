import { chmodSync, lstatSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import type { Reset } from '../../src/job/reset.ts'
import { aTree, look, paths, textAt, touched } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const reset = (job: Job, ...resets: Reset[]): Promise<unknown> => rig.catalog.jobs.update(job.id, { resets })
const tree = aTree({ 'a.txt': 'a', 'b.txt': 'b', 'd/c.txt': 'c' })

describe('a hard reset', () => {
  test('reads and writes nothing of what is there as it was left, where times are not carried, too', async () => {
    for (const timestamps of [true, false]) {
      const job = await rig.job({ timestamps }, { source: tree })
      await job.run()
      const before = look(job.destination)
      await reset(job, 'hard')
      const ran = await job.run()
      expect(ran.reasons).toEqual({ 'success matched': 4 })
      expect(touched(before, look(job.destination))).toEqual([])
      expect(await job.run()).toMatchObject({ status: 'no_changes', reasons: { 'success unchanged': 4 } })
      expect((await rig.catalog.jobs.get(job.id))!.resets).toEqual([])
    }
  })

  test('takes what differs for a conflict, as on a first run, and keeps both', async () => {
    const job = await rig.job({}, { source: tree })
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'edited at the source')
    writeFileSync(join(job.destination, 'b.txt'), 'edited at the destination')
    await reset(job, 'hard')
    await job.run()
    expect(textAt(job.destination, 'a.txt')).toBe('edited at the source')
    expect(textAt(job.destination, 'b.txt')).toBe('b')
    const kept = paths(job.destination).filter((path) => path.includes('(conflict'))
    expect(kept.map((path) => textAt(job.destination, path)).sort()).toEqual(['a', 'edited at the destination'])
  })

  test('forgets deletes: what is gone from the destination is copied again, and of what is gone from the source nothing is removed', async () => {
    const job = await rig.job({ delete_propagation: 'mirror' }, { source: tree })
    await job.run()
    rmSync(join(job.source, 'a.txt'))
    rmSync(join(job.destination, 'b.txt'))
    await reset(job, 'hard')
    await job.run()
    expect(paths(job.destination)).toEqual(['a.txt', 'b.txt', 'd/', 'd/c.txt'])
  })

  test('has names kept, and what had failed tried again', async () => {
    const windows = { to: { auth: { names: 'windows' } } }
    const job = await rig.job(
      { failure_policy: 'continue' },
      { source: aTree({ 'x?.txt': '1', 'x_.txt': '2' }), ...windows },
    )
    await job.run()
    const before = look(job.destination)
    await reset(job, 'hard')
    await job.run()
    expect(touched(before, look(job.destination))).toEqual([])
    expect(paths(job.destination)).toEqual([...before.keys()].sort())
  })

  test('of a sync keeps both sides as they are', async () => {
    const job = await rig.job({ transfer_type: 'sync' }, { source: tree, destination: aTree({ 't.txt': 't' }) })
    await job.run()
    const before = { source: look(job.source), destination: look(job.destination) }
    await reset(job, 'hard')
    expect((await job.run()).reasons).toEqual({ 'success matched': 5 })
    expect(touched(before.source, look(job.source))).toEqual([])
    expect(touched(before.destination, look(job.destination))).toEqual([])
    rmSync(join(job.destination, 't.txt'))
    await reset(job, 'hard')
    await job.run()
    expect(textAt(job.destination, 't.txt')).toBe('t')
  })

  test('of a simulation stays for the real run', async () => {
    const job = await rig.job({}, { source: tree })
    await job.run()
    await reset(job, 'hard')
    await job.change({ simulation_mode: true })
    await job.run()
    expect((await rig.catalog.jobs.get(job.id))!.resets).toEqual(['hard'])
  })
})

describe('a reset of permissions', () => {
  const carrying = { permissions: { policy: 'add' }, preserve_owners: true }
  const modes = (job: Job): number[] =>
    ['a.txt', 'b.txt', 'd'].map((path) => lstatSync(join(job.destination, path)).mode & 0o777)

  test('sets them again where nothing has changed, once, and moves no content', async () => {
    const job = await rig.job(carrying, { source: tree })
    await job.run()
    const right = modes(job)
    chmodSync(join(job.destination, 'a.txt'), 0o600)
    chmodSync(join(job.destination, 'd'), 0o700)
    await job.run()
    expect(modes(job)).not.toEqual(right)
    await reset(job, 'permissions')
    const ran = await job.run()
    expect(ran.reasons).toMatchObject({ 'success permissions_anew': 4 })
    expect(ran.balance?.carriedOut?.bytes).toBe(0n)
    expect(modes(job)).toEqual(right)
    expect(await job.run()).toMatchObject({ status: 'no_changes' })
  })

  test('holds for what a cancelled run did not come to', async () => {
    const job = await rig.job(carrying, { source: tree })
    await job.run()
    const right = modes(job)
    chmodSync(join(job.destination, 'a.txt'), 0o600)
    await reset(job, 'permissions')
    await job.run({ signal: AbortSignal.abort() })
    await job.run()
    expect(modes(job)).toEqual(right)
    chmodSync(join(job.destination, 'a.txt'), 0o600)
    await reset(job, 'permissions')
    const ctrl = new AbortController()
    await job.run({ signal: ctrl.signal, afterListing: () => ctrl.abort() })
    await job.run()
    expect(modes(job)).toEqual(right)
  })

  test('together with a hard one sets them on what is found as it was left', async () => {
    const job = await rig.job(carrying, { source: tree })
    await job.run()
    const right = modes(job)
    chmodSync(join(job.destination, 'a.txt'), 0o600)
    utimesSync(join(job.destination, 'a.txt'), 1_685_577_601, 1_685_577_601)
    await reset(job, 'hard', 'permissions')
    await job.run()
    expect(modes(job)).toEqual(right)
    expect(textAt(job.destination, 'a.txt')).toBe('a')
  })
})

test('after a hard reset a publish asks again before it removes what others brought', async () => {
  const job = await rig.job({ transfer_type: 'publish' }, { source: tree })
  const asked: string[] = []
  const approve = ({ hash }: { hash: string }): boolean => asked.push(hash) < 0
  await job.run({ approve })
  expect(asked).toEqual([])
  writeFileSync(join(job.destination, 'theirs'), 'work')
  await reset(job, 'hard')
  await job.run({ approve })
  expect(asked).toHaveLength(1)
  expect(textAt(job.destination, 'theirs')).toBe('work')
})

test('after a hard reset the hash of other bytes is not kept for what is taken over by size and time', async () => {
  const job = await rig.job({}, { source: tree })
  await job.run()
  expect(job.explain('a.txt').hash).toBeDefined()
  for (const side of [job.source, job.destination]) {
    writeFileSync(join(side, 'a.txt'), 'A')
    utimesSync(join(side, 'a.txt'), 1_600_000_000, 1_600_000_000)
  }
  await reset(job, 'hard')
  expect((await job.run()).reasons).toEqual({ 'success matched': 4 })
  expect(job.explain('a.txt').hash).toBeUndefined()
})

test('a chmod at the source that a run was cancelled before it carried arrives with the next', async () => {
  const job = await rig.job({ permissions: { policy: 'add' } }, { source: tree })
  await job.run()
  chmodSync(join(job.source, 'a.txt'), 0o664)
  const ctrl = new AbortController()
  await job.run({ signal: ctrl.signal, afterListing: () => ctrl.abort() })
  await job.run()
  expect(lstatSync(join(job.destination, 'a.txt')).mode & 0o777).toBe(0o664)
})
