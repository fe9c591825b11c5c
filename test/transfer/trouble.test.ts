import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { ledgerFile } from '../../src/home/home.ts'
import { aTree, look, many, paths, textAt } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
const skipped: string[] = []
afterAll(async () => {
  await rig.close()
  if (skipped.length > 0) console.warn(`${skipped.length} skipped:\n${skipped.join('\n')}`)
})

/** A folder that was walked to is trusted for a second. */
const trustEnds = (): Promise<void> => sleep(1_100)

const failures = (job: Job): unknown[] => job.audit({ type: 'failed' }).map(({ detail }) => detail)

describe('a source file that', () => {
  const content = 'as it was listed'
  const changes: [string, (at: string) => void, string, string][] = [
    ['shrinks', (at) => truncateSync(at, 3), 'ShortRead', 'as '],
    ['is emptied', (at) => truncateSync(at, 0), 'ShortRead', ''],
    ['grows', (at) => appendFileSync(at, ', and more'), 'GrewWhileRead', `${content}, and more`],
    [
      'is rewritten with the same size',
      (at) => writeFileSync(at, 'AS IT WAS LISTED'),
      'ChangedWhileRead',
      'AS IT WAS LISTED',
    ],
    [
      'is rewritten with the same size and time',
      (at) => {
        writeFileSync(at, 'AS IT WAS LISTED')
        utimesSync(at, 1_685_577_601, 1_685_577_601)
      },
      'ChangedWhileRead',
      'AS IT WAS LISTED',
    ],
    [
      'is replaced by another file',
      (at) => {
        writeFileSync(`${at}~`, 'AS IT WAS LISTED')
        utimesSync(`${at}~`, 1_685_577_601, 1_685_577_601)
        renameSync(`${at}~`, at)
      },
      'ChangedWhileRead',
      'AS IT WAS LISTED',
    ],
  ]

  test.each(changes)(
    '%s after it was listed fails the first try, and arrives as it is now',
    async (_how, change, reason, now) => {
      const job = await rig.job({}, { source: aTree({ 'a.txt': content, 'b.txt': 'neighbour' }) })
      const ran = await job.run({ afterListing: () => change(join(job.source, 'a.txt')) })
      expect(failures(job)).toEqual([{ reason }])
      expect(textAt(job.destination, 'a.txt')).toBe(now)
      expect(textAt(job.destination, 'b.txt')).toBe('neighbour')
      expect(ran).toMatchObject({ status: 'completed', failed: 0, reasons: { 'success new': 2 } })
      const { reason: told, why } = job.explain('a.txt')
      expect({ told, why }).toEqual({ told: 'new', why: undefined })
      expect(ran.balance?.found.bytes).toBe(BigInt(now.length + 'neighbour'.length))
      unlinkSync(join(job.source, 'b.txt'))
      expect((await job.run()).status).toBe('no_changes')
      expect(job.explain('a.txt').source.sizeBytes).toBe(BigInt(now.length))
    },
  )

  test('keeps the words of its decision when it arrives at the second try', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': content }), destination: aTree({ 'a.txt': 'theirs' }) })
    await job.change({ conflict_resolution: 'source' })
    const ran = await job.run({ afterListing: () => truncateSync(join(job.source, 'a.txt'), 3) })
    expect(failures(job)).toEqual([{ reason: 'ShortRead' }])
    expect(ran.reasons).toEqual({ 'success conflict': 1 })
    expect(job.explain('a.txt')).toMatchObject({ reason: 'conflict', why: 'the source is preferred', state: 'success' })
  })

  test.each<[string, (at: string) => void, string]>([
    ['is deleted', (at) => unlinkSync(at), 'NotFound'],
    ['becomes a folder', (at) => void (unlinkSync(at), mkdirSync(at)), 'ChangedWhileRead'],
    ['becomes a link', (at) => (unlinkSync(at), symlinkSync('/etc/passwd', at)), 'Escapes'],
    ['becomes a pipe', (at) => void (unlinkSync(at), execFileSync('mkfifo', [at])), 'ChangedWhileRead'],
  ])('%s after it was listed is not transferred, and nobody waits for it', async (_how, change, reason) => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': content, 'b.txt': 'neighbour' }) })
    const ran = await job.run({ afterListing: () => change(join(job.source, 'a.txt')) })
    expect(failures(job)[0]).toEqual({ reason })
    expect(readdirSync(job.destination)).toEqual(['b.txt'])
    expect(ran).toMatchObject({ failed: 1 })
  })

  test.each<[string, (at: string) => void]>([
    ['shrinks', (at) => truncateSync(at, 1_000_000)],
    ['grows', (at) => appendFileSync(at, 'x')],
    [
      'changes where it was read already',
      (at) =>
        execFileSync('dd', ['if=/dev/urandom', `of=${at}`, 'bs=1', 'count=1', 'conv=notrunc'], { stdio: 'ignore' }),
    ],
  ])('%s while it is being read is never taken for transferred', async (_how, change) => {
    const job = await rig.job({}, { source: aTree({ 'large.bin': '150 MB' }) })
    let changed = false
    const watching = setInterval(() => {
      if (changed || !readdirSync(job.destination).some((name) => name.startsWith('.~'))) return
      changed = true
      change(join(job.source, 'large.bin'))
    }, 1)
    await job.run()
    clearInterval(watching)
    expect(changed).toBe(true)
    // The kernel cuts a file first and says when a moment later: its time may be for the next try, or the next run, to see.
    const reasons = new Set(failures(job).map((failure) => (failure as { reason: string }).reason))
    expect(reasons.size).toBeGreaterThan(0)
    expect(['ShortRead', 'GrewWhileRead', 'ChangedWhileRead']).toEqual(expect.arrayContaining([...reasons]))
    await job.run()
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  })

  test('never stops changing gets a strike, and nothing of it arrives', async () => {
    const job = await rig.job({}, { source: aTree({ 'log.txt': '40 MB', 'b.txt': 'neighbour' }) })
    const writing = setInterval(() => appendFileSync(join(job.source, 'log.txt'), 'x'), 1)
    const ran = await job.run()
    clearInterval(writing)
    expect(ran).toMatchObject({ failed: 1, status: 'failed' })
    expect(readdirSync(job.destination)).toEqual(['b.txt'])
    expect(job.explain('log.txt')).toMatchObject({ state: 'retry', tries: 3, strikes: 1 })
    expect((await job.run()).failed).toBe(0)
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  })
})

