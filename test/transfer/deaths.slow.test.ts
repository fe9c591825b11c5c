import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import type { Failpoint } from '../../src/transfer/recovery/failpoints.ts'
import { aTree, contentOf, look, many, textAt } from './a_tree.ts'
import { die } from './die.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

/** One writer: a failpoint counts by thread. */
const settings = { permissions: { policy: 'add' }, performance: { parallel_writes: { requested: 1 } } }
const numbers = [0, 1, 2, 3, 4, 5]

/** An execution in which every kind of work happens several times, into folders that are there and into new ones. */
async function arranged(large: boolean): Promise<Job> {
  const job = await rig.job(settings, {
    source: aTree({
      ...many(6, (n) => `d/overwrite${n}`, 'first'),
      ...many(6, (n) => `d/attributes${n}`, 'same'),
      ...many(6, (n) => `d/conflict${n}`, 'first'),
      ...many(6, (n) => `d/unchanged${n}`, 'same'),
    }),
  })
  await job.run()
  for (const n of numbers) {
    write(job.source, `d/overwrite${n}`, 'second')
    write(job.source, `d/conflict${n}`, 'ours')
    write(job.destination, `d/conflict${n}`, 'theirs, longer')
    write(job.source, `d/create${n}`, `new ${n}`)
    chmodSync(join(job.source, `d/attributes${n}`), 0o664)
    symlinkSync(`create${n}`, join(job.source, `d/link${n}`))
    mkdirSync(join(job.source, `new${n}/inner`), { recursive: true })
    write(job.source, `new${n}/inner/file`, `in ${n}`)
  }
  if (large) writeFileSync(join(job.source, 'd/large'), contentOf('large', '140 MB'))
  return job
}

function write(root: string, path: string, text: string): void {
  writeFileSync(join(root, path), text)
  utimesSync(join(root, path), 1_700_000_000, 1_700_000_000)
}

// Every step, before and after, in each kind of work: `npm run test:crash`, over Temporal.
const deaths: readonly (Failpoint | `${Failpoint}#${number}`)[][] = [
  ['enumerated:after#2'],
  ['stage:after#10'],
  ['staged:before-commit'],
  ['staged:after-commit'],
  ['publish:after#15'],
  ['keep:after#5'],
  ['attributes:after#5'],
  ['link:after#4'],
  ['container:after#3'],
  ['partial:after#2'],
  ['done:before-commit'],
  ['finish-container:after'],
  ['publish:after#9', 'publish:before#2'],
]

test.each(deaths)(
  'a death at %s %s loses nothing, does nothing twice and leaves nothing behind',
  async (...failpoints) => {
    const job = await arranged(failpoints.includes('partial:after#2'))
    for (const failpoint of failpoints) await die(job, failpoint, 2)
    const between = look(job.destination)
    const source = look(job.source)

    const ran = await job.resume({ execution: 2 })
    expect(ran).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    const after = look(job.destination)
    const isKept = (path: string): boolean => path.includes('(conflict')
    expect(compareTrees(job.source, job.destination, { mayBeExtra: isKept }).differences).toEqual([])
    const kept = readdirSync(join(job.destination, 'd')).filter(isKept)
    expect(kept.map((name) => textAt(job.destination, 'd', name))).toEqual(numbers.map(() => 'theirs, longer'))
    expect(job.audit({ type: '4001' })).toHaveLength(6)
    for (const n of numbers) expect(after.get(`d/attributes${n}`)?.mode).toBe(0o664)

    // What had arrived by then is the same file still.
    for (const [path, { kind, inode, modifiedNs, size }] of between) {
      const same = source.get(path)
      if (kind === 'folder' || !same || same.modifiedNs !== modifiedNs || same.size !== size) continue
      expect([path, after.get(path)?.inode]).toEqual([path, inode])
    }
    for (const { state, sourceNames } of job.rows().values())
      expect([sourceNames.join('/'), ['success', 'processed'].includes(state)]).toEqual([sourceNames.join('/'), true])
    expect((await job.run()).status).toBe('no_changes')
  },
)

test('a death between the link and the unlink that move a version aside leaves one of it', async () => {
  const job = await rig.job(settings, { source: aTree({ 'd/x': 'first' }) })
  await job.run()
  write(job.source, 'd/x', 'ours')
  write(job.destination, 'd/x', 'theirs, longer')
  await die(job, 'keep:after', 2)
  const folder = join(job.destination, 'd')
  const [kept = ''] = readdirSync(folder).filter((name) => name.includes('(conflict'))
  // As it was one system call earlier.
  linkSync(join(folder, kept), join(folder, 'x'))
  expect(await job.resume({ execution: 2 })).toMatchObject({ status: 'completed', failed: 0 })
  expect(readdirSync(folder).sort()).toEqual(['x', kept].sort())
  expect([textAt(folder, 'x'), textAt(folder, kept)]).toEqual(['ours', 'theirs, longer'])
  expect((await job.run()).status).toBe('no_changes')
})

