import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import type { Approval } from '../../workflows/messages.ts'
import { aTree, look, many, paths, textAt, touched } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const yes = (): boolean => true

describe('copy with delete_propagation mirror', () => {
  const mirror = { delete_propagation: 'mirror' }

  test('removes at the destination what is gone from the source, folders and all, and nothing else', async () => {
    const job = await rig.job(mirror, {
      source: aTree({ 'a.txt': 'a', 'b.txt': 'b', 'old/x/1.txt': '1', 'old/x/2.txt': '2', 'old/3.txt': '3' }),
      destination: aTree({ 'theirs.txt': 'somebody', 'old/x/theirs.txt': 'somebody' }),
    })
    await job.run()
    rmSync(join(job.source, 'old'), { recursive: true })
    rmSync(join(job.source, 'b.txt'))
    const ran = await job.run()
    expect(paths(job.destination)).toEqual(['a.txt', 'old/', 'old/x/', 'old/x/theirs.txt', 'theirs.txt'])
    expect(ran).toMatchObject({ status: 'completed' })
    expect(ran.sentence).toContain('4 removed at the destination')
    const again = await job.run()
    expect(again).toMatchObject({ status: 'no_changes' })
    expect(again.sentence).not.toContain('removed')
  })

  test('leaves what somebody edited since, and says so', async () => {
    const job = await rig.job(mirror, { source: aTree({ 'a.txt': 'a', 'b.txt': 'b' }) })
    await job.run()
    writeFileSync(join(job.destination, 'a.txt'), 'their work')
    rmSync(join(job.source, 'a.txt'))
    const ran = await job.run()
    expect(textAt(job.destination, 'a.txt')).toBe('their work')
    expect(ran.sentence).toContain('1 gone from the source; the destination keeps it')
  })

  test('what comes back at the source is copied again', async () => {
    const job = await rig.job(mirror, { source: aTree({ 'd/a.txt': 'a', 'e.txt': 'e' }) })
    await job.run()
    renameSync(join(job.source, 'd'), join(rig.folder, 'aside'))
    await job.run()
    expect(existsSync(join(job.destination, 'd'))).toBe(false)
    renameSync(join(rig.folder, 'aside'), join(job.source, 'd'))
    await job.run()
    expect(textAt(job.destination, 'd/a.txt')).toBe('a')
    expect(await job.run()).toMatchObject({ status: 'no_changes' })
  })

  test('a folder that can not be listed whole deletes nothing', async () => {
    const job = await rig.job({ ...mirror, max_items_per_container: 2 }, { source: aTree({ 'd/a': '1', 'd/b': '2' }) })
    await job.run()
    rmSync(join(job.source, 'd/a'))
    for (const name of ['c', 'e', 'f']) writeFileSync(join(job.source, 'd', name), name)
    await job.run()
    expect(textAt(job.destination, 'd/a')).toBe('1')
  })

  test('many removals wait for a person’s yes, and are named by their plan', async () => {
    const job = await rig.job(mirror, { source: aTree({ ...many(150, (n) => `d/f${n}`), 'stays.txt': 's' }) })
    await job.run()
    rmSync(join(job.source, 'd'), { recursive: true })
    const asked: Approval[] = []
    const no = (approval: Approval): boolean => asked.push(approval) < 0
    expect(await job.run({ approve: no })).toMatchObject({ status: 'cancelled' })
    expect(paths(job.destination)).toHaveLength(152)
    expect(asked[0]!.sentence).toContain('151 items')
    await job.run({ approve: no })
    expect(asked[1]!.hash).toBe(asked[0]!.hash)
    writeFileSync(join(job.destination, 'd/f7'), 'edited meanwhile: one less')
    await job.run({ approve: no })
    expect(asked[2]!.hash).not.toBe(asked[0]!.hash)
    await job.run({ approve: yes })
    expect(paths(job.destination)).toEqual(['d/', 'd/f7', 'stays.txt'])
  })

  test('what changes between the plan and its turn stays', async () => {
    const job = await rig.job(mirror, { source: aTree({ 'a.txt': 'a', 'd/b.txt': 'b', 'c.txt': 'c' }) })
    await job.run()
    rmSync(join(job.source, 'a.txt'))
    rmSync(join(job.source, 'd'), { recursive: true })
    const ran = await job.run({
      beforeFinishing() {
        writeFileSync(join(job.destination, 'a.txt'), 'edited in that moment')
        writeFileSync(join(job.destination, 'd/new.txt'), 'made in that moment')
      },
    })
    expect(paths(job.destination)).toEqual(['a.txt', 'c.txt', 'd/', 'd/new.txt'])
    expect(ran.sentence).toContain('1 removed at the destination')
    expect(ran.sentence).toContain('1 not removed: changed meanwhile')
    expect(ran.sentence).toContain('1 not removed: folders that hold something else')
  })

  test('a simulation says what would be removed, and removes nothing', async () => {
    const job = await rig.job(mirror, { source: aTree({ 'a.txt': 'a', 'd/b.txt': 'b', 'c.txt': 'c' }) })
    await job.run()
    rmSync(join(job.source, 'd'), { recursive: true })
    const before = look(job.destination)
    await rig.catalog.jobs.update(job.id, {})
    const stored = (await rig.catalog.jobs.get(job.id))!
    const document = {
      ...stored.document,
      transfer: { ...(stored.document.transfer as object), simulation_mode: true },
    }
    await rig.catalog.jobs.update(job.id, { document })
    const ran = await job.run()
    expect(ran.sentence).toContain('2 would be removed at the destination')
    expect(touched(before, look(job.destination))).toEqual([])
  })

  test('goes through folders of more entries than memory holds', async () => {
    const small = new Rig({ entriesInMemory: 40 })
    try {
      const job = await small.job(mirror, {
        source: aTree(many(90, (n) => `f${n}`)),
        destination: aTree(many(60, (n) => `theirs${n}`)),
      })
      await job.run()
      for (let n = 0; n < 50; n++) rmSync(join(job.source, `f${n}`))
      await job.run()
      expect(paths(job.destination)).toHaveLength(100)
    } finally {
      await small.close()
    }
  })
})

