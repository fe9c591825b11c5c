import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from '@jest/globals'
import { jobFacts } from '../../src/client/job_facts.ts'
import { aJob } from './a_job.ts'
import { aTree, look, many, paths, textAt, touched } from './a_tree.ts'
import { die } from './die.ts'
import { Abandoned, play } from './play.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

/** A failpoint counts by thread. */
const oneWriter = { performance: { parallel_writes: { requested: 1 } } }
const tree = aTree({ 'a.txt': 'a', 'd/b.txt': 'b' })

describe('a root that is not what it was', () => {
  test('a source that is missing fails to start, deletes nothing, and is found again when it is back', async () => {
    const job = await rig.job({}, { source: tree, from: { path: '/d' } })
    await job.run()
    renameSync(join(job.source, 'd'), join(job.source, 'e'))
    const before = look(job.destination)
    const ran = await job.run()
    expect(ran).toMatchObject({ status: 'failed_to_start', found: 0 })
    expect(ran.sentence).toBe('did not start: source: "/d" does not exist')
    expect(touched(before, look(job.destination))).toEqual([])
    renameSync(join(job.source, 'e'), join(job.source, 'd'))
    expect((await job.run()).status).toBe('no_changes')
  })

  test('a source connection whose own folder is missing fails to start', async () => {
    const job = await rig.job({}, { source: tree })
    await job.run()
    rmSync(job.source, { recursive: true })
    expect(await job.run()).toMatchObject({ status: 'failed_to_start' })
    expect(textAt(job.destination, 'd/b.txt')).toBe('b')
  })

  test('a source that was replaced, as by the empty mount point of a disk that is not there, fails to start', async () => {
    const job = await rig.job({}, { source: tree })
    await job.run()
    renameSync(job.source, `${job.source}~`)
    mkdirSync(job.source)
    const ran = await job.run()
    expect(ran.status).toBe('failed_to_start')
    expect(ran.sentence).toMatch(/source: "\/" is not the folder of earlier executions/)
    expect(job.explain('a.txt')).toMatchObject({ gone: false, absent: false })
    rmSync(job.source, { recursive: true })
    renameSync(`${job.source}~`, job.source)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('a source may be a new snapshot in each execution where its connection says so, and never within one', async () => {
    const job = await rig.job(
      {},
      { source: aTree({ 'd/a.txt': 'a', 'd/b.txt': 'b' }), from: { auth: { root_may_change: true } } },
    )
    await job.run()
    /** Another folder with the same files, as snapshots have them. */
    const another = (): void => {
      const former = `${job.source}~${job.executions}`
      renameSync(job.source, former)
      mkdirSync(job.source)
      renameSync(join(former, 'd'), join(job.source, 'd'))
    }
    another()
    expect((await job.run()).status).toBe('no_changes')
    another()
    writeFileSync(join(job.source, 'd/b.txt'), 'changed')
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 2, 'success changed': 1 })
    expect(paths(job.destination)).toEqual(['d/', 'd/a.txt', 'd/b.txt'])
    expect(textAt(job.destination, 'd/b.txt')).toBe('changed')

    writeFileSync(join(job.source, 'new.txt'), 'x')
    const dies = (): never => {
      another()
      throw new Abandoned()
    }
    await expect(job.run({ afterListing: dies })).rejects.toThrow(Abandoned)
    await rig.restart()
    // The worker that takes the execution over looks for the root that it began with.
    expect((await job.resume()).sentence).toMatch(/source: "\/" is not the folder of earlier executions/)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('a destination that was replaced, or is gone, fails to start and is not filled anew', async () => {
    const job = await rig.job({}, { source: tree, to: { path: '/in/here' } })
    await job.run()
    const at = join(job.destination, 'in/here')
    renameSync(at, `${at}~`)
    expect((await job.run()).sentence).toMatch(
      /destination: "\/in\/here" is gone, though earlier executions wrote to it/,
    )
    mkdirSync(at)
    expect((await job.run()).sentence).toMatch(/destination: "\/in\/here" is not the folder of earlier executions/)
    expect(readdirSync(at)).toEqual([])
  })

  describe.each(['source', 'destination'] as const)(
    'a %s whose disk goes away in the middle of an execution',
    (side) => {
      const inTheWay = aTree({ ...many(5, (n) => `d/f${n}`), top: 'y' })

      /** Its empty mount point is what is left of it. */
      function unmount(job: Job): void {
        renameSync(job[side], `${job[side]}.away`)
        mkdirSync(job[side])
      }

      function mount(job: Job): void {
        expect(readdirSync(job[side])).toEqual([])
        rmdirSync(job[side])
        renameSync(`${job[side]}.away`, job[side])
      }

      test('is waited for like an outage: nothing is written to its mount point, nothing read from it', async () => {
        const job = await rig.job({}, { source: inTheWay, destination: aTree({ 'd/there': 'x' }) })
        let back: NodeJS.Timeout | undefined
        const ran = await job.run({
          outagesSurvived: 300,
          afterListing: async () => {
            unmount(job)
            // A folder that was walked to is trusted for a second.
            await sleep(1_100)
            back = setTimeout(() => mount(job), 3_500)
          },
        })
        clearTimeout(back)
        expect(ran).toMatchObject({ status: 'completed', failed: 0, reasons: { 'success new': 6 } })
        expect(textAt(job.destination, 'top')).toBe('y')
      })

      test('breaks it off when it stays away, also for a worker that knows only the mount point; the next one goes on', async () => {
        const job = await rig.job(oneWriter, { source: inTheWay, destination: aTree({ 'd/there': 'x' }) })
        await die(job, 'staged:after-commit', 1)
        unmount(job)
        const run = { signal: new AbortController().signal, onBeat: () => undefined }
        const ref = { jobId: job.id, execution: 1 }
        const slice = rig.engine.transfer({ ...ref, sliceMs: 3_000, lane: 'transfer-0', width: 1 }, run)
        await expect(slice).rejects.toMatchObject({ name: 'ConnectionTrouble', side, code: 'RootReplaced' })
        const ended = await rig.engine.complete(ref, { kind: 'broken', why: 'away' })
        expect(ended).toMatchObject({ changed: 0, failed: 0 })
        mount(job)
        expect(await play(rig.engine, { jobId: job.id, execution: 2 })).toMatchObject({
          status: 'completed',
          failed: 0,
        })
        expect(textAt(job.destination, 'top')).toBe('y')
      })
    },
  )

  test.each(['another root', 'no root'])(
    'a destination that has %s when an execution is cleared up after keeps what was half-way, and that is told',
    async (what) => {
      const job = await rig.job(oneWriter, { source: tree, ...(what === 'no root' ? { to: { path: '/to' } } : {}) })
      await die(job, 'staged:after-commit', 1)
      const before = paths(job.destination)
      renameSync(job.destination, `${job.destination}.away`)
      mkdirSync(job.destination)
      await rig.engine.complete({ jobId: job.id, execution: 1 }, { kind: 'cancelled', why: 'asked to' })
      expect(readdirSync(job.destination)).toEqual([])
      expect(paths(`${job.destination}.away`)).toEqual(before)
      expect(job.audit({ type: 'left_behind' })).toHaveLength(1)
    },
  )

  test('a file in place of the root fails to start', async () => {
    const job = await rig.job({}, { source: tree, from: { path: '/a.txt' } })
    expect((await job.run()).sentence).toMatch(/^did not start: source: \/a.txt is no folder/)
  })
})

describe('source and destination that overlap are refused', () => {
  async function between(source: string, destination: string): Promise<string> {
    const folder = join(rig.folder, `overlap ${Math.random()}`)
    aTree({ 'x/y/z.txt': 'z', 'to x': { to: 'x' }, 'to y': { to: 'x/y' }, 'b/c.txt': 'c' })(folder)
    const roots = { source: join(folder, source), destination: join(folder, destination) }
    const job = await rig.store(
      aJob({}, { source: { auth: { root: roots.source } }, destination: { auth: { root: roots.destination } } }),
      roots,
    )
    const before = look(folder)
    const { status, sentence } = await job.run()
    if (status === 'failed_to_start') expect(touched(before, look(folder))).toEqual([])
    return status === 'failed_to_start' ? sentence : status
  }

  test.each([
    ['the same folder', 'x', 'x'],
    ['the same by a link', 'x', 'to x'],
    ['a source inside the destination', 'x/y', 'x'],
    ['a destination inside the source', 'x', 'x/y'],
    ['a destination inside the source by a link', 'x', 'to y'],
    ['a source inside the destination by two links', 'to y', 'to x'],
  ])('%s', async (_how, source, destination) => {
    expect(await between(source, destination)).toMatch(/^did not start: source and destination overlap/)
  })

  test('a source and a destination side by side are not refused', async () => {
    expect(await between('x', 'b')).toBe('completed')
  })

  test('what counts is whether the targets overlap, not whether the connections do', async () => {
    const folder = join(rig.folder, 'shared')
    aTree({ 'one/a.txt': 'a', 'two/': null })(folder)
    const roots = { source: folder, destination: folder }
    const job = (from: string, to: string) =>
      rig.store(
        aJob({}, { source: { auth: { root: folder }, path: from }, destination: { auth: { root: folder }, path: to } }),
        roots,
      )
    expect((await (await job('/one', '/one/deeper')).run()).status).toBe('failed_to_start')
    expect((await (await job('/', '/two')).run()).status).toBe('failed_to_start')
    expect((await (await job('/one', '/two')).run()).status).toBe('completed')
  })

  test('a source or a destination that holds our own home, or lies in it, is refused', async () => {
    for (const [source, destination] of [
      [rig.folder, join(rig.folder, 'elsewhere')],
      [rig.home.ledgers, join(rig.folder, 'elsewhere')],
      [join(rig.folder, 'elsewhere'), rig.home.path],
    ] as const) {
      mkdirSync(join(rig.folder, 'elsewhere'), { recursive: true })
      const job = await rig.store(
        aJob({}, { source: { auth: { root: source } }, destination: { auth: { root: destination } } }),
        { source, destination: join(rig.folder, 'elsewhere') },
      )
      expect((await job.run()).status).toBe('failed_to_start')
    }
  })

  test('while a job runs, another that writes to the same place, or inside or above it, is refused', async () => {
    const first = await rig.job({}, { source: aTree(many(50, (n) => `f${n}`)), to: { path: '/a/b' } })
    const second = (path: string) =>
      rig.store(
        aJob(
          {},
          {
            source: { auth: { root: join(rig.folder, 'elsewhere') } },
            destination: { auth: { root: first.destination }, path },
          },
        ),
        { source: join(rig.folder, 'elsewhere'), destination: first.destination },
      )
    const jobs = [await second('/a/b'), await second('/a'), await second('/a/b/c')]
    const beside = await second('/z')
    mkdirSync(join(rig.folder, 'elsewhere'), { recursive: true })
    await first.run({
      afterListing: async () => {
        for (const job of jobs) {
          const ran = await job.run()
          expect(ran.status).toBe('failed_to_start')
          expect(ran.sentence).toMatch(/is writing to the same place, or to one inside or above it/)
        }
        expect((await beside.run()).status).not.toBe('failed_to_start')
      },
    })
    expect((await jobs[0]!.run()).status).not.toBe('failed_to_start')
  })

  test('a job that would read what another is writing is refused: half of it stands under names that are not its own', async () => {
    const first = await rig.job({}, { source: aTree(many(50, (n) => `f${n}`)) })
    const onward = join(rig.folder, 'onward')
    mkdirSync(onward)
    const second = await rig.store(
      aJob({}, { source: { auth: { root: first.destination } }, destination: { auth: { root: onward } } }),
      { source: first.destination, destination: onward },
    )
    await first.run({
      afterListing: async () => {
        const ran = await second.run()
        expect(ran.status).toBe('failed_to_start')
        expect(ran.sentence).toMatch(/source: job \w+ is writing to the same place, or to one inside or above it/)
      },
    })
    expect(look(onward).size).toBe(0)
    expect(
      await second.run({ afterListing: async () => expect((await first.run()).status).toBe('failed_to_start') }),
    ).toMatchObject({ status: 'completed' })
  })
})

describe('a setting that is not carried out', () => {
  test.each([
    ['permissions diff', { permissions: { policy: 'diff' } }],
    [
      'a metadata filter',
      { filter: { source: [{ action: 'exclude', rules: [{ type: 'filter_metadata', text: 'secret' }] }] } },
    ],
    [
      'a stored map that asks a directory',
      { account_map: { map_by: { ldap: true }, ldap: { servers: [{ name: 'ad' }] } } },
    ],
  ])('and could do harm keeps the job from starting: %s', async (_what, transfer) => {
    const job = await rig.job(transfer, { source: tree })
    const ran = await job.run()
    expect(ran.status).toBe('failed_to_start')
    expect(readdirSync(job.destination)).toEqual([])
  })

  test('and does no harm is a warning of the execution', async () => {
    const job = await rig.job({ tags: 'add', permissions: { policy: 'add', links: true } }, { source: tree })
    const ran = await job.run()
    expect(ran.status).toBe('completed')
    expect(ran.warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^transfer.tags: /),
        expect.stringMatching(/^transfer.permissions.links: /),
      ]),
    )
  })
})

