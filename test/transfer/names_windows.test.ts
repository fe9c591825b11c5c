import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { ledgerFile } from '../../src/home/home.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { limits } from '../../src/transfer/engine/execution_spec.ts'
import { loadLastJobSpec } from '../../src/transfer/engine/load_execution.ts'
import { verifyJob } from '../../src/transfer/verify/verify.ts'
import { aTree, many, paths, textAt } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

/** A disk that tells case apart, declared to have the names of Windows: a share behind Samba. */
const rigs = { 'in memory': new Rig(), 'on disk': new Rig({ entriesInMemory: 2 }) }
afterAll(() => Promise.all(Object.values(rigs).map((rig) => rig.close())))
const windows = { auth: { names: 'windows' } }

async function differences(job: Job): Promise<string[]> {
  const loaded = await loadLastJobSpec(job.rig.catalog, job.id, limits)
  const ledger = new LedgerReader(ledgerFile(job.rig.home, job.id, 'real'))
  const found: string[] = []
  try {
    for await (const { path, message } of verifyJob({ loaded, ledger })) found.push(`${path}: ${message}`)
  } finally {
    ledger.close()
  }
  return found
}

describe.each(Object.entries(rigs))('listed %s', (_, rig) => {
  test('a rename that only changes case reaches the destination, and so does everything after it', async () => {
    const job = await rig.job({}, { source: aTree({ 'Docs/x': '1', 'a.txt': 'one', 'b.txt': 'two' }), to: windows })
    await job.run()
    renameSync(join(job.source, 'Docs'), join(job.source, 'docs'))
    renameSync(join(job.source, 'a.txt'), join(job.source, 'A.txt'))
    writeFileSync(join(job.source, 'docs/y'), '2')
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(paths(job.destination)).toEqual(['A.txt', 'b.txt', 'docs/', 'docs/x', 'docs/y'])
    writeFileSync(join(job.source, 'A.txt'), 'more')
    writeFileSync(join(job.source, 'docs/x'), 'more')
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(paths(job.destination)).toEqual(['A.txt', 'b.txt', 'docs/', 'docs/x', 'docs/y'])
    expect([textAt(job.destination, 'A.txt'), textAt(job.destination, 'docs/x')]).toEqual(['more', 'more'])
    expect((await job.run()).status).toBe('no_changes')
    expect(await differences(job)).toEqual([])
  })

  test('a destination that was filled in other case is written into, and takes the source’s', async () => {
    const job = await rig.job(
      {},
      {
        source: aTree(many(5, (n) => `Sales/${n}`)),
        destination: aTree({ 'SALES/0': '', 'SALES/theirs.txt': 'x' }),
        to: windows,
      },
    )
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    const files = ['0', '1', '2', '3', '4', 'theirs.txt'].map((name) => `Sales/${name}`)
    expect(paths(job.destination).filter((path) => !path.includes('conflict'))).toEqual(['Sales/', ...files])
    expect((await job.run()).status).toBe('no_changes')
  })

  test('a case that somebody changed at the destination is the source’s again, and that is no edit of his', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'one', 'd/b.txt': 'two' }), to: windows })
    await job.run()
    renameSync(join(job.destination, 'a.txt'), join(job.destination, 'A.TXT'))
    renameSync(join(job.destination, 'd'), join(job.destination, 'D'))
    expect(await job.run()).toMatchObject({ failed: 0, flagged: 0 })
    expect(paths(job.destination)).toEqual(['a.txt', 'd/', 'd/b.txt'])
    writeFileSync(join(job.source, 'a.txt'), 'changed')
    await job.run()
    expect(paths(job.destination)).toEqual(['a.txt', 'd/', 'd/b.txt'])
    expect(textAt(job.destination, 'a.txt')).toBe('changed')
  })
})

test('a simulation renames nothing', async () => {
  const job = await rigs['in memory'].job(
    { simulation_mode: true },
    { source: aTree({ 'Sales/1': 'x' }), destination: aTree({ 'SALES/': null }), to: windows },
  )
  await job.run()
  expect(paths(job.destination)).toEqual(['SALES/'])
})

test('names that are no text arrive under names that are, and apart', async () => {
  const job = await rigs['in memory'].job(
    {},
    {
      source: (root) => {
        mkdirSync(root)
        for (const byte of [0xe9, 0xe8])
          writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([byte])]), 'x')
      },
      to: windows,
    },
  )
  expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
  expect(paths(job.destination)).toEqual(['caf_', 'caf_ (1)'])
  expect((await job.run()).status).toBe('no_changes')
})
