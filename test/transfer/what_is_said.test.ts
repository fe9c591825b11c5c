import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from '@jest/globals'
import { explanation } from '../../src/cli/explanation.ts'
import { ledgerFile } from '../../src/home/home.ts'
import { aTree } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

function edit(root: string, path: string, text: string, time: number): void {
  writeFileSync(join(root, path), text)
  utimesSync(join(root, path), time, time)
}

const said = (job: Job, path: string, kind: 'real' | 'simulated' = 'real'): string =>
  explanation(job.explain(path, kind)).join('\n')

/** Names of the items that a summary counts under a reason. */
const listed = (job: Job, ...reasons: string[]): string[] =>
  job.read((reader) =>
    reader
      .items({ reasons, offset: 0, limit: 100 })
      .rows.map(({ name }) => name)
      .sort(),
  )

/** Counts rows of these tables that are written, also those written as they were. */
function watch(job: Job, tables: string[]): () => Record<string, number> {
  const db = new DatabaseSync(ledgerFile(rig.home, job.id))
  db.exec('CREATE TABLE seen_written (name TEXT)')
  for (const table of tables)
    for (const event of ['INSERT', 'UPDATE', 'DELETE'])
      db.exec(
        `CREATE TRIGGER ${table}_${event} AFTER ${event} ON ${table} BEGIN INSERT INTO seen_written VALUES ('${table}'); END`,
      )
  return () => {
    const rows = db.prepare('SELECT name, count(*) AS n FROM seen_written GROUP BY name').all()
    db.close()
    return Object.fromEntries(rows.map(({ name, n }) => [name as string, n as number]))
  }
}

