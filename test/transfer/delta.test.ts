import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { aTree, look, many, paths, textAt, touched } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

/** Modified at a time that is not the source's, so that nobody takes it for the same. */
function edit(root: string, path: string, text: string, time = 1_700_000_000): void {
  writeFileSync(join(root, path), text)
  utimesSync(join(root, path), time, time)
}

/** What the next run writes to at the destination. */
async function written(job: Job): Promise<string[]> {
  const before = look(job.destination)
  await job.run()
  return touched(before, look(job.destination))
}

describe('a later run', () => {
  test('writes what is new and what changed, and nothing else', async () => {
    const job = await rig.job(
      {},
      { source: aTree({ ...many(300, (n) => `a/f${n}`), 'b/same.txt': 'x', 'b/changed.txt': 'old' }) },
    )
    await job.run()
    writeFileSync(join(job.source, 'b/changed.txt'), 'new content')
    mkdirSync(join(job.source, 'c'))
    writeFileSync(join(job.source, 'c/new.txt'), 'new')
    const before = look(job.destination)
    const ran = await job.run()
    expect(touched(before, look(job.destination))).toEqual(['b', 'b/changed.txt', 'c', 'c/new.txt'])
    expect(ran).toMatchObject({ status: 'completed' })
    expect(ran.reasons).toMatchObject({ 'success changed': 1, 'success unchanged': 303 })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  })

  test('writes only what changed when size and modification time stayed as they were', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'before', 'b.txt': 'before' }) })
    await job.run()
    edit(job.source, 'a.txt', 'after!', look(job.source).get('a.txt')!.modifiedNs > 0n ? 1_685_577_601 : 0)
    expect(await written(job)).toEqual(['a.txt'])
    expect(textAt(job.destination, 'a.txt')).toBe('after!')
  })

  test('reads, but does not write, what was merely touched and rewritten with the same bytes', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/a.txt': 'same', 'b.txt': 'x' }) })
    await job.run()
    const { modifiedNs } = look(job.source).get('d/a.txt')!
    edit(job.source, 'd/a.txt', 'same', Number(modifiedNs / 1_000_000_000n))
    const before = look(job.destination)
    const ran = await job.run()
    expect(touched(before, look(job.destination))).toEqual([])
    expect(ran).toMatchObject({ status: 'no_changes', reasons: { 'success unsure': 1 } })
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 3 })
  })

  test('deletes nothing: what is gone at the source stays at the destination and is no longer counted', async () => {
    const job = await rig.job({}, { source: aTree({ 'a/one.txt': '1', 'a/two.txt': '2', 'b/three.txt': '3' }) })
    await job.run()
    const { mtime } = statSync(join(job.source, 'a'))
    unlinkSync(join(job.source, 'a/one.txt'))
    rmSync(join(job.source, 'b'), { recursive: true })
    utimesSync(join(job.source, 'a'), mtime, mtime)
    const before = look(job.destination)
    const ran = await job.run()
    expect(touched(before, look(job.destination))).toEqual([])
    expect(ran).toMatchObject({ found: 2, status: 'no_changes' })
    expect(job.explain('b/three.txt')).toMatchObject({ absent: true })
    expect(job.explain('a/one.txt')).toMatchObject({ gone: true })
  })

  test('copies what came back after it was gone', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': '1', 'b.txt': '2' }) })
    await job.run()
    unlinkSync(join(job.source, 'a.txt'))
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'another')
    await job.run()
    expect(textAt(job.destination, 'a.txt')).toBe('another')
    expect((await job.run()).found).toBe(2)
  })

  test('takes a renamed file and a renamed folder for new ones, and leaves the old names', async () => {
    const job = await rig.job({}, { source: aTree({ 'old.txt': 'x', 'old folder/in.txt': 'y' }) })
    await job.run()
    renameSync(join(job.source, 'old.txt'), join(job.source, 'new.txt'))
    renameSync(join(job.source, 'old folder'), join(job.source, 'new folder'))
    await job.run()
    expect(paths(job.destination)).toEqual(
      ['new folder/', 'new folder/in.txt', 'new.txt', 'old folder/', 'old folder/in.txt', 'old.txt'].sort(),
    )
    expect((await job.run()).status).toBe('no_changes')
  })

  test('leaves what somebody edited, added or deleted at the destination', async () => {
    const job = await rig.job({}, { source: aTree({ 'edited.txt': '1', 'deleted.txt': '2', 'd/kept.txt': '3' }) })
    await job.run()
    edit(job.destination, 'edited.txt', 'theirs')
    unlinkSync(join(job.destination, 'deleted.txt'))
    writeFileSync(join(job.destination, 'd/added.txt'), 'theirs')
    expect(await written(job)).toEqual([])
    expect(textAt(job.destination, 'edited.txt')).toBe('theirs')
  })

  test('tells in its counts what the destination alone changed or deleted, and goes on to', async () => {
    const job = await rig.job(
      {},
      { source: aTree({ 'edited.txt': '1', 'deleted.txt': '2', 'd/in.txt': '3', same: '4' }) },
    )
    await job.run()
    edit(job.destination, 'edited.txt', 'theirs')
    unlinkSync(join(job.destination, 'deleted.txt'))
    rmSync(join(job.destination, 'd'), { recursive: true })
    for (let n = 0; n < 2; n += 1) {
      const ran = await job.run()
      expect(ran.reasons).toEqual({ 'success destination_kept': 1, 'success left_deleted': 3, 'success unchanged': 1 })
      expect(ran.balance?.found).toMatchObject({ items: 5, containers: 1 })
      expect(ran).toMatchObject({
        status: 'no_changes',
        sentence:
          '5 found, 0 carried out; 3 deleted at the destination, and left so; 1 changed at the destination only, and left so',
      })
    }
  })

  test('counts a folder that was deleted at the destination, and can then not be listed, once', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/in.txt': '1', 'same.txt': '2' }) })
    await job.run()
    rmSync(join(job.destination, 'd'), { recursive: true })
    await job.change({ max_items_per_container: 2 })
    writeFileSync(join(job.source, 'd/2.txt'), '2')
    writeFileSync(join(job.source, 'd/3.txt'), '3')
    const { mtime } = statSync(join(job.source))
    const { modifiedNs } = job.explain('d').source
    utimesSync(join(job.source, 'd'), mtime, Number(modifiedNs) / 1e9)
    expect((await job.run()).reasons).toEqual({ 'remediation too_many_items': 1, 'success unchanged': 1 })
  })

  test('knows a folder that came back as it was', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/in.txt': '1', 'same.txt': '2' }) })
    await job.run()
    renameSync(join(job.source, 'd'), join(rig.folder, 'away'))
    await job.run()
    expect(job.explain('d')).toMatchObject({ gone: true, reason: 'source_gone' })
    renameSync(join(rig.folder, 'away'), join(job.source, 'd'))
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 3 })
    expect(job.explain('d/in.txt')).toMatchObject({ absent: false, reason: 'new' })
  })

  test('writes a file again that was deleted at the destination and then changed at the source', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': '1' }) })
    await job.run()
    unlinkSync(join(job.destination, 'a.txt'))
    edit(job.source, 'a.txt', 'changed')
    await job.run()
    expect(textAt(job.destination, 'a.txt')).toBe('changed')
  })

  test('makes a folder again that was deleted at the destination, for what is new in it', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/sub/old.txt': '1' }) })
    await job.run()
    rmSync(join(job.destination, 'd'), { recursive: true })
    edit(job.source, 'd/sub/new.txt', 'new')
    const ran = await job.run()
    expect(ran).toMatchObject({ failed: 0, flagged: 0 })
    expect(paths(job.destination)).toEqual(['d/', 'd/sub/', 'd/sub/new.txt'])
    await job.run()
    expect(await written(job)).toEqual([])
  })

  test('flags a file that became a folder at the source and leaves the file at the destination; removed, the folder takes its place', async () => {
    const job = await rig.job({}, { source: aTree({ thing: 'file', 'other.txt': 'x' }) })
    await job.run()
    unlinkSync(join(job.source, 'thing'))
    mkdirSync(join(job.source, 'thing'))
    writeFileSync(join(job.source, 'thing/inside.txt'), 'x')
    const ran = await job.run()
    expect(ran.reasons).toMatchObject({ 'remediation kind_differs': 1 })
    expect(textAt(job.destination, 'thing')).toBe('file')
    unlinkSync(join(job.destination, 'thing'))
    expect(await job.run()).toMatchObject({ flagged: 0, failed: 0 })
    expect(textAt(job.destination, 'thing/inside.txt')).toBe('x')
  })

  test('repoints a link that points elsewhere now, and keeps what stood there', async () => {
    const job = await rig.job({}, { source: aTree({ link: { to: 'a' } }) })
    await job.run()
    unlinkSync(join(job.source, 'link'))
    symlinkSync('b', join(job.source, 'link'))
    await job.run()
    expect(look(job.destination).get('link')).toMatchObject({ target: 'b' })
    expect((await job.run()).status).toBe('no_changes')
  })
})