describe('a destination that changes between plan and write', () => {
  test('keeps a file that took the name meanwhile: nothing is overwritten that was not planned against', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'ours', 'b.txt': 'x' }) })
    const ran = await job.run({ afterListing: () => writeFileSync(join(job.destination, 'a.txt'), 'theirs') })
    expect(ran).toMatchObject({ failed: 1 })
    expect(textAt(job.destination, 'a.txt')).toBe('theirs')
    expect(failures(job)[0]).toEqual({ reason: 'Conflict' })
    // The next run sees both, and keeps both.
    await job.run()
    expect(readdirSync(job.destination)).toHaveLength(3)
  })

  test('keeps an edit made between the listing and the overwrite', async () => {
    const job = await rig.job({ conflict_resolution: 'source' }, { source: aTree({ 'a.txt': 'one' }) })
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'two')
    const ran = await job.run({ afterListing: () => writeFileSync(join(job.destination, 'a.txt'), 'edited') })
    expect(ran.failed).toBe(1)
    expect(failures(job)[0]).toEqual({ reason: 'PreconditionFailed' })
    expect(textAt(job.destination, 'a.txt')).toBe('edited')
  })

  test('a link swapped into the path is never followed', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/a.txt': 'x' }), destination: aTree({ 'd/theirs.txt': 'y' }) })
    const outside = join(rig.folder, 'outside')
    mkdirSync(outside)
    await job.run({
      afterListing: () => {
        rmSync(join(job.destination, 'd'), { recursive: true })
        symlinkSync(outside, join(job.destination, 'd'))
      },
    })
    expect(readdirSync(outside)).toEqual([])
  })
})

