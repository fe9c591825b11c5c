import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { ConnectorError } from '../../src/connector/errors.ts'
import type { Session } from '../../src/connector/connector.ts'
import { carryOutFrom, claimBatch } from '../../src/transfer/items/batch_pipeline.ts'
import { claimed, holder } from '../ledger/rig.ts'
import { listContainers } from '../../src/transfer/listing/list_containers.ts'
import { many, paths } from './a_tree.ts'
import { InThisThread } from './in_this_thread.ts'

let job: InThisThread
afterEach(() => job.remove())

function differences(): string[] {
  return compareTrees(job.at.source, job.at.destination, { folderTimes: false }).differences
}

/** Counts calls that are under way at once. */
function watch<K extends 'stage' | 'publish' | 'makeContainer'>(session: Session, call: K) {
  const seen = { calls: 0, most: 0 }
  let now = 0
  const real = session[call].bind(session) as (...args: unknown[]) => Promise<unknown>
  const watched = async (...args: unknown[]): Promise<unknown> => {
    seen.calls += 1
    seen.most = Math.max(seen.most, ++now)
    try {
      return await real(...args)
    } finally {
      now -= 1
    }
  }
  Object.assign(session, { [call]: watched })
  return seen
}

test('as many contents are staged and published at once as were asked for, with two commits for each batch', async () => {
  job = new InThisThread({}, {}, 8)
  await job.list(many(100, (n) => `f${n}`, 'x'))
  const { destination, ledger } = job.context
  const [stagings, publishings] = [watch(destination, 'stage'), watch(destination, 'publish')]
  let commits = 0
  for (const call of ['staged', 'finished'] as const) {
    const real = ledger[call].bind(ledger) as (...args: unknown[]) => Promise<void>
    Object.assign(ledger, { [call]: (...args: unknown[]) => ((commits += 1), real(...args)) })
  }
  await job.copy()
  expect(differences()).toEqual([])
  // Of eight contents on their way some are read just now.
  expect(stagings.calls).toBe(100)
  expect(stagings.most).toBeGreaterThan(2)
  expect(stagings.most).toBeLessThanOrEqual(8)
  expect(publishings).toEqual({ calls: 100, most: 8 })
  expect(commits).toBe(2)
})

test('the contents of two files that are read at once never mix', async () => {
  job = new InThisThread({}, {}, 32)
  await job.list({ ...many(60, (n) => `f${n}`, '40 KB'), ...many(4, (n) => `long${n}`, '3 MB') })
  await job.copy()
  expect(differences()).toEqual([])
})

test('a folder that many files need is made once', async () => {
  job = new InThisThread({}, { emptyContainers: 'skip' }, 16)
  await job.list({ ...many(40, (n) => `a/b/f${n}`, 'x'), 'a/b/long': '1 MB' })
  const made = watch(job.context.destination, 'makeContainer')
  await job.copy()
  expect(differences()).toEqual([])
  expect(made.calls).toBe(2)
})

test('a new folder that cannot be filled as a whole, while many files are on their way into it, loses none of them', async () => {
  job = new InThisThread({}, {}, 8)
  await job.list(many(40, (n) => `new/f${n}`, 'x'))
  const { destination } = job.context
  const real = destination.newContainers!
  let puts = 0
  const failing = {
    stage: real.stage.bind(real),
    publish: real.publish.bind(real),
    discard: real.discard.bind(real),
    put: (...args: Parameters<typeof real.put>) => {
      puts += 1
      if (puts === 5) return Promise.reject(new ConnectorError('Locked', 'in use'))
      return real.put(...args)
    },
  }
  Object.assign(destination, { newContainers: failing })
  await job.copy()
  expect(puts).toBeGreaterThan(4)
  expect(puts).toBeLessThan(40)
  expect(differences()).toEqual([])
  const { byStatus } = await job.ledgerRig.ledger.end(1)
  expect(byStatus).toMatchObject({ success: { items: 41 }, retry: { items: 0 }, pending: { items: 0 } })
})

test('trouble with a connection stops what has not begun, and what was done is on record', async () => {
  job = new InThisThread({}, {}, 8)
  await job.list(many(100, (n) => `f${n}`, 'x'))
  const { destination, ledger } = job.context
  const real = destination.publish.bind(destination)
  let published = 0
  destination.publish = (...args) => {
    published += 1
    if (published === 40) return Promise.reject(new ConnectorError('RootGone', 'is gone'))
    return real(...args)
  }
  const first = claimed(await claimBatch(job.context, holder('copy')))
  const carried = carryOutFrom(job.context, first, { holder: holder('copy'), stop: job.stop(), width: 8 })
  await expect(carried).rejects.toMatchObject({ name: 'SideTrouble', code: 'RootGone' })
  const arrived = paths(job.at.destination).length
  expect(arrived).toBeGreaterThanOrEqual(39)
  expect(arrived).toBeLessThan(60)
  expect(readdirSync(job.at.destination).filter((name) => name.startsWith('.~'))).toEqual([])
  const { byStatus } = await ledger.end(1)
  expect(byStatus).toMatchObject({
    success: { items: arrived },
    pending: { items: 100 - arrived },
    retry: { items: 0 },
  })
})

test('a batch holds no more in memory than there are operations for: what is staged is published in between', async () => {
  job = new InThisThread({}, {}, 1)
  await job.list(many(5, (n) => `f${n}`, '3 MB'))
  const { destination } = job.context
  let held = 0
  let most = 0
  const [stage, publish] = [destination.stage.bind(destination), destination.publish.bind(destination)]
  destination.stage = (spec) => {
    held += Number(spec.sizeBytes)
    most = Math.max(most, held)
    return stage(spec)
  }
  destination.publish = async (staged, target) => {
    const item = await publish(staged, target)
    held -= Number(staged.sizeBytes)
    return item
  }
  await job.copy()
  expect(differences()).toEqual([])
  expect(most).toBeLessThanOrEqual(8 * 1024 * 1024)
})

test('a folder that was removed since it was listed is made again once, and every file on its way into it arrives', async () => {
  job = new InThisThread({}, {}, 8)
  await job.list(
    many(30, (n) => `d/f${n}`, 'x'),
    { 'd/theirs': 'y' },
  )
  rmSync(join(job.at.destination, 'd'), { recursive: true })
  await job.copy()
  expect(differences()).toEqual([])
  const { byStatus } = await job.ledgerRig.ledger.end(1)
  expect(byStatus).toMatchObject({ retry: { items: 0 }, pending: { items: 0 } })
})

test('listings are under way side by side, and what one finds is listed while others still wait', async () => {
  job = new InThisThread({}, {}, 16)
  await job.open(many(60, (n) => `${n % 4}/${n % 12}/${n % 30}/f${n}`, 'x'))
  const { source } = job.context
  const list = source.list.bind(source)
  let now = 0
  let most = 0
  source.list = async function* (...args) {
    most = Math.max(most, ++now)
    yield* list(...args)
    now -= 1
  }
  const how = { holder: holder('list'), stop: job.stop(), width: 16 }
  expect(await listContainers(job.context, how)).toBe('closed')
  expect(most).toBeGreaterThan(4)
  expect(most).toBeLessThanOrEqual(16)
  await job.copy()
  expect(differences()).toEqual([])
})