describe('a file that changed on both sides', () => {
  async function bothEdited(
    transfer: Record<string, unknown>,
    times: { source?: number; destination?: number } = {},
  ): Promise<Job> {
    const job = await rig.job(transfer, { source: aTree({ 'r.txt': 'first' }) })
    await job.run()
    edit(job.source, 'r.txt', 'ours', times.source)
    edit(job.destination, 'r.txt', 'theirs', times.destination ?? 1_700_000_100)
    return job
  }
  const kept = (job: Job): string[] => readdirSync(job.destination).filter((name) => name.includes('(conflict'))

  test('is kept twice under conflict_resolution copy: ours under the name, theirs beside it', async () => {
    const job = await bothEdited({ conflict_resolution: 'copy' })
    const ran = await job.run()
    expect(ran.reasons).toEqual({ 'processed conflict_copy': 1 })
    expect(textAt(job.destination, 'r.txt')).toBe('ours')
    expect(kept(job)).toEqual(['r (conflict 2023-11-14T221500Z).txt'])
    expect(textAt(job.destination, kept(job)[0]!)).toBe('theirs')
    expect(job.audit({ type: '4001' })).toHaveLength(1)
  })

  test('has one conflict copy, which is never copied again or renamed by later runs', async () => {
    const job = await bothEdited({ conflict_resolution: 'copy' })
    await job.run()
    expect(await written(job)).toEqual([])
    edit(job.source, 'r.txt', 'ours again', 1_700_000_500)
    expect(await written(job)).toEqual(['r.txt'])
    expect(kept(job)).toHaveLength(1)
    expect(readdirSync(job.source)).toEqual(['r.txt'])
  })

  test.each([
    ['source', {}, 'ours', 'success conflict'],
    ['destination', {}, 'theirs', 'skipped destination_kept'],
    ['failure', {}, 'theirs', 'retry conflict'],
    ['latest', { source: 1_700_009_000 }, 'ours', 'success conflict'],
    ['latest', { destination: 1_700_009_000 }, 'theirs', 'skipped destination_newer'],
  ])('under conflict_resolution %s %j ends with %s', async (setting, times, text, reason) => {
    const job = await bothEdited({ conflict_resolution: setting }, times)
    const ran = await job.run()
    expect(ran.reasons).toEqual({ [reason]: 1 })
    expect(textAt(job.destination, 'r.txt')).toBe(text)
    expect(kept(job)).toEqual([])
  })

  test('under latest with times too close to tell is kept twice', async () => {
    const job = await bothEdited(
      { conflict_resolution: 'latest' },
      { source: 1_700_000_001, destination: 1_700_000_002 },
    )
    await job.run()
    expect(kept(job)).toHaveLength(1)
  })

  test('with the same result on both sides is no conflict, and is not written', async () => {
    const job = await bothEdited({}, {})
    edit(job.destination, 'r.txt', 'ours')
    const before = look(job.destination)
    expect((await job.run()).reasons).toEqual({ 'success matched': 1 })
    expect(touched(before, look(job.destination))).toEqual([])
  })
})