describe('publish', () => {
  const publish = { transfer_type: 'publish' }

  test('makes the destination what the source is: removes, overwrites and brings back, once somebody has said yes', async () => {
    const job = await rig.job(publish, {
      source: aTree({ 'a.txt': 'ours', 'd/b.txt': 'b', 'd/c.txt': 'c' }),
      destination: aTree({ 'a.txt': 'theirs, older', 'theirs/x/y.txt': 'theirs', 'd/z.txt': 'theirs' }),
    })
    const before = look(job.destination)
    expect(await job.run()).toMatchObject({ status: 'cancelled' })
    expect(touched(before, look(job.destination))).toEqual([])
    await job.run({ approve: yes })
    expect(paths(job.destination)).toEqual(['a.txt', 'd/', 'd/b.txt', 'd/c.txt'])
    expect(textAt(job.destination, 'a.txt')).toBe('ours')
    writeFileSync(join(job.destination, 'a.txt'), 'edited there')
    rmSync(join(job.destination, 'd/b.txt'))
    mkdirSync(join(job.destination, 'new'))
    await job.run()
    expect(textAt(job.destination, 'a.txt')).toBe('ours')
    expect(textAt(job.destination, 'd/b.txt')).toBe('b')
    expect(existsSync(join(job.destination, 'new'))).toBe(false)
    expect(await job.run()).toMatchObject({ status: 'no_changes' })
  })

  test('what only the destination has has no id beside its place, where places are what names it', async () => {
    const job = await rig.job(publish, { source: aTree({ 'a.txt': 'a' }), destination: aTree({ 'theirs.txt': 't' }) })
    await job.run({ approve: () => false })
    const theirs = job.explain('theirs.txt')
    expect(theirs).toMatchObject({ reason: 'not_at_source', gone: true })
    expect(theirs).not.toHaveProperty('destinationId')
  })

  test('a filter protects what it leaves out, on either side', async () => {
    const filter = {
      source: [{ action: 'exclude', rules: [{ type: 'filter_pattern', text: '*.keep' }] }],
      destination: [{ action: 'exclude', rules: [{ type: 'filter_path', paths: ['/archive'] }] }],
    }
    const job = await rig.job(
      { ...publish, filter },
      {
        source: aTree({ 'a.txt': 'a', 'b.keep': 'left out' }),
        destination: aTree({ 'b.keep': 'theirs', 'c.keep': 'theirs', 'archive/1.txt': 'theirs', 'gone.txt': 'theirs' }),
      },
    )
    await job.run({ approve: yes })
    expect(paths(job.destination)).toEqual(['a.txt', 'archive/', 'archive/1.txt', 'b.keep', 'c.keep'])
    expect(textAt(job.destination, 'b.keep')).toBe('theirs')
  })

  test('explains what became of a thing that only the destination had', async () => {
    const job = await rig.job(publish, { source: aTree({ 'a.txt': 'a' }), destination: aTree({ 'x.txt': 'x' }) })
    await job.run({ approve: yes })
    expect(job.explain('x.txt')).toMatchObject({ reason: 'removed', absent: true })
  })
})

