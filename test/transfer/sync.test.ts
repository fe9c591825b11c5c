import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { explanation } from '../../src/cli/explanation.ts'
import { summarize } from '../../src/report/summary.ts'
import { aTree, look, many, paths, textAt, touched } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const sync = { transfer_type: 'sync' }
const mirror = { ...sync, delete_propagation: 'mirror' }

/** Both sides hold the same, and another run finds nothing to do. */
async function converged(job: Job): Promise<void> {
  expect(paths(job.destination)).toEqual(paths(job.source))
  for (const path of paths(job.source))
    if (!path.endsWith('/')) expect([path, textAt(job.destination, path)]).toEqual([path, textAt(job.source, path)])
  const before = { source: look(job.source), destination: look(job.destination) }
  const again = await job.run()
  expect(again).toMatchObject({ status: 'no_changes' })
  expect(touched(before.source, look(job.source))).toEqual([])
  expect(touched(before.destination, look(job.destination))).toEqual([])
}

test('what is counted of both ways is said of both', async () => {
  const job = await rig.job(sync, { source: aTree({ 'here.txt': 'h' }), destination: aTree({ 'there.txt': 't' }) })
  await job.run()
  const stored = (await rig.catalog.jobs.get(job.id))!
  const summary = summarize(stored, (await rig.catalog.executions.get(job.id, 1))!)
  const [success] = summary.by_status.filter(({ status }) => status === 'success')
  expect(success!.reasons).toMatchObject([{ reason: 'new', items: 2, meaning: 'It was not on the other side.' }])
  expect(job.explain('there.txt')).toMatchObject({ toSource: true, gone: false })
  expect(explanation(job.explain('there.txt')).join('\n')).toMatch(
    /decided +create it at the source[^]*why +It was not at the source\. \[new\]/,
  )
})

describe('the first run', () => {
  test('brings to each side what only the other has, folders, contents and times', async () => {
    const job = await rig.job(sync, {
      source: aTree({ 'here.txt': 'h', 'both/h.txt': 'h', 'only here/x/y.txt': 'y', 'same.txt': 'same' }),
      destination: aTree({ 'there.txt': 't', 'both/t.txt': 't', 'only there/x/z.txt': 'z', 'same.txt': 'same' }),
    })
    // Written at the same time, too.
    for (const side of [job.source, job.destination]) utimesSync(join(side, 'same.txt'), 1_700_000_000, 1_700_000_000)
    const ran = await job.run()
    expect(ran).toMatchObject({ status: 'completed' })
    expect(paths(job.source)).toEqual([
      'both/',
      'both/h.txt',
      'both/t.txt',
      'here.txt',
      'only here/',
      'only here/x/',
      'only here/x/y.txt',
      'only there/',
      'only there/x/',
      'only there/x/z.txt',
      'same.txt',
      'there.txt',
    ])
    expect(look(job.source).get('there.txt')!.modifiedNs).toBe(look(job.destination).get('there.txt')!.modifiedNs)
    await converged(job)
  })

  test('keeps both where they differ, whatever conflict_resolution says: nobody compared them before', async () => {
    for (const conflict_resolution of ['copy', 'latest', 'source', 'destination']) {
      const job = await rig.job(
        { ...sync, conflict_resolution },
        {
          source: aTree({ 'a.txt': { is: 'older, here', modified: 1_600_000_000 } }),
          destination: aTree({ 'a.txt': { is: 'newer, there', modified: 1_650_000_000 } }),
        },
      )
      await job.run()
      const winner = conflict_resolution === 'source' ? 'older, here' : 'newer, there'
      const [side, loser] =
        conflict_resolution === 'source' ? [job.destination, 'newer, there'] : [job.source, 'older, here']
      expect([conflict_resolution, textAt(job.source, 'a.txt')]).toEqual([conflict_resolution, winner])
      expect(textAt(job.destination, 'a.txt')).toBe(winner)
      const kept = paths(side).find((path) => path.includes('(conflict'))
      expect(textAt(side, kept!)).toBe(loser)
      // It stays where it is.
      const before = [paths(job.source), paths(job.destination)]
      expect(await job.run()).toMatchObject({ status: 'no_changes' })
      expect([paths(job.source), paths(job.destination)]).toEqual(before)
    }
  })
})

