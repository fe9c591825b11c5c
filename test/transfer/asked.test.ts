import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from '@jest/globals'
import type { ItemRequest } from '../../src/catalog/catalog.ts'
import { ledgerFile } from '../../src/home/home.ts'
import { aTree, look, textAt } from './a_tree.ts'
import type { PlayOptions } from './play.ts'
import { Rig, type Job, type Ran } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

/** As after executions in which it could not be written; it has not arrived. */
function flag(job: Job, path: string, reason = 'AccessDenied'): void {
  const { item } = job.explain(path)
  const db = new DatabaseSync(ledgerFile(rig.home, job.id))
  db.prepare('UPDATE item SET state = 4, reason = ?, destination = NULL, hash = NULL WHERE id = ?').run(reason, item)
  db.prepare(
    `INSERT INTO trial (item, execution, tries, strikes, struck, not_before_ms, waiting, lease)
     VALUES (?, 1, 3, 4, 1, 0, 0, 0)`,
  ).run(item)
  db.close()
}

/** A copy of one file that did not arrive, and is flagged for it. */
async function flagged(reason?: string, path = 'f'): Promise<Job> {
  const job = await rig.job({}, { source: aTree({ [path]: '1 KB' }) })
  await job.run()
  rmIn(job, path)
  flag(job, path, reason)
  return job
}

function rmIn(job: Job, path: string): void {
  rmSync(join(job.destination, path), { recursive: true })
}

async function runByPerson(job: Job, options: PlayOptions = {}): Promise<Ran> {
  await rig.catalog.jobs.expectPerson(job.id)
  return job.run(options)
}

async function ask(job: Job, path: string, request: ItemRequest): Promise<void> {
  await rig.catalog.requests.put(job.id, [job.explain(path).item], request)
}

describe('what is flagged for something that may have been mended outside', () => {
  test('arrives with the next execution that a person starts, and with none that starts by itself', async () => {
    const job = await flagged()
    expect((await job.run()).reasons).toEqual({ 'remediation flagged_before': 1 })
    expect((await runByPerson(job)).reasons).toEqual({ 'success new': 1 })
    expect(look(job.destination).has('f')).toBe(true)
    expect(job.explain('f')).toMatchObject({ state: 'success', strikes: 0 })
    expect((await rig.catalog.executions.get(job.id, 3))?.byPerson).toBe(true)
    await job.run()
    expect((await rig.catalog.executions.get(job.id, 4))?.byPerson).toBe(false)
  })

  test('is tried one time, and flagged again when it fails', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/': null, 'd/f': '1 KB' }) })
    await job.run()
    rmIn(job, 'd/f')
    flag(job, 'd/f', 'Conflict')
    const ran = await runByPerson(job, {
      afterListing: () => writeFileSync(join(job.destination, 'd/f'), 'somebody’s'),
    })
    expect(ran.reasons).toMatchObject({ 'remediation Conflict': 1 })
    expect(job.explain('d/f')).toMatchObject({ state: 'remediation', tries: 3 })
    expect(job.audit({ execution: 2, type: 'failed' })).toHaveLength(1)
  })

  test('stays flagged where only somebody who says so may have it tried again', async () => {
    const job = await flagged('crashed_worker')
    expect((await runByPerson(job)).reasons).toEqual({ 'remediation flagged_before': 1 })
    await ask(job, 'f', 'retry')
    expect((await job.run()).reasons).toEqual({ 'success new': 1 })
  })
})

describe('what a person asks for', () => {
  test('to try an item again is heeded once, by the next execution whoever starts it', async () => {
    const job = await flagged('crashed_worker')
    await ask(job, 'f', 'retry')
    expect((await job.run()).reasons).toEqual({ 'success new': 1 })
    expect(await rig.catalog.requests.of(job.id)).toEqual(new Map())
    expect(job.audit({ type: 'asked' }).map(({ message }) => message)).toEqual(['a person asked to try it again'])
  })

  test('to try an item again also has the flagged folders above it looked into', async () => {
    const job = await flagged('crashed_worker', 'd/e/f')
    flag(job, 'd', 'too_many_items')
    expect((await job.run()).reasons).toMatchObject({ 'remediation flagged_before': 1 })
    await ask(job, 'd/e/f', 'retry')
    await job.run()
    expect(look(job.destination).has('d/e/f')).toBe(true)
  })

  test('to ignore an item leaves it out, also when it changes, until somebody wants it after all', async () => {
    const job = await flagged()
    await ask(job, 'f', 'ignore')
    expect((await job.run()).reasons).toEqual({ 'skipped ignored': 1 })
    writeFileSync(join(job.source, 'f'), 'changed')
    expect((await runByPerson(job)).reasons).toEqual({ 'skipped ignored': 1 })
    expect(look(job.destination).has('f')).toBe(false)
    await ask(job, 'f', 'retry')
    await job.run()
    expect(textAt(job.destination, 'f')).toBe('changed')
  })

  test('to ignore what arrived more private than it was takes it for settled', async () => {
    const job = await rig.job({}, { source: aTree({ f: '1 KB' }) })
    await job.run()
    const db = new DatabaseSync(ledgerFile(rig.home, job.id))
    db.exec("UPDATE item SET state = 4, reason = 'permissions_lost' WHERE id = 2")
    db.close()
    await ask(job, 'f', 'ignore')
    expect((await job.run()).reasons).toEqual({ 'processed unchanged': 1 })
    writeFileSync(join(job.source, 'f'), 'changed')
    await job.run()
    expect(textAt(job.destination, 'f')).toBe('changed')
  })

  test('is kept by a simulation, which shows what would come of it', async () => {
    const job = await flagged('crashed_worker')
    await ask(job, 'f', 'retry')
    await job.change({ simulation_mode: true })
    expect((await job.run()).reasons).toEqual({ 'success new': 1 })
    expect(look(job.destination).has('f')).toBe(false)
    await job.change({ simulation_mode: false })
    await job.run()
    expect(look(job.destination).has('f')).toBe(true)
  })

  test('of an item that has arrived since changes nothing', async () => {
    const job = await rig.job({}, { source: aTree({ f: '1 KB' }) })
    await job.run()
    await ask(job, 'f', 'ignore')
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 1 })
  })
})
