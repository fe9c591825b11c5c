import { chmodSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, jest, test } from '@jest/globals'
import { ConnectorError } from '../../src/connector/errors.ts'
import { ledgerFile } from '../../src/home/home.ts'
import { carryOutFrom, claimBatch } from '../../src/transfer/items/batch_pipeline.ts'
import { finishContainers } from '../../src/transfer/items/finish_container.ts'
import { holder, now } from '../ledger/rig.ts'
import { aTree, look, textAt, touched } from './a_tree.ts'
import { die } from './die.ts'
import { InThisThread } from './in_this_thread.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

/** One folder that is published as a whole, one that is made by itself, and one of each inside it. */
const source = aTree({
  'empty/': { mode: 0o755 },
  'whole/': { mode: 0o755 },
  'whole/a.txt': 'a',
  'whole/b.txt': 'b',
  'large/': { mode: 0o755 },
  'large/inner/': { mode: 0o755 },
  'large/inner/c.txt': '5 MB',
})
const theirs = ['empty', 'whole', 'large', 'large/inner']
const settings = { permissions: { policy: 'add' }, performance: { parallel_writes: { requested: 1 } } }

/** @param mode as closed as the job makes its own, or not */
function makeTheirs(job: Job, mode: number): void {
  for (const path of theirs) {
    mkdirSync(join(job.destination, path), { recursive: true })
    chmodSync(join(job.destination, path), mode)
  }
}

describe('a folder that somebody else makes between the listing and the making of ours', () => {
  test.each([
    ['with permissions', settings, 0o700],
    ['without permissions', {}, 0o711],
    ['with empty folders left out', { ...settings, empty_containers: 'skip' }, 0o700],
  ])('keeps its times, owner and mode, %s, and is merged with', async (_, transfer, mode) => {
    const job = await rig.job(transfer, { source })
    let before = look(job.destination)
    const ran = await job.run({
      afterListing: () => {
        makeTheirs(job, mode)
        before = look(job.destination)
      },
    })
    const skipsEmpty = 'empty_containers' in transfer
    expect(ran).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(ran.reasons).toEqual({
      'success new': 3,
      'success matched': skipsEmpty ? 3 : 4,
      ...(skipsEmpty ? { 'skipped empty_container': 1 } : {}),
    })
    expect(ran.balance?.containersMade).toBe(0)
    const after = look(job.destination)
    for (const path of theirs) {
      expect([path, after.get(path)?.mode]).toEqual([path, mode])
      expect(after.get(path)?.inode).toBe(before.get(path)?.inode)
      expect(after.get(path)?.modifiedNs).not.toBe(look(job.source).get(path)?.modifiedNs)
    }
    expect(touched(before, after)).not.toContain('empty')
    expect(textAt(job.destination, 'whole/b.txt')).toBe('b')
    expect(job.audit({ type: 'merged' }).map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^whole was made by somebody else meanwhile; it is merged with/),
    )
    expect(job.audit({ type: 'created' })).toEqual([])
    // An empty folder that was left out is there now, and matched.
    expect((await job.run()).status).toBe(skipsEmpty ? 'completed' : 'no_changes')
    for (const path of theirs) expect(look(job.destination).get(path)?.mode).toBe(mode)
  })
})

describe('a folder of which a holder died that was to make it', () => {
  const nested = aTree({ 'd/': { mode: 0o755 }, 'd/e/': { mode: 0o755 }, 'd/e/f/': { mode: 0o755 } })

  test('is ours when it looks as we made it: it gets its times and mode', async () => {
    const job = await rig.job(settings, { source: nested })
    await die(job, 'container:after#2', 1)
    expect(look(job.destination).get('d/e')?.mode).toBe(0o700)
    await job.resume({ execution: 1 })
    const [from, to] = [look(job.source), look(job.destination)]
    for (const path of ['d', 'd/e', 'd/e/f']) {
      expect([path, to.get(path)?.mode]).toEqual([path, 0o755])
      expect(to.get(path)?.modifiedNs).toBe(from.get(path)?.modifiedNs)
    }
    expect((await job.run()).status).toBe('no_changes')
  })

  test('is somebody’s when it looks otherwise', async () => {
    const job = await rig.job(settings, { source: nested })
    await die(job, 'container:before#2', 1)
    mkdirSync(join(job.destination, 'd/e'))
    chmodSync(join(job.destination, 'd/e'), 0o711)
    await job.resume({ execution: 1 })
    const to = look(job.destination)
    expect([to.get('d')?.mode, to.get('d/e')?.mode, to.get('d/e/f')?.mode]).toEqual([0o755, 0o711, 0o755])
  })
})