describe('after a change at the destination alone', () => {
  test('explain, the items and the sentence say what the last run decided, and what it saw', async () => {
    const job = await rig.job({}, { source: aTree({ 'deleted.txt': '1', 'edited.txt': '22', same: '3' }) })
    await job.run()
    unlinkSync(join(job.destination, 'deleted.txt'))
    edit(job.destination, 'edited.txt', 'theirs', 1_700_000_000)
    const ran = await job.run()
    expect(ran.sentence).toBe(
      '3 found, 0 carried out; 1 changed at the destination only, and left so; 1 deleted at the destination, and left so',
    )
    const deleted = job.explain('deleted.txt')
    expect(deleted.last).toMatchObject({ execution: 2, action: 'none', reason: 'left_deleted' })
    expect(deleted.last.destination).toBeUndefined()
    expect(deleted.last.atMs).toBeGreaterThan(Date.now() - 60_000)
    expect(said(job, 'deleted.txt')).toMatch(
      /destination +nothing any more; it was \/deleted\.txt\n +decided +leave it as it is \(execution 2, looked at 20/,
    )
    expect(said(job, 'deleted.txt')).toMatch(
      /state +deleted at the destination, and left so\n +before +created at the destination \(execution 1\)/,
    )
    expect(said(job, 'edited.txt')).toMatch(
      /destination +\/edited\.txt, 6 B \(6 bytes\), modified 2023-11-14T22:13:20\.000Z, as it was seen/,
    )
    expect(said(job, 'same')).toMatch(
      /decided +nothing to do \(execution 2.*\n +why +Nothing changed on either side\. \[unchanged\]/,
    )
    expect(listed(job, 'left_deleted', 'destination_kept')).toEqual(['deleted.txt', 'edited.txt'])
    expect(listed(job, 'unchanged')).toEqual(['same'])

    // Put back as it was, it is what it was.
    edit(job.destination, 'edited.txt', 'once more', 1_700_000_005)
    await job.run()
    expect(said(job, 'edited.txt')).toMatch(/, 9 B \(9 bytes\), .*as it was seen\n +decided.*execution 3/)
  })

  test('an edit that is undone is unchanged again', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': '1' }), destination: (at) => mkdirSync(at) })
    await job.run()
    rmSync(join(job.destination, 'a.txt'))
    await job.run()
    expect(job.explain('a.txt').last.reason).toBe('left_deleted')
    await job.change({ delete_propagation: 'ignore_both' })
    writeFileSync(join(job.source, 'a.txt'), 'changed')
    await job.run()
    expect((await job.run()).sentence).toBe('nothing to do: 1 found, all as recorded')
    expect(job.explain('a.txt').last).toMatchObject({ reason: 'unchanged', execution: 4 })
    expect(said(job, 'a.txt')).toMatch(/, 7 B .*as it was written\n +decided +nothing to do \(execution 4/)
  })
})

describe('a run that finds what it found before', () => {
  test('writes no row, also not of what was left alone, left out, flagged or is gone', async () => {
    const tree = { 'd/same': '1', 'd/deleted': '2', 'd/edited': '3', 'gone/a': '4', '.hidden': '5', newer: '6' }
    const job = await rig.job(
      {
        conflict_resolution: 'latest',
        filter: { source: [{ type: 'filter_rule', action: 'exclude', rules: [{ type: 'filter_hidden' }] }] },
      },
      { source: aTree(tree), from: { auth: { symlinks: 'follow' } } },
    )
    symlinkSync('/nowhere', join(job.source, 'broken'))
    await job.run()
    unlinkSync(join(job.destination, 'd/deleted'))
    edit(job.destination, 'd/edited', 'theirs', 1_900_000_000)
    edit(job.source, 'newer', 'ours', 1_800_000_000)
    edit(job.destination, 'newer', 'theirs', 1_900_000_000)
    rmSync(join(job.source, 'gone'), { recursive: true })
    // Once for what happened, once for what was not settled yet when it was read.
    await job.run()
    const before = await job.run()
    const written = watch(job, ['item', 'plan', 'trial', 'partial'])
    const ran = await job.run()
    expect(written()).toEqual({})
    expect(ran.reasons).toEqual(before.reasons)
    expect(ran.reasons).toMatchObject({
      'success left_deleted': 1,
      'success destination_kept': 1,
      'skipped destination_newer': 1,
    })
    expect(ran.sentence).toContain('2 gone from the source; the destination keeps them')
    expect(job.explain('newer').last).toMatchObject({ execution: 4, destination: { sizeBytes: 6n } })
    expect(listed(job, 'flagged_before')).toEqual(['broken'])
    expect(listed(job, 'dead_link')).toEqual(['broken'])
    expect(listed(job, 'source_gone')).toEqual(['gone'])
  })

  test('writes the row of what is left out only when it changed', async () => {
    const rules = [{ type: 'filter_hidden' }]
    const job = await rig.job(
      { filter: { source: [{ type: 'filter_rule', action: 'exclude', rules }] } },
      { source: aTree({ '.a': '1', '.b': '2', c: '3' }) },
    )
    await job.run()
    writeFileSync(join(job.source, '.a'), 'longer')
    await job.run()
    expect(job.explain('.a').last.source?.sizeBytes).toBe(6n)
    expect(job.explain('.a').execution).toBe(2)
    expect(job.explain('.b').execution).toBe(1)
    expect(job.explain('.b').last.execution).toBe(2)
  })
})

describe('nothing to do', () => {
  test('is not said of a source that was emptied', async () => {
    const job = await rig.job({}, { source: aTree({ 'a/1': '1', 'a/2': '2', b: '3' }) })
    await job.run()
    unlinkSync(join(job.source, 'b'))
    expect((await job.run()).sentence).toBe('3 found, 0 carried out; 1 gone from the source; the destination keeps it')
    rmSync(join(job.source, 'a'), { recursive: true })
    const ran = await job.run()
    expect(ran.sentence).toBe('0 found, 0 carried out; 4 gone from the source; the destination keeps them')
    expect(ran.balance?.findings?.gone).toEqual({ items: 4, bytes: 3n })
    expect(said(job, 'b')).toMatch(
      /source +no longer there\n +destination +\/b, 1 B .*as it was written\n +decided +nothing more to do/,
    )
  })

  test('is not said where the destination is newer, or item_overwrite forbids', async () => {
    const job = await rig.job({ conflict_resolution: 'latest' }, { source: aTree({ doc: 'v1' }) })
    await job.run()
    edit(job.source, 'doc', 'ours', 1_800_000_000)
    edit(job.destination, 'doc', 'theirs', 1_900_000_000)
    expect((await job.run()).sentence).toBe('1 found, 0 carried out; 1 left out: the destination is newer')
    expect(said(job, 'doc')).toMatch(
      /destination +\/doc, 6 B \(6 bytes\), modified 2030-03-17T17:46:40\.000Z, as it was seen/,
    )
    const vetoed = await rig.job({ item_overwrite: 'skip' }, { source: aTree({ doc: 'v1' }) })
    await vetoed.run()
    edit(vetoed.source, 'doc', 'ours', 1_800_000_000)
    expect((await vetoed.run()).sentence).toBe(
      '1 found, 0 carried out; 1 left out: item_overwrite forbids to replace what is there',
    )
  })

  test('is not said where a filter left out everything, and the rule is named', async () => {
    const rules = [{ type: 'filter_hidden' }]
    const job = await rig.job(
      { filter: { source: [{ type: 'filter_rule', action: 'exclude', rules }] } },
      { source: aTree({ '.a': '1', '.b': '2' }) },
    )
    expect((await job.run()).sentence).toBe('all 2 found were left out by filter rule 1 of the source (filter_hidden)')
  })
})

describe('a simulation', () => {
  test('says what would be, and that nothing is there yet', async () => {
    const job = await rig.job({ simulation_mode: true }, { source: aTree({ a: '1', 'd/b': '2' }) })
    expect((await job.run()).sentence).toBe('3 found, 3 would be carried out')
    const text = said(job, 'a', 'simulated')
    expect(text).toMatch(
      /destination +nothing yet; it would be \/a\n +decided +would create it at the destination \(simulated, execution 1/,
    )
    expect(text).toMatch(/state +simulated: it would arrive as it is/)
    expect(text).not.toMatch(/done|arrived|SHA/)
    expect(said(job, 'd', 'simulated')).toMatch(/destination +nothing yet/)
  })

  test('of a change shows the destination as it is', async () => {
    const job = await rig.job({}, { source: aTree({ a: '1' }) })
    await job.run()
    await job.change({ simulation_mode: true })
    writeFileSync(join(job.source, 'a'), 'changed')
    await job.run()
    expect(said(job, 'a', 'simulated')).toMatch(
      /destination +\/a, 1 B .*as it was seen\n +decided +would replace the destination’s \(simulated, execution 2/,
    )
  })
})

describe('worth knowing', () => {
  test('is what this run met: hard links and what they cost, once; what holds for every run is told by the first', async () => {
    const job = await rig.job({}, { source: aTree({ a: '3000 B', c: '1' }) })
    linkSync(join(job.source, 'a'), join(job.source, 'b'))
    const first = await job.run()
    const links =
      '2 names of files that have several (hard links): each becomes a file of its own, which takes up to 2.9 KiB more than at the source'
    expect(first.warnings).toContain(links)
    expect(first.warnings.join()).toContain('the created time cannot be set')
    expect((await job.run()).warnings).toEqual([])
    writeFileSync(join(job.source, 'a'), 'changed')
    expect((await job.run()).warnings).toEqual([expect.stringMatching(/^2 names of files/)])
  })

  test('paths that programs on Windows cannot open', async () => {
    const deep = Array(5).fill('d'.repeat(49)).join('/')
    const job = await rig.job(
      {},
      { source: aTree({ [`${deep}/short`]: '1', [`${deep}/longer name`]: '2' }), to: { auth: { names: 'windows' } } },
    )
    expect((await job.run()).warnings).toContain(
      '1 path at the destination longer than 260 characters, which many programs on Windows cannot open',
    )
  })
})

const asRoot = process.geteuid?.() === 0 ? test : test.skip

asRoot('what arrived altered says how, of files and folders, is found by it, and is counted', async () => {
  const directory = join(rig.folder, 'people.json')
  writeFileSync(
    directory,
    JSON.stringify([
      { uid: 0, username: 'root' },
      { gid: 0, name: 'root' },
    ]),
  )
  const job = await rig.job(
    { preserve_owners: true },
    { source: aTree({ 'd/a': '1', b: '2' }), to: { auth: { directory } } },
  )
  for (const path of ['d', 'd/a']) chownSync(join(job.source, path), 54_321, 54_322)
  chmodSync(join(job.source, 'd/a'), 0o640)
  const ran = await job.run()
  const altered = (): unknown =>
    job.read((reader) =>
      reader.items({ processing: 'owners_lost', offset: 0, limit: 10 }).rows.map(({ name, state }) => [name, state]),
    )
  expect(altered()).toEqual([
    ['d', 'processed'],
    ['a', 'processed'],
  ])
  expect(ran.balance?.findings?.altered).toEqual({ owners_lost: 2 })
  expect(said(job, 'd/a')).toMatch(/altered +its owner or group has no counterpart, and is that of the running account/)
  expect((await job.run()).reasons).toEqual({ 'processed unchanged': 2, 'success unchanged': 1 })
  // With an owner who has one, it is as it is.
  for (const path of ['d', 'd/a']) chownSync(join(job.source, path), 0, 0)
  const mended = await job.run()
  expect(altered()).toEqual([])
  expect(mended.balance?.findings?.altered).toEqual({})
})

test('below a folder that was not looked into, its path leads to that folder', async () => {
  const job = await rig.job({ max_items_per_container: 2 }, { source: aTree({ 'b/1': '1', 'b/2': '2', 'b/3': '3' }) })
  const ran = await job.run()
  expect(ran.sentence).toBe('1 found, 1 carried out; 1 flagged for a person; the content of 1 folder was not looked at')
  const found = job.read((reader) => reader.find(['b', '2']))
  expect(found).toEqual({ below: job.explain('b').item, missing: '2' })
  expect(job.explain('b').container?.lookedIn).toBeUndefined()
})

test('a path is taken as a shell gives it: other case and composition, bytes that are no UTF-8, a slash behind it', async () => {
  const job = await rig.job({}, { source: (at) => mkdirSync(at) })
  mkdirSync(join(job.source, 'Caf\u00e9'))
  writeFileSync(Buffer.concat([Buffer.from(`${job.source}/bad-`), Buffer.from([0xe9]), Buffer.from('.txt')]), '1')
  writeFileSync(join(job.source, 'UPPER'), '1')
  await job.run()
  const nameOf = (...names: string[]): unknown => job.read((reader) => reader.explain(names)?.name)
  expect(nameOf('cafe\u0301')).toBe('Caf\u00e9')
  expect(nameOf('bad-\ufffd.txt')).toBe('bad-\ufffdE9.txt')
  expect(nameOf('upper')).toBe('UPPER')
  writeFileSync(join(job.source, 'Upper'), '2')
  await job.run()
  expect(nameOf('UPPER')).toBe('UPPER')
  expect(job.read((reader) => reader.find(['upper']))).toEqual({ several: ['UPPER', 'Upper'] })
})