describe('what keeps an execution from starting', () => {
  test('is told with every reason at once, and leaves nothing behind that keeps the next one', async () => {
    const job = await rig.job(
      { permissions: { policy: 'diff' }, account_map: { map_by: { ldap: true } } },
      { source: tree },
    )
    const { sentence } = await job.run()
    expect(sentence).toMatch(
      /transfer.account_map: .*; transfer.permissions.policy: |transfer.permissions.policy: .*; transfer.account_map: /,
    )
    await job.change({ account_map: undefined, permissions: 'none' })
    expect((await job.run()).status).toBe('completed')
  })

  test('is a read-only destination', async () => {
    const job = await rig.job({}, { source: tree, to: { auth: { read_only: true } } })
    const ran = await job.run()
    expect(ran.status).toBe('failed_to_start')
    expect(ran.sentence).toMatch(/destination: the connection is read-only/)
  })

  test('is a connection that is no more, or was disabled', async () => {
    const job = await rig.job({}, { source: tree })
    await job.change({ source: { connection: { id: '0'.repeat(32) } } })
    expect((await job.run()).sentence).toMatch(/there is no connection 0+/)
    const disabled = await rig.job({}, { source: tree })
    const { id } = await rig.catalog.connections.create({
      name: 'disk',
      platform: 'fs',
      auth: { root: disabled.source },
      secrets: {},
      disabled: true,
    })
    await disabled.change({ source: { connection: { id } } })
    expect((await disabled.run()).sentence).toMatch(/connection [0-9a-f]+ is disabled/)
    expect((await rig.catalog.executions.get(disabled.id, 1))?.status).toBe('failed_to_start')
  })
})

