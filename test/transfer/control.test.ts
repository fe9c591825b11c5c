import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { aTree, contentOf, look, many, touched } from './a_tree.ts'
import { Rig, type Job, type Ran } from './rig.ts'
import { Abandoned, type PlayOptions } from './play.ts'
import type { Beat } from '../../src/transfer/engine/engine.ts'
import type { SliceResult } from '../../workflows/messages.ts'

const rig = new Rig()
afterAll(() => rig.close())

const mebibyte = 1 << 20

/** An execution under way, and how its slices end. */
class Running {
  readonly job: Job
  readonly ran: Promise<Ran>
  readonly #cancelling = new AbortController()
  readonly #paused = new Set<string>()
  #left = false

  constructor(job: Job, options: PlayOptions = {}) {
    this.job = job
    this.ran = job.run({
      ...options,
      signal: this.#cancelling.signal,
      onSlice: ({ state }, lane) => {
        if (this.#left) throw new Abandoned()
        if (state === 'paused') this.#paused.add(lane)
      },
    })
    // Whoever leaves it does not care how it ends.
    this.ran.catch(() => undefined)
  }

  /** As when its process is gone: nothing is called again. */
  leave(): void {
    this.#left = true
  }

  async until(what: () => boolean): Promise<void> {
    for (let i = 0; !what(); i++) {
      if (i > 20_000) throw new Error('waited in vain')
      await sleep(1)
    }
  }

  /** @returns milliseconds until all writing lanes have said that they stopped */
  async pause(): Promise<number> {
    this.#paused.clear()
    const began = performance.now()
    await this.job.control({ paused: true })
    await this.until(() => this.#paused.has('transfer-0'))
    return performance.now() - began
  }

  async resume(): Promise<Ran> {
    await this.job.control({ paused: false })
    return this.ran
  }

  async cancel(): Promise<Ran> {
    this.#cancelling.abort()
    return this.ran
  }

  get staged(): { name: string; size: number; inode: number } | undefined {
    const name = readdirSync(this.job.destination).find((one) => one.startsWith('.~'))
    const stats = name === undefined ? undefined : statSync(join(this.job.destination, name), { throwIfNoEntry: false })
    return stats && { name: name!, size: stats.size, inode: stats.ino }
  }
}

/** Bytes that this process has given to write calls. */
function written(): number {
  return Number(/^wchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

const folders = 20
const files = 3_000
const manyFiles = {
  source: aTree(many(files, (n) => `d${n % folders}/f${n}`, '1 KB')),
  /** Some have arrived, and most have not. */
  under: (job: Job) => readdirSync(job.destination).filter((name) => name.startsWith('d')).length >= 2,
}

const master = join(rig.folder, 'large.bin')
writeFileSync(master, contentOf('large', '240 MB'))
/** Another name of one file: it is made in no time. */
const largeFile = (root: string): void => {
  mkdirSync(root)
  linkSync(master, join(root, 'large.bin'))
}
const largeBytes = 240 * mebibyte
const oneWriter = { performance: { parallel_writes: { requested: 1 } } }

describe('a pause', () => {
  test('in the middle of many files answers soon, nothing is written while it lasts, and it goes on to the end', async () => {
    const running = new Running(await rig.job(oneWriter, manyFiles))
    const { job } = running
    await running.until(() => manyFiles.under(job))
    expect(await running.pause()).toBeLessThan(10_000)
    const during = look(job.destination)
    expect(during.size).toBeLessThan(files + folders)
    await sleep(300)
    expect(touched(during, look(job.destination))).toEqual([])
    expect(job.litter()).toEqual([])
    expect(await running.resume()).toMatchObject({ status: 'completed', failed: 0 })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
    const after = look(job.destination)
    for (const [path, { inode, kind }] of during) if (kind === 'file') expect(after.get(path)?.inode).toBe(inode)
  })

  test('inside a large file answers soon, and the file is gone on with where it was put down', async () => {
    const running = new Running(await rig.job(oneWriter, { source: largeFile }))
    await running.until(() => (running.staged?.size ?? 0) > 48 * mebibyte)
    expect(await running.pause()).toBeLessThan(10_000)
    const half = running.staged!
    expect(half.size).toBeGreaterThan(16 * mebibyte)
    expect(half.size).toBeLessThan(largeBytes)
    await sleep(300)
    expect(running.staged).toEqual(half)
    expect(running.job.explain('large.bin').partialBytes).toBe(BigInt(half.size))

    const before = written()
    await running.resume()
    expect(written() - before).toBeLessThan(largeBytes - half.size + 20 * mebibyte)
    expect(statSync(join(running.job.destination, 'large.bin')).ino).toBe(half.inode)
    expect(compareTrees(running.job.source, running.job.destination).differences).toEqual([])
  })

  test('outlasts the worker: another one goes on with the large file', async () => {
    const running = new Running(await rig.job(oneWriter, { source: largeFile }))
    const { job } = running
    await running.until(() => (running.staged?.size ?? 0) > 16 * mebibyte)
    await running.pause()
    const half = running.staged!
    running.leave()
    await expect(running.ran).rejects.toThrow(Abandoned)
    await rig.restart()
    await job.control({ paused: false })
    expect(await job.resume({ execution: 1 })).toMatchObject({ status: 'completed' })
    expect(statSync(join(job.destination, 'large.bin')).ino).toBe(half.inode)
  })

  test('inside a large file that is paused again while its beginning is hashed loses nothing of it', async () => {
    const running = new Running(await rig.job(oneWriter, { source: largeFile }))
    await running.until(() => (running.staged?.size ?? 0) > 48 * mebibyte)
    await running.pause()
    const half = running.staged!
    await running.job.control({ paused: false })
    await sleep(60)
    await running.pause()
    expect(running.staged!.size).toBeGreaterThanOrEqual(half.size)
    expect(running.staged!.inode).toBe(half.inode)
    expect(await running.resume()).toMatchObject({ status: 'completed' })
    expect(compareTrees(running.job.source, running.job.destination).differences).toEqual([])
  })

  test.each<[string, (job: Job, staged: string) => void]>([
    ['the staged part was removed', (_job, staged) => unlinkSync(staged)],
    ['the staged part was cut', (_job, staged) => truncateSync(staged, 1_000)],
    ['the staged part was overwritten', (_job, staged) => writeFileSync(staged, Buffer.alloc(150 * mebibyte, 'x'))],
    [
      'the source changed',
      (job) => {
        unlinkSync(join(job.source, 'large.bin'))
        writeFileSync(join(job.source, 'large.bin'), Buffer.alloc(100 * mebibyte, 'y'))
      },
    ],
  ])('in which %s ends with the whole source at the destination', async (_what, meanwhile) => {
    const running = new Running(await rig.job(oneWriter, { source: largeFile }))
    await running.until(() => (running.staged?.size ?? 0) > 16 * mebibyte)
    await running.pause()
    meanwhile(running.job, join(running.job.destination, running.staged!.name))
    expect(await running.resume()).toMatchObject({ status: 'completed', failed: 0 })
    expect(compareTrees(running.job.source, running.job.destination).differences).toEqual([])
  })
})

describe('a cancel', () => {
  test('in the middle of many files finishes what is in hand, leaves no litter, and the next execution does the rest', async () => {
    const running = new Running(await rig.job(oneWriter, manyFiles))
    const { job } = running
    await running.until(() => manyFiles.under(job))
    const ran = await running.cancel()
    expect(ran.status).toBe('cancelled')
    const during = look(job.destination)
    const arrived = [...during.values()].filter(({ kind }) => kind === 'file').length
    expect(arrived).toBeLessThan(files)
    expect(ran.balance!.byStatus.pending.items).toBeGreaterThan(0)
    const recorded = [...job.rows().values()].filter(({ kind, state }) => kind === 'item' && state === 'success').length
    expect(recorded).toBe(arrived)

    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0 })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
    const after = look(job.destination)
    for (const [path, { inode, kind }] of during) if (kind === 'file') expect(after.get(path)?.inode).toBe(inode)
  })

  test('inside a large file leaves nothing of it', async () => {
    const running = new Running(await rig.job(oneWriter, { source: largeFile }))
    await running.until(() => (running.staged?.size ?? 0) > 16 * mebibyte)
    expect((await running.cancel()).status).toBe('cancelled')
    expect(readdirSync(running.job.destination)).toEqual([])
    expect(running.job.explain('large.bin')).toMatchObject({ state: 'pending', tries: 0, strikes: 0 })
    expect(await running.job.run()).toMatchObject({ status: 'completed' })
  })

  test('that nobody could wind down, as when its workflow is terminated, is cleared up after by the next execution', async () => {
    const running = new Running(await rig.job(oneWriter, { source: largeFile }))
    const { job } = running
    await running.until(() => (running.staged?.size ?? 0) > 16 * mebibyte)
    await running.pause()
    running.leave()
    await expect(running.ran).rejects.toThrow(Abandoned)
    await rig.restart()
    await job.control({ paused: false })
    expect(job.litter()).toHaveLength(1)
    // Without litter, which is looked for after each execution.
    expect(await job.resume({ execution: 2 })).toMatchObject({ status: 'completed' })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  })
})

test('a worker that ends puts a large file down within seconds, and the next one goes on with it', async () => {
  const running = new Running(await rig.job(oneWriter, { source: largeFile }))
  const { job } = running
  await running.until(() => (running.staged?.size ?? 0) > 32 * mebibyte)
  running.leave()
  const told = performance.now()
  await rig.restart()
  expect(performance.now() - told).toBeLessThan(5_000)
  await expect(running.ran).rejects.toThrow(Abandoned)
  const half = running.staged!
  expect(half.size).toBeLessThan(largeBytes)
  expect(job.explain('large.bin').partialBytes).toBe(BigInt(half.size))
  expect(await job.resume({ execution: 1 })).toMatchObject({ status: 'completed' })
  expect(statSync(join(job.destination, 'large.bin')).ino).toBe(half.inode)
})

test('a slice says what is in hand while it works, and how far it is', async () => {
  const names = ['1', '2', '3', '4', '5', '6']
  const job = await rig.job(oneWriter, {
    source: (root) => {
      mkdirSync(root)
      for (const name of names) linkSync(master, join(root, name))
    },
  })
  const beats: Beat[] = []
  await job.run({ onBeat: (beat) => beats.push(beat) })
  const told = beats.filter(({ inHand, bytes }) => /^\/[1-6]$/.test(inHand ?? '') && bytes > 0)
  expect(told.length).toBeGreaterThan(0)
})

test('a slice begun again while it still runs here waits until its own predecessor has stopped, and blames no item for it', async () => {
  const job = await rig.job({}, { source: aTree({ long: '200 MB' }) })
  await rig.engine.initialize({ jobId: job.id, execution: 1 })
  const input = { jobId: job.id, execution: 1, width: 1, sliceMs: 20_000 }
  const run = { signal: new AbortController().signal, onBeat: () => undefined }
  await rig.engine.enumerate({ ...input, lane: 'enumerate' }, run)
  // The server lost sight of each of them in turn.
  const slices: Promise<SliceResult>[] = []
  for (let n = 0; n < 6; n++) {
    slices.push(rig.engine.transfer({ ...input, lane: 'transfer' }, run))
    await sleep(50)
  }
  const ends = await Promise.all(slices)
  expect(ends.at(-1)).toMatchObject({ state: 'finished', failed: 0 })
  expect(await job.resume({ execution: 1 })).toMatchObject({ status: 'completed', flagged: 0 })
  expect(compareTrees(job.source, job.destination).differences).toEqual([])
})