describe('a file whose change time alone moved at the destination', () => {
  const kept = (job: Job): string[] => readdirSync(job.destination).filter((name) => name.includes('(conflict'))
  const linked = async (transfer: Record<string, unknown> = {}): Promise<Job> => {
    const job = await rig.job(transfer, { source: aTree({ 'r.txt': 'first' }) })
    await job.run()
    linkSync(join(job.destination, 'r.txt'), join(job.destination, 'another name'))
    return job
  }
  const timeOf = (root: string): number => Number(look(root).get('r.txt')!.modifiedNs / 1_000_000_000n)

  test.each(['copy', 'latest', 'destination', 'failure'])(
    'is ours when its bytes are, and is replaced under conflict_resolution %s too; its other name keeps them',
    async (setting) => {
      const job = await linked({ conflict_resolution: setting })
      edit(job.source, 'r.txt', 'second')
      expect((await job.run()).reasons).toEqual({ 'success changed': 1 })
      expect(textAt(job.destination, 'r.txt')).toBe('second')
      expect(textAt(job.destination, 'another name')).toBe('first')
      expect(kept(job)).toEqual([])
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  test('is replaced when an edit at the source shows in nothing but its change time either', async () => {
    const job = await linked()
    edit(job.source, 'r.txt', 'worst', timeOf(job.source))
    await job.run()
    expect(textAt(job.destination, 'r.txt')).toBe('worst')
    expect(kept(job)).toEqual([])
  })

  test('is somebody’s edit when its bytes are others', async () => {
    const job = await rig.job({}, { source: aTree({ 'r.txt': 'first' }) })
    await job.run()
    edit(job.destination, 'r.txt', 'other', timeOf(job.destination))
    edit(job.source, 'r.txt', 'second')
    expect((await job.run()).reasons).toEqual({ 'processed conflict_copy': 1 })
    expect(textAt(job.destination, 'r.txt')).toBe('second')
    expect(textAt(job.destination, kept(job)[0]!)).toBe('other')
  })

  test('is kept beside ours when nobody ever read it: it was adopted', async () => {
    const same = aTree({ 'r.txt': { is: 'first', modified: '2020-01-01' } })
    const job = await rig.job({}, { source: same, destination: same })
    await job.run()
    linkSync(join(job.destination, 'r.txt'), join(job.destination, 'another name'))
    edit(job.source, 'r.txt', 'second')
    expect((await job.run()).reasons).toEqual({ 'processed conflict_copy': 1 })
    expect(kept(job)).toHaveLength(1)
  })

  test('is not read while its source stays as it was', async () => {
    const job = await linked()
    utimesSync(join(job.destination, 'r.txt'), 1_000_000_000, timeOf(job.destination))
    const { accessedNs } = look(job.destination).get('r.txt')!
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 1 })
    expect(look(job.destination).get('r.txt')!.accessedNs).toBe(accessedNs)
  })
})