const hasAcls = spawnSync('setfacl', ['-m', 'u:1:r', rig.folder]).status === 0
if (!hasAcls) console.warn('4 skipped: no POSIX ACLs')

const cases = (['staged:after-commit', 'publish:after'] as const).flatMap((failpoint) =>
  [true, false].map((carried) => [failpoint, carried] as const),
)
;(hasAcls ? test : test.skip).each(cases)(
  'after a death at %s a file with an ACL is as the next listing sees it (permissions carried: %s)',
  async (failpoint, carried) => {
    const job = await rig.job(carried ? { ...settings, preserve_owners: true } : { ...settings, permissions: 'none' }, {
      source: (root) => {
        aTree({ large: '1 MB' })(root)
        spawnSync('setfacl', ['-m', 'u:1:rw', join(root, 'large')])
      },
      destination: (root) => {
        mkdirSync(root)
        // What is made here has an ACL, whether one is carried or not.
        spawnSync('setfacl', ['-m', 'd:u:2:rw', root])
      },
    })
    await die(job, failpoint, 1)
    await job.resume({ execution: 1 })
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 1 })
  },
)

describe('what was published before a death, and recorded by nobody, is known as ours to the next execution', () => {
  type End = (job: Job) => Promise<void>
  const ends: [string, End][] = [
    [
      'was cancelled',
      async (job) => {
        const signal = AbortSignal.abort()
        const { status, balance } = await job.resume({ execution: job.executions + 1, signal })
        expect([status, balance?.byStatus.success.items]).toEqual(['cancelled', expect.any(Number)])
      },
    ],
    ['was terminated', async (job) => void (job.executions += 1)],
  ]
  const deaths = (['publish:after', 'done:before-commit'] as const).flatMap((failpoint) =>
    ends.map(([how, end]) => [failpoint, how, end] as const),
  )

  test.each(deaths)('after %s, when its execution %s: nothing arrives twice', async (failpoint, _, end) => {
    const four = numbers.slice(0, 4)
    const source = aTree(many(4, (n) => `d/f${n}`, 'first'))
    const job = await rig.job({ ...settings, timestamps: false }, { source, destination: aTree({ 'd/theirs': 'x' }) })
    const names = [...four.map((n) => `f${n}`), 'theirs']
    const arrived = (): string[] => readdirSync(join(job.destination, 'd')).sort()
    await die(job, failpoint, 1)
    const before = look(job.destination)
    await end(job)
    const ran = await job.run()
    expect([ran.status, ran.failed, arrived()]).toEqual([expect.stringMatching(/completed|no_changes/), 0, names])
    const after = look(job.destination)
    for (const [path, { kind, inode }] of before)
      if (kind === 'file' && !path.includes('~')) expect([path, after.get(path)?.inode]).toEqual([path, inode])
    expect((await job.run()).status).toBe('no_changes')

    // And what replaces it.
    for (const n of four) writeFileSync(join(job.source, `d/f${n}`), 'second, longer')
    await die(job, failpoint, job.executions + 1)
    await end(job)
    for (const n of four) writeFileSync(join(job.source, `d/f${n}`), 'third, longer still')
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(arrived()).toEqual(names)
    for (const n of four) expect(textAt(job.destination, `d/f${n}`)).toBe('third, longer still')
    expect(job.audit({ type: '4001' })).toEqual([])
  })

  test('a large one is not read to learn whether it is whole, but written anew in its place', async () => {
    const job = await rig.job(settings, { source: aTree({ large: '70 MB' }) })
    await die(job, 'publish:after', 1)
    expect(await job.resume({ execution: 2 })).toMatchObject({
      changed: 1,
      failed: 0,
      reasons: { 'success unsure': 1 },
    })
    expect(readdirSync(job.destination)).toEqual(['large'])
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
    expect((await job.run()).status).toBe('no_changes')
  })

  test.each(ends)('with a folder that was published whole, when its execution %s', async (_, end) => {
    const source = aTree(many(20, (n) => `new/f${n}`))
    const job = await rig.job({ ...settings, timestamps: false }, { source })
    await die(job, 'publish-container:after', 1)
    const before = look(job.destination)
    await end(job)
    expect(await job.run()).toMatchObject({ failed: 0, flagged: 0 })
    const after = look(job.destination)
    expect([...after].map(([path, { inode }]) => [path, inode])).toEqual(
      [...before].map(([path, { inode }]) => [path, inode]),
    )
    expect(after.get('new')?.mode).toBe(look(job.source).get('new')?.mode)
    expect((await job.run()).status).toBe('no_changes')
  })

  test.each(['published:before-record', 'published:after-record'])(
    'also when the worker dies again while it is put on record, at %s',
    async (failpoint) => {
      const source = aTree(many(4, (n) => `d/f${n}`))
      const job = await rig.job({ ...settings, timestamps: false }, { source, destination: aTree({ 'd/theirs': 'x' }) })
      await die(job, 'publish:after#2', 1)
      await die(job, failpoint, 2)
      expect(await job.resume({ execution: 2 })).toMatchObject({ failed: 0, flagged: 0 })
      expect(readdirSync(join(job.destination, 'd')).sort()).toEqual(['f0', 'f1', 'f2', 'f3', 'theirs'])
      expect(job.audit({ execution: 1, type: 'transferred' })).toHaveLength(2)
      expect((await job.run()).status).toBe('no_changes')
    },
  )
})