describe('later runs', () => {
  test('carry edits made on either side to the other, and know their own writes', async () => {
    const job = await rig.job(sync, {
      source: aTree({ 'a.txt': 'a', 'd/b.txt': 'b' }),
      destination: aTree({ 'c.txt': 'c' }),
    })
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'edited here')
    writeFileSync(join(job.destination, 'd/b.txt'), 'edited there')
    writeFileSync(join(job.source, 'c.txt'), 'came from there, edited here')
    mkdirSync(join(job.destination, 'new'))
    writeFileSync(join(job.destination, 'new/n.txt'), 'n')
    const ran = await job.run()
    expect(ran).toMatchObject({ status: 'completed' })
    expect(textAt(job.destination, 'a.txt')).toBe('edited here')
    expect(textAt(job.source, 'd/b.txt')).toBe('edited there')
    expect(textAt(job.destination, 'c.txt')).toBe('came from there, edited here')
    expect(textAt(job.source, 'new/n.txt')).toBe('n')
    await converged(job)
  })

  test('of two edits the later one wins on both sides; the other is kept beside it where it was made', async () => {
    const job = await rig.job(sync, { source: aTree({ 'a.txt': 'a', 'b.txt': 'b' }) })
    await job.run()
    const write = (side: string, name: string, text: string, seconds: number): void => {
      writeFileSync(join(side, name), text)
      utimesSync(join(side, name), seconds, seconds)
    }
    write(job.source, 'a.txt', 'a here, older', 1_700_000_000)
    write(job.destination, 'a.txt', 'a there, newer', 1_700_001_000)
    write(job.source, 'b.txt', 'b here, newer', 1_700_001_000)
    write(job.destination, 'b.txt', 'b there, older', 1_700_000_000)
    await job.run()
    for (const side of [job.source, job.destination]) {
      expect(textAt(side, 'a.txt')).toBe('a there, newer')
      expect(textAt(side, 'b.txt')).toBe('b here, newer')
    }
    const kept = (side: string): string[] => paths(side).filter((path) => path.includes('(conflict'))
    expect(kept(job.source).map((path) => textAt(job.source, path))).toEqual(['a here, older'])
    expect(kept(job.destination).map((path) => textAt(job.destination, path))).toEqual(['b there, older'])
    expect(await job.run()).toMatchObject({ status: 'no_changes' })
  })

  test.each([
    ['latest', 'there, newer'],
    ['source', 'here, older'],
    ['destination', 'there, newer'],
  ])('conflict_resolution %s overwrites the loser', async (conflict_resolution, winner) => {
    const job = await rig.job({ ...sync, conflict_resolution }, { source: aTree({ 'a.txt': 'a' }) })
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'here, older')
    utimesSync(join(job.source, 'a.txt'), 1_700_000_000, 1_700_000_000)
    writeFileSync(join(job.destination, 'a.txt'), 'there, newer')
    utimesSync(join(job.destination, 'a.txt'), 1_700_001_000, 1_700_001_000)
    await job.run()
    expect(textAt(job.source, 'a.txt')).toBe(winner)
    expect(paths(job.destination)).toEqual(['a.txt'])
    await converged(job)
  })

  test('conflict_resolution failure flags it and touches neither', async () => {
    const job = await rig.job({ ...sync, conflict_resolution: 'failure' }, { source: aTree({ 'a.txt': 'a' }) })
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'edited here')
    writeFileSync(join(job.destination, 'a.txt'), 'edited there')
    const ran = await job.run()
    expect(ran.reasons).toMatchObject({ 'retry conflict': 1 })
    expect([textAt(job.source, 'a.txt'), textAt(job.destination, 'a.txt')]).toEqual(['edited here', 'edited there'])
  })
})