describe('a catalog restored from an older copy', () => {
  /** As if it had been copied before these executions. */
  function forget(job: Job, from: number): void {
    const db = new DatabaseSync(rig.home.catalog)
    db.prepare('DELETE FROM executions WHERE job = ? AND execution >= ?').run(job.id, from)
    db.close()
  }

  test('does not let an execution that the ledger has done already pass for a new one', async () => {
    const job = await rig.job({}, { source: tree })
    await job.run()
    writeFileSync(join(job.source, 'c.txt'), 'c')
    await job.run()
    writeFileSync(join(job.source, 'later.txt'), 'later')
    forget(job, 1)
    for (const execution of [1, 2]) {
      const ran = await job.resume({ execution })
      expect(ran).toMatchObject({ status: 'failed_to_start', found: 0, balance: undefined })
      expect(ran.sentence).toMatch(/older than this job's ledger, which has been through execution 2 already: restore/)
    }
    // Said to the person as the other way out: what the ledger knows is kept.
    const ran = await job.run()
    expect(ran).toMatchObject({
      status: 'completed',
      changed: 1,
      reasons: { 'success unchanged': 4, 'success new': 1 },
    })
  })

  test('costs one start that is refused: the next one takes the number after the ledger’s last', async () => {
    const job = await rig.job({}, { source: tree })
    for (let n = 0; n < 5; n++) await job.run()
    forget(job, 1)
    const { sentence } = await job.resume({ execution: 1 })
    expect(sentence).toMatch(/has been through execution 5 already: .* start the job again: it takes number 6/)
    const { lastExecution } = await jobFacts(rig.catalog, job.id)
    expect(await job.resume({ execution: lastExecution + 1 })).toMatchObject({ status: 'no_changes', execution: 6 })
  })

  test('is told of by a simulation too', async () => {
    const job = await rig.job({ simulation_mode: true }, { source: tree })
    await job.run()
    forget(job, 1)
    expect((await job.resume({ execution: 1 })).status).toBe('failed_to_start')
  })

  test('is not what an execution meets whose worker dies before it has recorded its end', async () => {
    const job = await rig.job({}, { source: tree })
    await job.run()
    // The ledger's end is known, the catalog's is not: everything from the first activity on is repeated.
    await rig.catalog.executions.update(job.id, 1, { status: 'running', endedOn: null, sentence: '' })
    const ran = await job.resume({ execution: 1 })
    expect(ran).toMatchObject({ status: 'completed', found: 3, changed: 3 })
  })
})

test('a link in the path to the destination root does not lead out of the connection', async () => {
  const outside = join(rig.folder, 'outside the connection')
  mkdirSync(outside)
  const job = await rig.job(
    {},
    {
      source: tree,
      destination: (root) => {
        mkdirSync(root)
        symlinkSync(outside, join(root, 'link'))
      },
      to: { path: '/link/inside' },
    },
  )
  expect((await job.run()).status).toBe('failed_to_start')
  expect(readdirSync(outside)).toEqual([])
  writeFileSync(join(outside, 'x'), '')
  expect(existsSync(join(outside, 'inside'))).toBe(false)
})