describe('a folder that cannot be listed', () => {
  test('fails only itself: it was removed after its parent was listed', async () => {
    // A folder in which each is alone: between the listing of the parent and its own another listing takes place.
    const job = await rig.job({}, { source: aTree({ ...many(40, (n) => `d${n}/f.txt`), 'gone/f.txt': 'x' }) })
    renameSync(join(job.source, 'gone'), join(job.source, 'z'))
    writeFileSync(join(job.source, 'not a folder'), 'x')
    const ran = await job.run()
    expect(ran).toMatchObject({ failed: 0 })
    expect(paths(job.destination)).toContain('z/f.txt')
  })

  const nobody = 65_534
  const as = ['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups']
  const runOnce = join(import.meta.dirname, 'run_once.ts')
  // A checkout in a folder closed to others can't be run by others.
  const mayRun = (file: string): boolean => spawnSync('setpriv', [...as, 'test', '-r', file]).status === 0
  const canBecome = process.geteuid?.() === 0 && mayRun(runOnce) && mayRun(process.execPath)
  const name = 'fails only itself: it may not be read'
  if (canBecome)
    test(name, () => {
      // Root reads everything, so the run is somebody else's, in a process of its own.
      const folder = join(rig.folder, 'unreadable')
      aTree({ 'open/a.txt': 'a', 'closed/b.txt': 'b', 'z.txt': 'z', 'unreadable.txt': 'x' })(join(folder, 'source'))
      mkdirSync(join(folder, 'destination'))
      execFileSync('chown', ['-R', `${nobody}:${nobody}`, folder])
      execFileSync('chmod', ['000', join(folder, 'source/closed'), join(folder, 'source/unreadable.txt')])
      execFileSync('chmod', ['755', rig.folder])
      const { stdout, stderr, status } = spawnSync('setpriv', [...as, process.execPath, runOnce, folder], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: folder },
      })
      execFileSync('chmod', ['-R', 'u+rwX', join(folder, 'source')])
      expect([status, stderr]).toEqual([0, ''])
      expect(JSON.parse(stdout)).toMatchObject({ failed: 2, flagged: 0, found: 5 })
      expect(paths(join(folder, 'destination'))).toEqual(['closed/', 'open/', 'open/a.txt', 'z.txt'])
    })
  else skipped.push(`${name} (not root, or others may not read this checkout)`)
})

describe('an item that fails', () => {
  /** Something of the name appears at the destination after each listing. */
  async function runBlocked(job: Job) {
    return job.run({ afterListing: () => void mkdirSync(join(job.destination, 'a.txt'), { recursive: true }) })
  }

  test('is tried three times in an execution, has one strike for it, and is flagged by the fourth execution', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'x', ...many(20, (n) => `n${n}`) }) })
    for (const strikes of [1, 2, 3]) {
      const ran = await runBlocked(job)
      rmSync(join(job.destination, 'a.txt'), { recursive: true })
      expect(ran).toMatchObject({ failed: 1, flagged: 0 })
      expect(job.explain('a.txt')).toMatchObject({ state: 'retry', tries: 3, strikes })
      expect(readdirSync(job.destination)).toHaveLength(20)
    }
    expect(await runBlocked(job)).toMatchObject({ failed: 0, flagged: 1 })
    rmSync(join(job.destination, 'a.txt'), { recursive: true })
    expect(job.explain('a.txt')).toMatchObject({ state: 'remediation', strikes: 4 })
    // Flagged, it is left alone until it changes.
    expect(await job.run()).toMatchObject({ flagged: 1 })
    expect(existsSync(join(job.destination, 'a.txt'))).toBe(false)
    writeFileSync(join(job.source, 'a.txt'), 'changed')
    expect(await job.run()).toMatchObject({ flagged: 0, failed: 0 })
    expect(textAt(job.destination, 'a.txt')).toBe('changed')
  })

  test('and arrives in the next execution has no strike left', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
    await runBlocked(job)
    rmSync(join(job.destination, 'a.txt'), { recursive: true })
    await job.run()
    expect(job.explain('a.txt')).toMatchObject({ state: 'success', strikes: 0 })
  })
})