describe('a destination that was not empty before the first run', () => {
  const source = aTree({ 'same.txt': { is: 'same', modified: '2020-01-01' }, 'd/differs.txt': 'ours' })

  test('keeps a file that is the same: it is adopted, neither read nor written', async () => {
    const job = await rig.job(
      {},
      { source, destination: aTree({ 'same.txt': { is: 'same', modified: '2020-01-01' } }) },
    )
    utimesSync(join(job.source, 'same.txt'), 1_000_000_000, Date.parse('2020-01-01') / 1000)
    const before = look(job.destination)
    const sourceBefore = look(job.source).get('same.txt')
    const ran = await job.run()
    expect(ran.reasons).toMatchObject({ 'success matched': 1 })
    expect(touched(before, look(job.destination))).not.toContain('same.txt')
    expect(look(job.source).get('same.txt')).toEqual(sourceBefore)
    expect((await job.run()).status).toBe('no_changes')
  })

  describe('that somebody copied the next content to himself', () => {
    /** `a.txt` was written by us, then changed at the source and copied by hand, with its times. */
    async function copiedByHand(): Promise<Job> {
      const job = await rig.job({}, { source: aTree({ 'a.txt': 'first!' }) })
      await job.run()
      for (const side of [job.source, job.destination]) edit(side, 'a.txt', 'second')
      expect((await job.run()).reasons).toEqual({ 'success matched': 1 })
      return job
    }

    test('has no hash of what was there before', async () => {
      const job = await copiedByHand()
      expect(job.explain('a.txt').hash).toBeUndefined()
      expect((await job.run()).status).toBe('no_changes')
    })

    test('keeps an edit that has the bytes we wrote before', async () => {
      const job = await copiedByHand()
      edit(job.destination, 'a.txt', 'first!')
      edit(job.source, 'a.txt', 'third and longer', 1_700_000_100)
      expect((await job.run()).reasons).toEqual({ 'processed conflict_copy': 1 })
      expect(textAt(job.destination, 'a.txt')).toBe('third and longer')
      expect(textAt(job.destination, 'a (conflict 2023-11-14T221320Z).txt')).toBe('first!')
    })

    test('gets what the source goes back to, though its times say nothing', async () => {
      const job = await copiedByHand()
      edit(job.source, 'a.txt', 'first!')
      await job.run()
      expect(textAt(job.destination, 'a.txt')).toBe('first!')
    })
  })

  test('asks a person at once about a conflict on what is named like a conflict copy, and no more once it is settled', async () => {
    const name = 'a (conflict 2022-02-02T020202Z).txt'
    const job = await rig.job(
      {},
      { source: aTree({ [name]: 'ours' }), destination: aTree({ [name]: 'theirs, and more' }) },
    )
    expect((await job.run()).reasons).toEqual({ 'remediation conflict_of_copy': 1 })
    expect((await job.run()).reasons).toEqual({ 'remediation flagged_before': 1 })
    expect(textAt(job.destination, name)).toBe('theirs, and more')
    unlinkSync(join(job.destination, name))
    expect((await job.run()).reasons).toEqual({ 'success new': 1 })
  })

  test('keeps its own differing file beside ours: an untracked counterpart is a conflict on the first run too', async () => {
    const job = await rig.job(
      {},
      { source, destination: aTree({ 'd/differs.txt': { is: 'theirs', modified: '2022-02-02T02:02:02Z' } }) },
    )
    await job.run()
    expect(textAt(job.destination, 'd/differs.txt')).toBe('ours')
    expect(textAt(job.destination, 'd/differs (conflict 2022-02-02T020202Z).txt')).toBe('theirs')
    expect((await job.run()).status).toBe('no_changes')
  })

  test('gives a conflict copy another name when that one is taken', async () => {
    const job = await rig.job(
      {},
      {
        source,
        destination: aTree({
          'd/differs.txt': { is: 'theirs', modified: '2022-02-02T02:02:02Z' },
          'd/differs (conflict 2022-02-02T020202Z).txt': 'an older copy',
        }),
      },
    )
    await job.run()
    expect(textAt(job.destination, 'd/differs (conflict 2022-02-02T020202Z).txt')).toBe('an older copy')
    expect(textAt(job.destination, 'd/differs (conflict 2022-02-02T020202Z 2).txt')).toBe('theirs')
  })

  test.each([
    ['skip', 'skipped exists'],
    ['fail', 'retry exists'],
  ])('keeps its file under item_overwrite %s', async (setting, reason) => {
    const job = await rig.job(
      { item_overwrite: setting },
      { source, destination: aTree({ 'd/differs.txt': 'theirs' }) },
    )
    const ran = await job.run()
    expect(ran.reasons).toMatchObject({ [reason]: 1 })
    expect(textAt(job.destination, 'd/differs.txt')).toBe('theirs')
    expect(existsSync(join(job.destination, 'same.txt'))).toBe(true)
  })

  test('keeps its folders with their own times and modes: they are merged into', async () => {
    const job = await rig.job(
      { permissions: { policy: 'add' } },
      { source, destination: aTree({ 'd/theirs.txt': 'x' }) },
    )
    chmodSync(join(job.destination, 'd'), 0o751)
    chmodSync(join(job.source, 'd'), 0o700)
    await job.run()
    expect(look(job.destination).get('d')?.mode).toBe(0o751)
    expect(paths(job.destination)).toEqual(['d/', 'd/differs.txt', 'd/theirs.txt', 'same.txt'])
  })

  test('is not overwritten by item_overwrite skip on later runs either', async () => {
    const job = await rig.job({ item_overwrite: 'skip' }, { source })
    await job.run()
    appendFileSync(join(job.source, 'd/differs.txt'), ', changed')
    const ran = await job.run()
    expect(ran.reasons).toMatchObject({ 'skipped exists': 1 })
    expect(textAt(job.destination, 'd/differs.txt')).toBe('ours')
    expect((await job.run()).reasons).toMatchObject({ 'skipped exists': 1 })
  })
})