describe('deletes', () => {
  const tree = aTree({ 'a.txt': 'a', 'b.txt': 'b', 'd/c.txt': 'c', 'e/f.txt': 'f', 'stays.txt': 's' })

  async function afterDeletes(delete_propagation: string): Promise<Job> {
    const job = await rig.job({ ...sync, delete_propagation }, { source: tree })
    await job.run()
    rmSync(join(job.source, 'a.txt'))
    rmSync(join(job.source, 'd'), { recursive: true })
    rmSync(join(job.destination, 'b.txt'))
    rmSync(join(job.destination, 'e'), { recursive: true })
    await job.run()
    return job
  }

  test('mirror deletes on each side what was deleted on the other', async () => {
    const job = await afterDeletes('mirror')
    expect(paths(job.source)).toEqual(['stays.txt'])
    await converged(job)
  })

  test('ignore_source follows those at the destination alone, ignore_destination those at the source', async () => {
    const ofDestination = await afterDeletes('ignore_source')
    expect(paths(ofDestination.source)).toEqual(['stays.txt'])
    expect(paths(ofDestination.destination)).toEqual(['a.txt', 'd/', 'd/c.txt', 'stays.txt'])
    expect(await ofDestination.run()).toMatchObject({ status: 'no_changes' })
    const ofSource = await afterDeletes('ignore_destination')
    expect(paths(ofSource.source)).toEqual(['b.txt', 'e/', 'e/f.txt', 'stays.txt'])
    expect(paths(ofSource.destination)).toEqual(['stays.txt'])
    expect(await ofSource.run()).toMatchObject({ status: 'no_changes' })
  })

  test('ignore_both, which is what is done when nothing is said, deletes nothing and brings nothing back', async () => {
    const job = await afterDeletes('ignore_both')
    expect(paths(job.source)).toEqual(['b.txt', 'e/', 'e/f.txt', 'stays.txt'])
    expect(paths(job.destination)).toEqual(['a.txt', 'd/', 'd/c.txt', 'stays.txt'])
    expect(await job.run()).toMatchObject({ status: 'no_changes' })
  })

  test('an edit beats a delete, in a folder that is gone too', async () => {
    const job = await rig.job(mirror, { source: tree })
    await job.run()
    rmSync(join(job.source, 'a.txt'))
    writeFileSync(join(job.destination, 'a.txt'), 'edited there')
    rmSync(join(job.source, 'd'), { recursive: true })
    writeFileSync(join(job.destination, 'd/c.txt'), 'edited there')
    rmSync(join(job.destination, 'e'), { recursive: true })
    writeFileSync(join(job.source, 'e/new.txt'), 'new here')
    await job.run()
    expect(paths(job.source)).toEqual(['a.txt', 'b.txt', 'd/', 'd/c.txt', 'e/', 'e/new.txt', 'stays.txt'])
    expect(textAt(job.source, 'd/c.txt')).toBe('edited there')
    await converged(job)
  })

  test('many wait for a person’s yes, whichever side they are on', async () => {
    const job = await rig.job(mirror, { source: aTree({ ...many(150, (n) => `d/f${n}`), 'stays.txt': 's' }) })
    await job.run()
    rmSync(join(job.destination, 'd'), { recursive: true })
    const before = look(job.source)
    expect(await job.run({ approve: () => false })).toMatchObject({ status: 'cancelled' })
    expect(touched(before, look(job.source))).toEqual([])
    await job.run({ approve: () => true })
    expect(paths(job.source)).toEqual(['stays.txt'])
    await converged(job)
  })

  test('a destination that was emptied as a whole waits, too', async () => {
    const job = await rig.job(mirror, { source: aTree({ ...many(120, (n) => `f${n}`) }) })
    await job.run()
    for (const path of paths(job.destination)) rmSync(join(job.destination, path), { recursive: true })
    expect(await job.run({ approve: () => false })).toMatchObject({ status: 'cancelled' })
    expect(paths(job.source)).toHaveLength(120)
  })

  test('what is made anew on one side after it was deleted arrives again', async () => {
    const job = await rig.job(mirror, { source: tree })
    await job.run()
    renameSync(join(job.destination, 'd'), join(rig.folder, 'aside-sync'))
    await job.run()
    expect(paths(job.source)).not.toContain('d/')
    renameSync(join(rig.folder, 'aside-sync'), join(job.destination, 'd'))
    await job.run()
    expect(textAt(job.source, 'd/c.txt')).toBe('c')
    await converged(job)
  })
})

test('filters of either side leave out what they name, and protect it', async () => {
  const job = await rig.job(
    {
      ...mirror,
      filter: {
        source: [{ action: 'exclude', rules: [{ extensions: ['tmp'], type: 'filter_extension' }] }],
        destination: [{ action: 'exclude', rules: [{ extensions: ['bak'], type: 'filter_extension' }] }],
      },
    },
    { source: aTree({ 'a.tmp': 'a', 'a.txt': 'a' }), destination: aTree({ 'b.bak': 'b', 'b.tmp': 'b', 'b.txt': 'b' }) },
  )
  await job.run()
  expect(paths(job.source)).toEqual(['a.tmp', 'a.txt', 'b.txt'])
  expect(paths(job.destination)).toEqual(['a.txt', 'b.bak', 'b.tmp', 'b.txt'])
  expect(await job.run()).toMatchObject({ status: 'no_changes' })
})

test('a simulation says what would go which way, and touches neither side', async () => {
  const job = await rig.job(
    { ...mirror, simulation_mode: true },
    { source: aTree({ 'a.txt': 'a' }), destination: aTree({ 'd/b.txt': 'b' }) },
  )
  const before = { source: look(job.source), destination: look(job.destination) }
  const ran = await job.run()
  expect(ran.reasons).toMatchObject({ 'success new': 3 })
  expect(touched(before.source, look(job.source))).toEqual([])
  expect(touched(before.destination, look(job.destination))).toEqual([])
})

test('goes through folders of more entries than memory holds', async () => {
  const small = new Rig({ entriesInMemory: 40 })
  try {
    const job = await small.job(mirror, {
      source: aTree(many(90, (n) => `here${n}`)),
      destination: aTree(many(90, (n) => `there${n}`)),
    })
    await job.run()
    expect(paths(job.source)).toHaveLength(180)
    await converged(job)
    rmSync(join(job.destination, 'here7'))
    writeFileSync(join(job.destination, 'there7'), 'edited')
    await job.run()
    expect(textAt(job.source, 'there7')).toBe('edited')
    expect(paths(job.source)).toHaveLength(179)
    await converged(job)
  } finally {
    await small.close()
  }
})