describe('a folder that an execution made and could not record, as nobody went on with it', () => {
  const tree = aTree({
    'd/': { mode: 0o755 },
    'd/e/': { mode: 0o755 },
    'd/e/f/': { mode: 0o755 },
    'whole/': { mode: 0o755 },
    'whole/a.txt': 'a',
  })
  const folders = ['d', 'd/e', 'd/e/f', 'whole']

  function expectAsAtSource(job: Job): void {
    const [from, to] = [look(job.source), look(job.destination)]
    for (const path of folders) {
      expect([path, to.get(path)?.mode]).toEqual([path, 0o755])
      expect([path, to.get(path)?.modifiedNs]).toEqual([path, from.get(path)?.modifiedNs])
    }
  }

  test.each(['container:after', 'container:after#2', 'container:after#3', 'publish-container:after'])(
    'because its workflow was terminated, is ours to the next one (death at %s)',
    async (failpoint) => {
      const job = await rig.job(settings, { source: tree })
      await die(job, failpoint, 1)
      expect(await job.resume({ execution: 2 })).toMatchObject({ status: 'completed', failed: 0 })
      expectAsAtSource(job)
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  test('because it was cancelled then, is ours to the next one', async () => {
    const job = await rig.job(settings, { source: tree })
    await die(job, 'container:after', 1)
    await rig.engine.complete({ jobId: job.id, execution: 1 }, { kind: 'cancelled', why: 'asked to' })
    await job.resume({ execution: 2 })
    expectAsAtSource(job)
  })

  test('is somebody’s when it looks otherwise, or was made when nobody of ours was at it any more', async () => {
    for (const change of [
      (job: Job) => chmodSync(join(job.destination, 'd'), 0o711),
      (job: Job) => {
        const ledger = new DatabaseSync(ledgerFile(rig.home, job.id, 'real'))
        ledger.exec('UPDATE lease SET until_ms = until_ms - 60000')
        ledger.close()
      },
    ]) {
      const job = await rig.job(settings, { source: tree })
      await die(job, 'container:after', 1)
      change(job)
      const { mode } = look(job.destination).get('d')!
      await job.resume({ execution: 2 })
      expect(look(job.destination).get('d')?.mode).toBe(mode)
      expect(look(job.destination).get('d/e')?.mode).toBe(0o755)
    }
  })
})

describe('a destination root that is not there', () => {
  const asAtSource = { mode: 0o777, modifiedNs: 1_500_000_000_000_000_000n }

  async function arranged(): Promise<Job> {
    const parts = {
      source: (root: string) => {
        aTree({ 'a.txt': 'a' })(root)
        chmodSync(root, asAtSource.mode)
        utimesSync(root, 1_500_000_000, 1_500_000_000)
      },
      to: { path: '/a/b' },
    }
    return rig.job(settings, parts)
  }

  /** Somebody makes it himself. */
  function makeRoot(job: Job, mode: number): void {
    mkdirSync(join(job.destination, 'a/b'), { recursive: true })
    chmodSync(join(job.destination, 'a/b'), mode)
  }

  function expectOurs(job: Job, ours: boolean): void {
    const root = look(job.destination).get('a/b')
    if (ours) expect(root).toMatchObject(asAtSource)
    else expect([root?.mode, root?.modifiedNs]).not.toEqual(Object.values(asAtSource))
  }

  test.each([0o700, 0o711])(
    'and could not be made is somebody’s when somebody makes it later: nobody else is let in (mode %o)',
    async (mode) => {
      const job = await arranged()
      writeFileSync(join(job.destination, 'a'), 'in the way')
      expect((await job.run()).status).toBe('failed_to_start')
      rmSync(join(job.destination, 'a'))
      makeRoot(job, mode)
      expect((await job.run()).status).toBe('completed')
      expectOurs(job, false)
      expect(look(job.destination).get('a/b')?.mode).toBe(mode)
    },
  )

  test('is ours when a worker died right after it was made', async () => {
    const job = await arranged()
    await die(job, 'root:after', 1)
    expect((await job.resume({ execution: 1 })).status).toBe('completed')
    expectOurs(job, true)
  })

  test.each<[string, (job: Job) => void]>([
    ['is open to others', (job) => makeRoot(job, 0o711)],
    [
      'is older than that',
      (job) => {
        mkdirSync(join(job.destination, 'a'))
        renameSync(`${job.destination}.older`, join(job.destination, 'a/b'))
      },
    ],
  ])('is somebody’s when a worker died right before it was made, and what is there then %s', async (_, make) => {
    const job = await arranged()
    mkdirSync(`${job.destination}.older`, { mode: 0o700 })
    await sleep(2_100)
    await die(job, 'root:before', 1)
    make(job)
    expect((await job.resume({ execution: 1 })).status).toBe('completed')
    expectOurs(job, false)
  })

  test('is ours when it could be made at the second start', async () => {
    const job = await arranged()
    writeFileSync(join(job.destination, 'a'), 'in the way')
    await job.run()
    rmSync(join(job.destination, 'a'))
    await job.run()
    expectOurs(job, true)
  })
})

describe('a folder whose making failed on its way back', () => {
  const tree = { 'd/inner/': null, 'd/large': '2 MB' }

  test.each<[string, () => Error]>([
    ['with its connection', () => new ConnectorError('Unreachable', 'timed out')],
    ['by itself', () => new ConnectorError('AccessDenied', 'no')],
  ])('%s is ours when it is met again', async (_how, error) => {
    const job = new InThisThread()
    await job.list(tree)
    const { context } = job
    const { ledger, destination } = context
    const { makeContainer } = destination
    let failed = false
    destination.makeContainer = (...args) => {
      const made = makeContainer.apply(destination, args)
      if (failed) return made
      failed = true
      throw error()
    }
    for (let i = 0; i < 3; i++) {
      job.ledgerRig.nowMs += 3_600_000
      const claim = await claimBatch(context, holder('copy/0'))
      if (claim.state !== 'claimed') break
      await carryOutFrom(context, claim.claim, { holder: holder('copy/0'), stop: job.stop() }).catch(() => undefined)
      await context.pendingWrites.settled()
    }
    const { byStatus, byReason, containersMade } = await ledger.end(1)
    expect(byStatus.success.items).toBe(3)
    expect(byReason.map(({ reason }) => reason)).not.toContain('matched')
    expect(containersMade).toBe(2)
    await job.remove()
  })
})

test('a folder in the root gets its times, at whichever look the trust in the way to the root ends', async () => {
  const modified = 1_500_000_000
  for (let look = 1, looks = 1; look <= looks; look++) {
    const job = new InThisThread()
    await job.list({ 'd/': { modified }, 'd/x': 'one' })
    const { ledger } = job.ledgerRig
    const copying = await claimBatch(job.context, holder('copy'))
    if (copying.state === 'claimed')
      await carryOutFrom(job.context, copying.claim, { holder: holder('copy'), stop: job.stop() })
    const finishing = await ledger.claimContainersToFinalize(holder('finish'), 9, now)
    if (finishing.state !== 'claimed') throw new Error('nothing is to be finished')
    const { now: clock } = performance
    let calls = 0
    jest.spyOn(performance, 'now').mockImplementation(() => clock.call(performance) + (++calls >= look ? 1001 : 0))
    await finishContainers(job.context, finishing.claim, { stop: job.stop(), width: 1 })
    jest.restoreAllMocks()
    looks = calls
    expect([look, statSync(join(job.at.destination, 'd')).mtimeMs / 1000]).toEqual([look, modified])
    await job.context.pendingWrites.settled()
    await job.remove()
  }
})
