import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { afterAll, expect, test } from '@jest/globals'
import { ledgerFile } from '../../src/home/home.ts'
import { aTree, many, textAt } from './a_tree.ts'
import { die } from './die.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const files = (job: Job): string[] => readdirSync(rig.home.ledgers).filter((name) => name.startsWith(job.id))
const oneWriter = { performance: { parallel_writes: { requested: 1 } } }
const tree = aTree(many(40, (n) => `d/f${n}`))

test('with a job go its ledgers, and what it has copied stays', async () => {
  const job = await rig.job({}, { source: aTree({ 'a.txt': 'a' }) })
  await job.run()
  await job.change({ simulation_mode: true })
  await job.run()
  expect(files(job).length).toBeGreaterThan(1)
  await rig.engine.removeJob(job.id)
  expect(files(job)).toEqual([])
  expect(textAt(job.destination, 'a.txt')).toBe('a')
  // Again, as after a death in between.
  await rig.engine.removeJob(job.id)
})

test('what a dead worker left half-way at the destination is cleared away first', async () => {
  const job = await rig.job(oneWriter, { source: tree })
  await die(job, 'place:after#30', 1)
  expect(job.litter()).not.toEqual([])
  await rig.engine.removeJob(job.id)
  expect(job.litter()).toEqual([])
  expect(files(job)).toEqual([])
})

test('nothing is removed while what is half-way can’t be cleared away', async () => {
  const job = await rig.job(oneWriter, { source: tree })
  await die(job, 'place:after#30', 1)
  const { transfer } = (await rig.catalog.jobs.get(job.id))!.document as Record<
    string,
    Record<string, { connection: { id: string } }>
  >
  const { id } = transfer!['destination']!.connection
  const connection = (await rig.catalog.connections.get(id))!
  await rig.catalog.connections.update(id, { ...connection, disabled: true, secrets: {} })
  await expect(rig.engine.removeJob(job.id)).rejects.toThrow(/is disabled/)
  expect(existsSync(ledgerFile(rig.home, job.id))).toBe(true)
  await rig.catalog.connections.update(id, { ...connection, secrets: {} })
  await rig.engine.removeJob(job.id)
  expect(job.litter()).toEqual([])
})

test('a destination that is gone for good keeps no job, nor does a damaged ledger', async () => {
  const gone = await rig.job(oneWriter, { source: tree })
  await die(gone, 'place:after#30', 1)
  renameSync(gone.destination, `${gone.destination}.away`)
  await rig.engine.removeJob(gone.id)
  expect(files(gone)).toEqual([])

  const damaged = await rig.job({}, { source: aTree({ 'a.txt': 'a' }) })
  await damaged.run()
  await rig.restart()
  writeFileSync(ledgerFile(rig.home, damaged.id), 'no database at all, but long enough to be read as one'.repeat(200))
  await rig.engine.removeJob(damaged.id)
  expect(files(damaged)).toEqual([])
})
