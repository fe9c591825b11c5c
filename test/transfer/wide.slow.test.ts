import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  linkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { aTree, look, many, touched, type Leaf } from './a_tree.ts'
import { Rig, type Job, type Ran } from './rig.ts'

/** Folders with more entries than this go by way of the disk. */
const few = 20
const narrow = new Rig({ entriesInMemory: few })
const broad = new Rig()
afterAll(async () => {
  await narrow.close()
  await broad.close()
})

/** What an execution decided, in an order of its own. */
function decisions(job: Job, { reasons, status, changed }: Ran): unknown {
  const rows = [...job.rows()].map(([path, row]) => {
    const { destinationName, kind, state, action, reason, why, keepAs, processing, gone } = row
    return [path, { destinationName, kind, state, action, reason, why, keepAs, processing, gone }]
  })
  return { reasons, status, changed, rows: rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) }
}

function contents(root: string): Record<string, string> {
  const files = [...look(root)].filter(([, { kind }]) => kind === 'file')
  return Object.fromEntries(files.map(([path]) => [path, readFileSync(join(root, path), 'utf8')]))
}

/** Names that meet, in one way or another, at a destination with Windows' rules. */
const name = fc.constantFrom(
  'a?b',
  'a*b',
  'a|b',
  'a?b',
  'a*b',
  'a_b',
  'A_B',
  'a_b (1)',
  'x',
  'X',
  'con',
  'x.',
  'é',
  'e\u0301',
)
const change = fc.record({
  kind: fc.constantFrom('write', 'write', 'write', 'delete', 'delete', 'rename', 'folder', 'edit', 'vanish', 'block'),
  name,
  other: name,
  text: fc.constantFrom('1', '22', '333'),
})
const rounds = fc.array(fc.array(change, { minLength: 4, maxLength: 12 }), { minLength: 2, maxLength: 2 })

/** The same on both sides, whatever order things are listed in. */
function apply(
  job: Job,
  { kind, name, other, text }: typeof change extends fc.Arbitrary<infer T> ? T : never,
  time: number,
): void {
  const source = join(job.source, 'wide', name)
  const destination = join(job.destination, 'wide', name)
  const write = (at: string): void => {
    writeFileSync(at, text)
    utimesSync(at, time, time)
  }
  try {
    switch (kind) {
      case 'write':
        return write(source)
      case 'delete':
        return rmSync(source, { recursive: true })
      case 'rename':
        return renameSync(source, join(job.source, 'wide', other))
      case 'folder':
        return void mkdirSync(source)
      case 'edit':
        return write(destination)
      case 'vanish':
        return rmSync(destination, { recursive: true })
      case 'block':
        return void mkdirSync(destination)
    }
  } catch (error) {
    // There is nothing of the name, or something else: then nothing happens.
    if (!/^E(NOENT|ISDIR|EXIST|NOTDIR|NOTEMPTY)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

describe('a folder wider than memory should hold', () => {
  test('is decided about as one that is not: whatever comes, goes, changes and collides on either side', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, fc.constantFrom('rename', 'warn'), async (all, duplicates) => {
        const filler = aTree(many(few + 5, (n) => `wide/filler ${n}`))
        const jobs: Job[] = []
        for (const rig of [narrow, broad])
          jobs.push(
            await rig.job({ duplicate_names: duplicates }, { source: filler, to: { auth: { names: 'windows' } } }),
          )
        let time = 1_690_000_000
        for (const changes of all) {
          const results: unknown[] = []
          const from = time
          for (const job of jobs) {
            time = from
            for (const one of changes) apply(job, one, (time += 10))
            const ran = await job.run()
            results.push({ decided: decisions(job, ran), contents: contents(job.destination) })
          }
          expect(results[0]).toEqual(results[1])
        }
        for (const job of jobs) for (const root of [job.source, job.destination]) rmSync(root, { recursive: true })
      }),
      { numRuns: 15, endOnFailure: true },
    )
  }, 120_000)

  test('is copied, and written to nowhere by the next run', async () => {
    const job = await narrow.job({}, { source: aTree(many(300, (n) => `wide/f${n}`)) })
    expect(await job.run()).toMatchObject({ status: 'completed', found: 301 })
    const before = look(job.destination)
    expect((await job.run()).status).toBe('no_changes')
    expect(touched(before, look(job.destination))).toEqual([])
  })

  test.each([
    ['is', narrow],
    ['and a narrow one are', broad],
  ])('%s counted while it is listed, for whoever watches', async (_what, rig) => {
    let found = 0
    const job = await rig.job({}, { source: aTree(many(100, (n) => `wide/f${n}`)) })
    const onSlice = ({ items }: { items: number }, lane: string): void => {
      if (lane.startsWith('enumerate')) found += items
    }
    await job.run({ onSlice })
    expect(found).toBe(101)
    found = 0
    await job.run({ onSlice })
    expect(found).toBe(101)
  })

  test('goes on after a death between two pieces of it: nothing is decided twice', async () => {
    const job = await narrow.job({}, { source: aTree(many(100, (n) => `wide/f${n}`)) })
    const ref = { jobId: job.id, execution: 1 }
    const run = { signal: new AbortController().signal, onBeat: () => undefined }
    await narrow.engine.initialize(ref)
    await narrow.engine.enumerate({ ...ref, lane: 'enumerate-0', width: 1, sliceMs: 0 }, run)
    await narrow.restart()
    expect(await job.resume({ execution: 1 })).toMatchObject({ status: 'completed', found: 101 })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  })

  test('is made again for what is new in it when it was deleted at the destination', async () => {
    const job = await narrow.job({}, { source: aTree(many(60, (n) => `wide/f${n}`)) })
    await job.run()
    rmSync(join(job.destination, 'wide'), { recursive: true })
    writeFileSync(join(job.source, 'wide/new'), 'new')
    expect(await job.run()).toMatchObject({ failed: 0, flagged: 0 })
    expect(readdirSync(join(job.destination, 'wide'))).toEqual(['new'])
  })

  test('finds conflicts, and keeps both', async () => {
    const theirs: Record<string, Leaf> = many(60, (n) => `wide/f${n}`, 'theirs')
    const job = await narrow.job(
      {},
      { source: aTree(many(60, (n) => `wide/f${n}`, 'ours')), destination: aTree(theirs) },
    )
    expect((await job.run()).reasons).toEqual({ 'success matched': 1, 'processed conflict_copy': 60 })
    expect(Object.values(contents(job.destination)).filter((text) => text === 'theirs')).toHaveLength(60)
  })

  test('reads what was only touched at the destination before it takes it for a conflict', async () => {
    const job = await narrow.job({}, { source: aTree(many(60, (n) => `wide/f${n}`, 'first')) })
    await job.run()
    linkSync(join(job.destination, 'wide/f7'), join(job.destination, 'another name'))
    writeFileSync(join(job.source, 'wide/f7'), 'second')
    expect((await job.run()).reasons).toMatchObject({ 'success changed': 1 })
    expect(readdirSync(join(job.destination, 'wide'))).toHaveLength(60)
    expect(readFileSync(join(job.destination, 'wide/f7'), 'utf8')).toBe('second')
  })

  test('is flagged when it has too many items, and none of it arrives', async () => {
    const job = await narrow.job({ max_items_per_container: 30 }, { source: aTree(many(31, (n) => `wide/f${n}`)) })
    expect((await job.run()).reasons).toEqual({ 'remediation too_many_items': 1 })
    unlinkSync(join(job.source, 'wide/f0'))
    expect(await job.run()).toMatchObject({ flagged: 0, failed: 0 })
    expect(readdirSync(join(job.destination, 'wide'))).toHaveLength(30)
  })
})