describe('move', () => {
  const move = { transfer_type: 'move' }

  test('removes from the source what arrived and was read back, folders when they are empty', async () => {
    const job = await rig.job(move, { source: aTree({ 'a.txt': 'a', 'd/e/b.txt': 'b', 'd/c.txt': 'c', 'empty/': '' }) })
    const ran = await job.run()
    expect(paths(job.source)).toEqual([])
    expect(existsSync(job.source)).toBe(true)
    expect(paths(job.destination)).toEqual(['a.txt', 'd/', 'd/c.txt', 'd/e/', 'd/e/b.txt', 'empty/'])
    expect(ran.sentence).toContain('removed from the source')
    expect(await job.run()).toMatchObject({ status: 'no_changes' })
  })

  test('keeps at the source what did not arrive, what is left out, and what changed meanwhile', async () => {
    const job = await rig.job(
      {
        ...move,
        filter: { source: [{ action: 'exclude', rules: [{ type: 'filter_extension', extensions: ['tmp'] }] }] },
      },
      { source: aTree({ 'a.txt': 'a', 'b.txt': 'b', 'd/c.tmp': 'c', 'e.txt': 'e' }) },
    )
    await job.run({
      beforeFinishing() {
        writeFileSync(join(job.source, 'a.txt'), 'written after it was read')
        writeFileSync(join(job.destination, 'b.txt'), 'damaged')
      },
    })
    expect(paths(job.source)).toEqual(['a.txt', 'b.txt', 'd/', 'd/c.tmp'])
    expect(textAt(job.source, 'a.txt')).toBe('written after it was read')
  })

  test('what the destination had already is compared byte by byte before it leaves the source', async () => {
    const job = await rig.job(move, { source: aTree({ 'a.txt': 'same', 'b.txt': 'abcd' }) })
    aTree({ 'a.txt': 'same', 'b.txt': 'wxyz' })(job.destination)
    await job.run()
    expect(paths(job.source)).toEqual(['b.txt'])
    expect(readFileSync(join(job.destination, 'b.txt'), 'utf8')).toBe('wxyz')
  })

  test('carries what is put at the source later', async () => {
    const job = await rig.job(move, { source: aTree({ 'd/a.txt': '1' }) })
    await job.run()
    mkdirSync(join(job.source, 'd'))
    writeFileSync(join(job.source, 'd/a.txt'), 'second')
    writeFileSync(join(job.source, 'd/b.txt'), 'new')
    await job.run()
    expect(paths(job.source)).toEqual([])
    expect(textAt(job.destination, 'd/b.txt')).toBe('new')
  })
})

describe('migrate', () => {
  test('looks for nothing new in folders it has looked at, and follows no changes', async () => {
    const job = await rig.job({ transfer_type: 'migrate' }, { source: aTree({ 'a.txt': 'a', 'd/b.txt': 'b' }) })
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'changed')
    writeFileSync(join(job.source, 'd/new.txt'), 'new')
    const before = look(job.destination)
    const ran = await job.run()
    expect(touched(before, look(job.destination))).toEqual([])
    expect(ran.reasons).toMatchObject({ 'skipped not_initial': 1, 'success not_followed': 1 })
    expect(ran.sentence).toContain('migrate does not follow')
  })
})

describe('taxonomy', () => {
  test('makes the folders, and nothing else', async () => {
    const job = await rig.job({ transfer_type: 'taxonomy' }, { source: aTree({ 'a.txt': 'a', 'd/e/b.txt': 'b' }) })
    await job.run()
    expect(paths(job.destination)).toEqual(['d/', 'd/e/'])
    mkdirSync(join(job.source, 'f'))
    await job.run()
    expect(paths(job.destination)).toEqual(['d/', 'd/e/', 'f/'])
  })
})