describe('what kills every worker that has it in hand', () => {
  const halting = { ...settings, failure_policy: 'halt' }

  test('halts an execution that is to be halted by its first failure, although nothing else is left to do', async () => {
    const job = await rig.job(halting, { source: aTree({ 'd/bad.txt': 'bad' }) })
    for (let deaths = 0; deaths < 4; deaths++) await die(job, 'staged:before-commit', 1)
    const ran = await job.resume({ execution: 1 })
    expect(ran.status).toBe('failed')
    expect(ran.sentence).toMatch(/^halted by its first failure \(\/d\/bad.txt: the worker died 4 times with it in hand/)
    expect(ran.reasons).toMatchObject({ 'remediation crashed_worker': 1 })
  })

  test('halts it when it is a folder, too', async () => {
    const job = await rig.job(halting, { source: aTree({ 'd/a.txt': 'a' }) })
    for (let deaths = 0; deaths < 5; deaths++) await die(job, 'enumerated:before', 1)
    const ran = await job.resume({ execution: 1 })
    expect(ran.sentence).toMatch(/^halted by its first failure \(\/: the worker died 5 times while listing it\)/)
    expect(look(job.destination).size).toBe(0)
  })

  test('is flagged, and the rest goes on, in any other execution', async () => {
    const job = await rig.job(settings, { source: aTree({ 'd/bad.txt': 'bad' }) })
    for (let deaths = 0; deaths < 4; deaths++) await die(job, 'staged:before-commit', 1)
    const ran = await job.resume({ execution: 1 })
    expect(ran).toMatchObject({ status: 'failed', flagged: 1 })
    expect(ran.sentence).not.toContain('halted')
  })
})

describe('failure_policy halt outlasts the worker', () => {
  const halting = { ...settings, failure_policy: 'halt' }

  async function haltsStill(job: Job, why: RegExp): Promise<void> {
    const changes = (): [string, bigint][] =>
      [...look(job.destination)].map(([path, { changedNs }]) => [path, changedNs])
    const before = changes()
    const ran = await job.resume({ execution: 1 })
    expect(ran.sentence).toMatch(why)
    expect(changes()).toEqual(before)
  }

  test('that dies when a file has failed, before it could tell', async () => {
    const job = await rig.job(halting, { source: aTree(many(40, (n) => `f${n}`)) })
    await die(job, 'enumerated:after', 1)
    unlinkSync(join(job.source, 'f20'))
    await die(job, 'done:after-commit', 1)
    await haltsStill(job, /^halted by its first failure \(\/f20: source: does not exist/)
    expect(job.rows().get('f39')?.state).toBe('pending')
  })

  test('that dies when the plan has refused one, before it could tell', async () => {
    const source = aTree({ 'large.bin': '2 KB', 'b.txt': 'x' })
    const job = await rig.job(halting, { source, to: { auth: { max_size: 1024 } } })
    await die(job, 'enumerated:after', 1)
    await haltsStill(job, /^halted by its first failure \(\/large.bin: 2048 bytes/)
    expect(look(job.destination).size).toBe(0)
  })

  test('and binds no later execution', async () => {
    const job = await rig.job(halting, { source: aTree({ 'a.txt': 'a', 'b.txt': 'b' }) })
    await die(job, 'enumerated:after', 1)
    unlinkSync(join(job.source, 'a.txt'))
    await die(job, 'done:after-commit', 1)
    await job.resume({ execution: 1 })
    expect((await job.run()).status).not.toBe('failed')
    expect(textAt(job.destination, 'b.txt')).toBe('b')
  })
})

test.each<Failpoint>(['begun:before', 'begun:after', 'enumerated:before', 'enumerated:after'])(
  'killed at %s, a hard reset is done once and whole, and nothing is copied again that is there',
  async (at) => {
    const job = await rig.job(settings, { source: aTree(many(6, (n) => `d/same${n}`, 'same')) })
    await job.run()
    const before = look(job.destination)
    await rig.catalog.jobs.update(job.id, { resets: ['hard'] })
    await die(job, at, 2)
    await rig.restart()
    expect((await job.resume({ execution: 2 })).reasons).toEqual({ 'success matched': 7 })
    expect(look(job.destination)).toEqual(before)
    expect(job.audit({ type: 'reset' })).toHaveLength(1)
    expect((await rig.catalog.jobs.get(job.id))?.resets).toEqual([])
    expect((await job.run()).reasons).toEqual({ 'success unchanged': 7 })
  },
)