describe('failure_policy halt', () => {
  test('writes nothing after the first failure, and leaves no staging', async () => {
    const job = await rig.job(
      { failure_policy: 'halt', performance: { parallel_writes: { requested: 4 } } },
      { source: aTree(many(400, (n) => `d${n % 4}/f${n}`, '1 KB')) },
    )
    const ran = await job.run({ afterListing: () => unlinkSync(join(job.source, 'd0/f200')) })
    expect(ran.status).toBe('failed')
    expect(ran.sentence).toMatch(/^halted by its first failure \(\/d0\/f200: source: does not exist/)
    const arrived = look(job.destination).size
    expect(arrived).toBeLessThan(400)
    const { success, pending, retry } = ran.balance!.byStatus
    expect(success.items + pending.items + retry.items).toBe(404)
    const failed = job.audit({ type: 'failed' })[0]!.recordedMs
    for (const [path, { changedNs, kind }] of look(job.destination))
      if (kind === 'file') expect([path, Number(changedNs / 1_000_000n) <= failed + 50]).toEqual([path, true])
  })

  test('halts for an item that the plan refuses, too', async () => {
    const job = await rig.job(
      { failure_policy: 'halt' },
      { source: aTree({ 'a/large.bin': '2 KB', 'b.txt': 'x' }), to: { auth: { max_size: 1024 } } },
    )
    const ran = await job.run()
    expect(ran.status).toBe('failed')
    expect(ran.sentence).toMatch(/halted by its first failure \(\/a\/large.bin: 2048 bytes/)
  })

  test('goes on where it stopped once the failure is mended', async () => {
    const job = await rig.job({ failure_policy: 'halt' }, { source: aTree(many(50, (n) => `f${n}`)) })
    await job.run({ afterListing: () => writeFileSync(join(job.destination, 'f25'), 'in the way') })
    unlinkSync(join(job.destination, 'f25'))
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0 })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  })
})