test('60,000 files in one folder arrive with memory that does not grow with their number', async () => {
  const names = many(60_000, (n) => `wide/a file with a name of some length, number ${n}.txt`, '')
  const job = await broad.job({ max_items_per_container: 100_000 }, { source: aTree(names) })
  const before = process.memoryUsage.rss()
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 50)
  expect(await job.run()).toMatchObject({ status: 'completed', found: 60_001, failed: 0 })
  clearInterval(watching)
  expect(readdirSync(join(job.destination, 'wide'))).toHaveLength(60_000)
  expect((most - before) / 2 ** 20).toBeLessThan(200)
  expect((await job.run()).status).toBe('no_changes')
}, 120_000)

test('a listing of many files is put down within moments when it is told to stop, however often, and flags nothing', async () => {
  const rig = new Rig({ entriesInMemory: 200 })
  try {
    const job = await rig.job({ max_items_per_container: 100_000 }, { source: aTree(many(5_000, (n) => `wide/f${n}`)) })
    const ref = { jobId: job.id, execution: 1 }
    await rig.engine.initialize(ref)
    const input = { ...ref, lane: 'enumerate', width: 1, sliceMs: 20_000 }
    for (let n = 0; n < 7; n++) {
      const ending = new AbortController()
      const slice = rig.engine.enumerate(input, { signal: ending.signal, onBeat: () => undefined })
      slice.catch(() => undefined)
      await sleep(150)
      const told = performance.now()
      ending.abort(new Error('the worker goes'))
      await expect(slice).rejects.toThrow('the worker goes')
      expect(performance.now() - told).toBeLessThan(2_000)
      if (n === 0) expect(job.rows().size).toBeLessThan(5_000)
    }
    expect(await job.resume({ execution: 1 })).toMatchObject({ status: 'completed', found: 5_001, flagged: 0 })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  } finally {
    await rig.close()
  }
})