describe('an outage', () => {
  const canMount = (() => {
    const at = join(rig.folder, 'mount probe')
    mkdirSync(at)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at]).status === 0
    if (mounted) execFileSync('umount', [at])
    return mounted
  })()

  async function onSmallDisk(
    size: string,
    run: (job: Job) => Promise<void>,
    spec: Parameters<typeof aTree>[0],
  ): Promise<void> {
    const at: string[] = []
    const job = await rig.job(
      {},
      {
        source: aTree(spec),
        destination: (root) => {
          mkdirSync(root)
          execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', root])
          at.push(root)
        },
      },
    )
    try {
      await run(job)
    } finally {
      for (const root of at) execFileSync('umount', ['-l', root])
    }
  }

  function testMounted(name: string, run: () => Promise<void>): void {
    if (canMount) test(name, run)
    else skipped.push(`${name} (no mount)`)
  }

  testMounted(
    'no room at the destination costs no item a strike, leaves no litter, and is over when there is room',
    () =>
      onSmallDisk(
        '1m',
        async (job) => {
          const ran = await job.run()
          expect(ran.status).toBe('failed')
          expect(ran.sentence).toMatch(/^broke off \(destination: no space left on the device/)
          expect(ran.balance?.byStatus).toMatchObject({ retry: { items: 0 }, remediation: { items: 0 } })
          expect(ran.balance?.byStatus.pending.items).toBeGreaterThan(0)
          for (const { strikes, tries } of job.rows().values()) expect([strikes, tries]).toEqual([0, 0])
          execFileSync('mount', ['-o', 'remount,size=20m', job.destination])
          expect(await job.run()).toMatchObject({ status: 'completed', failed: 0 })
          expect(compareTrees(job.source, job.destination).differences).toEqual([])
        },
        { ...many(40, (n) => `d/f${n}`, '50 KB'), 'large.bin': '5 MB' },
      ),
  )

  testMounted('that ends while the execution goes on is waited out', () =>
    onSmallDisk(
      '1m',
      async (job) => {
        setTimeout(() => execFileSync('mount', ['-o', 'remount,size=20m', job.destination]), 700)
        expect(await job.run({ outagesSurvived: 50 })).toMatchObject({ status: 'completed', failed: 0 })
        expect(compareTrees(job.source, job.destination).differences).toEqual([])
      },
      many(40, (n) => `d/f${n}`, '50 KB'),
    ),
  )

  test('a source root that vanishes in the middle deletes and flags nothing', async () => {
    const job = await rig.job({}, { source: aTree(many(200, (n) => `d${n % 9}/f${n}`)) })
    const ran = await job.run({
      afterListing: async () => {
        renameSync(job.source, `${job.source}~`)
        await trustEnds()
      },
    })
    expect(ran.sentence).toMatch(/^broke off \(source: /)
    expect(ran.balance?.byStatus).toMatchObject({ retry: { items: 0 }, remediation: { items: 0 } })
    renameSync(`${job.source}~`, job.source)
    expect(await job.run()).toMatchObject({ status: 'completed' })
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
  })

  test('a destination root that vanishes for good does not keep the execution from ending', async () => {
    const job = await rig.job({}, { source: aTree({ 'large.bin': '200 MB' }) })
    const size = (): number => look(job.destination).get(job.litter()[0] ?? '')?.size ?? 0
    const vanished = (async () => {
      // Paused half-way, so that something is there to be cleared away when it is cancelled.
      while (size() < 16 << 20) await sleep(2)
      await job.control({ paused: true })
      await sleep(500)
      renameSync(job.destination, `${job.destination}~`)
    })()
    const cancelling = new AbortController()
    void vanished.then(() => cancelling.abort())
    const ran = await job.run({ signal: cancelling.signal })
    expect(ran).toMatchObject({ status: 'cancelled', changed: 0 })
    expect(job.audit({ type: 'left_behind' })).toHaveLength(1)
  })

  test('leaves no descriptor behind, however often it is tried again', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
    const counts: number[] = []
    const sampling = setInterval(() => counts.push(readdirSync('/proc/self/fd').length), 100)
    let back: NodeJS.Timeout | undefined
    const ran = await job.run({
      outagesSurvived: 200,
      afterListing: async () => {
        renameSync(job.destination, `${job.destination}~`)
        await trustEnds()
        counts.length = 0
        back = setTimeout(() => renameSync(`${job.destination}~`, job.destination), 2_500)
      },
    })
    clearInterval(sampling)
    clearTimeout(back)
    expect(ran.status).toBe('completed')
    expect(counts.length).toBeGreaterThan(10)
    expect(counts.at(-1)! - counts[3]!).toBeLessThan(8)
  })

  test('that ends the execution leaves its folders open nowhere', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
    const ran = await job.run({
      afterListing: async () => {
        renameSync(job.destination, `${job.destination}~`)
        await trustEnds()
      },
    })
    expect(ran.sentence).toMatch(/^broke off \(destination: /)
    await until(() => descriptorsIn(dirname(job.source)).length === 0)
  })

  function descriptorsIn(folder: string): string[] {
    return readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
      } catch {
        return false
      }
    })
  }

  async function until(isSo: () => boolean): Promise<void> {
    for (let i = 0; !isSo(); i++) {
      if (i > 500) throw new Error('waited in vain')
      await sleep(10)
    }
  }
})

test('a damaged ledger ends the execution with its name, is left as it is, and says so in the catalog', async () => {
  const job = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  await job.run()
  const file = ledgerFile(rig.home, job.id)
  writeFileSync(file, 'SQLite format 3, or what is left of it'.repeat(500))
  rmSync(`${file}-wal`, { force: true })
  const damaged = readFileSync(file)
  writeFileSync(join(job.source, 'b.txt'), 'y')
  expect(await job.run()).toMatchObject({ status: 'failed', balance: undefined })
  const stored = await rig.catalog.executions.get(job.id, 2)
  expect(stored?.sentence).toContain(`${file}: is damaged`)
  expect(stored?.endedOn).not.toBeNull()
  expect(readFileSync(file).equals(damaged)).toBe(true)
  expect(paths(job.destination)).toEqual(['a.txt'])
})
