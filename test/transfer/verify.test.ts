import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { vault } from '../../src/connector/vault/vault.ts'
import { ledgerFile } from '../../src/home/home.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { limits } from '../../src/transfer/engine/execution_spec.ts'
import { loadLastJobSpec } from '../../src/transfer/engine/load_execution.ts'
import { CannotVerify, verifyJob, type Difference, type Left, type Verified } from '../../src/transfer/verify/verify.ts'
import { aTree, look, many } from './a_tree.ts'
import { accountMapTo, Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const isRoot = process.geteuid?.() === 0
if (!isRoot) console.warn('1 test of owners is not run: only root may give files away')

interface Found extends Verified {
  found: Difference[]
  named: Left[]
  /** `path kind`, sorted. */
  said: string[]
}

async function verify(job: Job, entriesInMemory = 20_000): Promise<Found> {
  const loaded = await loadLastJobSpec(rig.catalog, job.id, { ...limits, entriesInMemory })
  const ledger = new LedgerReader(ledgerFile(rig.home, job.id))
  try {
    const found: Difference[] = []
    const named: Left[] = []
    const verifying = verifyJob({ loaded, ledger, onLeft: (left) => named.push(left) })
    let step = await verifying.next()
    for (; step.done !== true; step = await verifying.next()) found.push(step.value)
    expect(step.value.differences).toBe(found.length)
    return { ...step.value, found, named, said: found.map(({ path, kind }) => `${path} ${kind}`).sort() }
  } finally {
    ledger.close()
  }
}

const tree = aTree({
  'a.txt': '5 KB',
  'deep/er/b.txt': 'bee',
  'deep/empty/': null,
  'deep/link': { to: 'er/b.txt' },
  'before the epoch': { is: 'x', modified: -14_182_940 },
})

describe('after a copy', () => {
  let job: Job
  beforeEach(async () => {
    job = await rig.job({ permissions: { policy: 'add' } }, { source: tree })
    expect((await job.run()).status).toBe('completed')
  })

  test('both sides are the same after another run, too, which adds to what the first one made', async () => {
    expect((await job.run()).status).toBe('no_changes')
    expect((await verify(job)).said).toEqual([])
    chmodSync(join(job.destination, 'a.txt'), 0o000)
    expect(new Set((await verify(job)).said)).toEqual(new Set(['/a.txt permissions']))
  })

  test('both sides are the same; every byte of both is read, every folder looked at', async () => {
    const { found, files, folders, read, foreign, gone, left } = await verify(job)
    expect(found).toEqual([])
    expect({ files, folders, foreign, gone, left }).toEqual({
      files: 4,
      folders: 3,
      foreign: 0,
      gone: 0,
      left: [],
    })
    const bytes = BigInt([...look(job.source).values()].reduce((sum, { size }) => sum + size, 0))
    expect(read).toEqual({ source: bytes, destination: bytes })
  })

  const tampering: [what: string, expected: string[], tamper: (to: string, from: string) => void][] = [
    ['a byte of the destination that changed without its size or time', ['/a.txt content'], (to) => flip(to, 'a.txt')],
    ['a byte of the source that changed so', ['/a.txt content'], (_, from) => flip(from, 'a.txt')],
    [
      'the same other byte on both sides',
      ['/a.txt ledger'],
      (to, from) => [to, from].forEach((at) => flip(at, 'a.txt')),
    ],
    ['a file that is gone', ['/deep/er/b.txt missing'], (to) => unlinkSync(join(to, 'deep/er/b.txt'))],
    [
      'a folder that is gone, with what was in it',
      ['/deep/er missing', '/deep/er/b.txt missing'],
      (to) => rmSync(join(to, 'deep/er'), { recursive: true }),
    ],
    [
      'a file that is gone from both sides',
      ['/a.txt ledger'],
      (to, from) => [to, from].forEach((at) => unlinkSync(join(at, 'a.txt'))),
    ],
    ['a file that was renamed', ['/a.txt missing'], (to) => renameSync(join(to, 'a.txt'), join(to, 'A.txt'))],
    [
      'a file that is longer',
      ['/deep/er/b.txt size', '/deep/er/b.txt times'],
      (to) => appendFileSync(join(to, 'deep/er/b.txt'), 's'),
    ],
    ['a time that was touched', ['/a.txt times'], (to) => utimesSync(join(to, 'a.txt'), 5, 5)],
    ['a folder’s time', ['/deep times'], (to) => utimesSync(join(to, 'deep'), 5, 5)],
    ['more permissions', ['/a.txt permissions', '/a.txt permissions'], (to) => chmodSync(join(to, 'a.txt'), 0o666)],
    ['fewer permissions', ['/a.txt permissions', '/a.txt permissions'], (to) => chmodSync(join(to, 'a.txt'), 0o600)],
    ['a folder that is open to all', ['/deep/er permissions'], (to) => chmodSync(join(to, 'deep/er'), 0o757)],
    [
      'a link that leads elsewhere',
      ['/deep/link link', '/deep/link times'],
      (to) => {
        unlinkSync(join(to, 'deep/link'))
        symlinkSync('nowhere', join(to, 'deep/link'))
      },
    ],
    [
      'a file in the place of a folder',
      ['/deep/empty kind'],
      (to) => {
        rmSync(join(to, 'deep/empty'), { recursive: true })
        writeFileSync(join(to, 'deep/empty'), '')
      },
    ],
    [
      'a folder in the place of a file at the source',
      ['/a.txt kind', '/a.txt ledger', '/a.txt/in it untracked'],
      (_, from) => {
        unlinkSync(join(from, 'a.txt'))
        mkdirSync(join(from, 'a.txt'))
        writeFileSync(join(from, 'a.txt/in it'), '')
      },
    ],
    [
      'new files and folders of the source, however deep',
      ['/new untracked', '/new/new untracked', '/new/new/new.txt untracked'],
      (_, from) => {
        mkdirSync(join(from, 'new/new'), { recursive: true })
        writeFileSync(join(from, 'new/new/new.txt'), '')
      },
    ],
    ['a file that left the source', ['/a.txt extra'], (_, from) => unlinkSync(join(from, 'a.txt'))],
    [
      'a file that was renamed at the source',
      ['/a.txt extra', '/z.txt untracked'],
      (_, from) => renameSync(join(from, 'a.txt'), join(from, 'z.txt')),
    ],
    [
      'a file that was edited at the source',
      ['/a.txt ledger', '/a.txt size', '/a.txt times'],
      (_, from) => appendFileSync(join(from, 'a.txt'), 'more'),
    ],
  ]

  test.each(tampering)('%s', async (_what, expected, tamper) => {
    tamper(job.destination, job.source)
    const { said } = await verify(job)
    // Names made or removed in a folder change the folder's own time, which is another difference than the one looked for.
    const ofFolders = ['/', '/deep', '/deep/er'].map((path) => `${path} times`)
    expect(said.filter((one) => expected.includes(one) || !ofFolders.includes(one))).toEqual([...expected].sort())
  })

  test('entries of others are counted, and no difference', async () => {
    writeFileSync(join(job.destination, 'deep/others.txt'), '')
    writeFileSync(join(job.destination, '.~ffffff-1-1'), 'a staging of another job')
    const { said, foreign } = await verify(job)
    expect(said.filter((one) => !one.endsWith(' times'))).toEqual([])
    expect(foreign).toBe(2)
  })

  // With a tilde: the announcement of a name, on file systems without hard links.
  test.each(['', '~'])('litter of this job is found, and whose it was: .~key%s', async (end) => {
    const { item } = job.explain('a.txt')
    const name = `.~${job.id.slice(0, 6)}-${item.toString(36)}-zz${end}`
    writeFileSync(join(job.destination, 'deep/er', name), 'half')
    const { found, foreign } = await verify(job)
    expect(found).toContainEqual({
      path: `/deep/er/${name}`,
      destinationPath: `/deep/er/${name}`,
      kind: 'staging',
      message: 'was left behind by the transfer of "a.txt"',
    })
    expect(foreign).toBe(0)
    inLedger(job, `INSERT INTO partial (item, key, bytes, source) VALUES (${item}, '${name.slice(2)}', 2048, '')`)
    expect((await verify(job)).found.find(({ kind }) => kind === 'staging')?.message).toBe(
      'holds the first 2048 bytes of "a.txt", for the next execution to go on with',
    )
  })

  test('a ledger that says something else is found', async () => {
    const { item } = job.explain('a.txt')
    inLedger(job, `UPDATE item SET hash = '${'0'.repeat(64)}' WHERE id = ${item}`)
    const { found } = await verify(job)
    expect(found).toMatchObject(
      [{ path: '/a.txt', kind: 'ledger', message: /on both sides, 0+ in the ledger/ }].map(said),
    )
    inLedger(job, `DELETE FROM item WHERE id = ${item}`)
    expect((await verify(job)).said).toEqual(['/a.txt untracked'])
  })

  test('differences are said with both values', async () => {
    appendFileSync(join(job.destination, 'deep/er/b.txt'), 's')
    const { found } = await verify(job)
    expect(found.find(({ kind }) => kind === 'size')).toEqual({
      path: '/deep/er/b.txt',
      destinationPath: '/deep/er/b.txt',
      kind: 'size',
      message: '3 bytes at the source, 4 at the destination',
    })
  })
})

describe('what is no difference', () => {
  test('is what was left out on purpose: it is counted by reason, and named to who wants to know', async () => {
    const job = await rig.job(
      { large_item: 'skip' },
      { source: aTree({ 'd/big.bin': '9 KB', 'fine.txt': 'y' }), to: { auth: { max_size: 5_000 } } },
    )
    await job.run()
    expect(await verify(job)).toMatchObject({
      said: [],
      files: 1,
      left: [{ status: 'skipped', reason: 'too_large', items: 1 }],
      named: [{ path: '/d/big.bin', destinationPath: '/d/big.bin', status: 'skipped', reason: 'too_large' }],
    })
  })

  test.each(['left_deleted', 'destination_kept', 'destination_newer', 'exists'])(
    'is what the last execution decided to leave as the destination has it: %s',
    async (reason) => {
      const job = await rig.job({}, { source: aTree({ 'a.txt': 'x', 'b.txt': 'y' }) })
      await job.run()
      if (reason === 'left_deleted') unlinkSync(join(job.destination, 'a.txt'))
      else writeFileSync(join(job.destination, 'a.txt'), 'somebody’s')
      expect((await verify(job)).said.length).toBeGreaterThan(0)
      inLedger(job, `UPDATE item SET reason = '${reason}' WHERE name = 'a.txt'`)
      expect(await verify(job)).toMatchObject({ said: [], files: 1, left: [{ status: 'success', reason, items: 1 }] })
    },
  )

  test('is what is in a folder that was left out', async () => {
    const job = await rig.job(
      { filter: { source: [{ action: 'exclude', rules: [{ type: 'filter_path', paths: ['/secret'] }] }] } },
      { source: aTree({ 'secret/a/b.txt': 'x', 'c.txt': 'y' }) },
    )
    const ran = await job.run()
    expect(ran.status).toBe('completed')
    const { said, files } = await verify(job)
    expect([said, files]).toEqual([[], 1])
  })

  test('is a name the destination asked for', async () => {
    const job = await rig.job({}, { source: aTree({ 'what?/a*.txt': 'x' }), to: { auth: { names: 'windows' } } })
    await job.run()
    expect(await verify(job)).toMatchObject({ said: [], files: 1, folders: 1, foreign: 0 })
  })

  test('is a file that left the source before the last execution', async () => {
    const job = await rig.job({}, { source: tree })
    await job.run()
    rmSync(join(job.source, 'deep'), { recursive: true })
    unlinkSync(join(job.source, 'a.txt'))
    await job.run()
    const { said, gone, foreign } = await verify(job)
    expect(said).toEqual([])
    expect([gone, foreign]).toEqual([6, 0])
  })

  test('is a root that the job made, also after something left the source’s', async () => {
    const job = await rig.job(
      { permissions: { policy: 'add' } },
      { source: aTree({ 'a.txt': 'x', 'b.txt': 'y' }), to: { path: '/made/here' } },
    )
    await job.run()
    expect((await verify(job)).said).toEqual([])
    unlinkSync(join(job.source, 'a.txt'))
    await job.run()
    expect(await verify(job)).toMatchObject({ said: [], gone: 1 })
    chmodSync(join(job.destination, 'made/here'), 0o700)
    expect((await verify(job)).said).toContain('/ permissions')
  })

  test('is what somebody may do besides with what was added to', async () => {
    const job = await rig.job(
      { permissions: { policy: 'add' } },
      { source: aTree({ 'a.txt': { is: 'x', mode: 0o640 }, 'd/': { mode: 0o750 } }) },
    )
    await job.run()
    chmodSync(join(job.destination, 'a.txt'), 0o646)
    chmodSync(join(job.destination, 'd'), 0o755)
    chmodSync(join(job.source, 'a.txt'), 0o660)
    chmodSync(join(job.source, 'd'), 0o770)
    await job.run()
    expect((await verify(job)).said).toEqual([])
    chmodSync(join(job.destination, 'a.txt'), 0o606)
    chmodSync(join(job.destination, 'd'), 0o705)
    expect((await verify(job)).said).toEqual(['/a.txt permissions', '/d permissions'])
  })

  test('is a folder that was there before, with a time and a mode of its own', async () => {
    const job = await rig.job(
      { permissions: { policy: 'add' } },
      {
        source: aTree({ 'a/b.txt': 'x' }),
        destination: aTree({ 'a/': { mode: 0o700, modified: 1 }, 'a/other.txt': 'y' }),
      },
    )
    await job.run()
    expect(await verify(job)).toMatchObject({ said: [], files: 1, folders: 1, foreign: 1 })
  })

  test('is a time that was not to be carried, unless it changed after we wrote', async () => {
    const job = await rig.job({ timestamps: false }, { source: aTree({ 'a.txt': 'x' }) })
    await job.run()
    expect((await verify(job)).said).toEqual([])
    utimesSync(join(job.destination, 'a.txt'), 5, 5)
    expect((await verify(job)).said).toEqual(['/a.txt ledger'])
  })
})

describe('what the job owes and is not there is a difference', () => {
  test('as what failed or is flagged is, with its reason', async () => {
    const job = await rig.job(
      { segment_transform: false },
      { source: aTree({ 'what?.txt': 'x', 'fine.txt': 'y' }), to: { auth: { names: 'windows' } } },
    )
    await job.run()
    const { said, found } = await verify(job)
    expect(said).toEqual(['/what?.txt owed'])
    expect(found).toMatchObject([
      {
        status: 'remediation',
        reason: 'name_refused',
        message: 'flagged for a person: Segment "what?.txt" contains ?',
      },
    ])
  })

  test('as what a folder over its limit holds is, and what is below it', async () => {
    const job = await rig.job(
      { max_items_per_container: 2 },
      { source: aTree({ 'd/a': '1', 'd/b': '2', 'd/c/e': '3', 'fine.txt': 'y' }) },
    )
    await job.run()
    expect((await verify(job)).said).toEqual(['/d owed', '/d/a owed', '/d/b owed', '/d/c owed', '/d/c/e owed'])
  })

  test('as a file in the place of a folder is, and the root when it could not be listed', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/a': '1' }), destination: aTree({ d: 'a file' }) })
    await job.run()
    expect((await verify(job)).said).toEqual(['/d owed', '/d/a owed'])
    inLedger(job, "UPDATE item SET state = 3, reason = 'AccessDenied' WHERE id = 1")
    expect((await verify(job)).said).toEqual(['/ owed', '/d owed', '/d/a owed'])
  })

  test('as the rest of what arrived more private than it was is; it is compared, too', async () => {
    const job = await rig.job({}, { source: aTree({ a: '1' }) })
    await job.run()
    inLedger(job, "UPDATE item SET state = 4, reason = 'permissions_lost' WHERE name = 'a'")
    expect(await verify(job)).toMatchObject({ said: ['/a owed'], files: 1 })
  })

  test('as what a paused job has not come to is: its folders are unfinished, and not different', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/a': '1', 'd/e/b': '2', z: '3' }) })
    await job.run({
      beforeFinishing: async () => {
        const { said, found, files, folders } = await verify(job)
        expect(said).toEqual(['/d owed', '/d/e owed'])
        expect(found.every(({ reason }) => reason === 'unfinished')).toBe(true)
        expect([files, folders]).toEqual([3, 2])
      },
    })
    expect((await verify(job)).said).toEqual([])
  })

  test('as what was not tried yet is, and not what left the source meanwhile', async () => {
    const job = await rig.job({}, { source: aTree({ 'd/a': '1', z: '3' }) })
    await job.run({
      afterListing: async () => {
        expect((await verify(job)).said).toEqual(['/d owed', '/d/a owed', '/z owed'])
      },
    })
    expect((await verify(job)).said).toEqual([])
  })
})

test('a folder wider than memory should hold is compared the same', async () => {
  const job = await rig.job({}, { source: aTree(many(250, (n) => `wide/${n}`, '10 B')) })
  await job.run()
  flip(job.destination, 'wide/77')
  unlinkSync(join(job.destination, 'wide/78'))
  writeFileSync(join(job.source, 'wide/new'), '')
  writeFileSync(join(job.destination, 'wide/other'), '')
  const inMemory = await verify(job)
  const onDisk = await verify(job, 20)
  expect(inMemory.said).toEqual(expect.arrayContaining(['/wide/77 content', '/wide/78 missing', '/wide/new untracked']))
  expect(onDisk.said).toEqual(inMemory.said)
  expect(onDisk).toMatchObject({ files: 249, foreign: 1 })
})

test('a file that can’t be read is a difference, and the others are compared', async () => {
  const job = await rig.job({}, { source: aTree({ 'a/a.txt': '3 KB', 'b.txt': 'y' }), to: { platform: 'vault' } })
  await job.run()
  const { hash } = job.explain('a/a.txt')
  const blob = [...look(job.destination).keys()].find((path) => path.replaceAll('/', '').endsWith(hash!))
  unlinkSync(join(job.destination, blob!))
  const { found, files } = await verify(job)
  expect(found).toMatchObject([{ path: '/a/a.txt', kind: 'unreadable' }])
  expect(files).toBe(2)
})

describe('platforms that know things by id', () => {
  test('are compared by id, as destination and as source', async () => {
    const there = await rig.job(
      {},
      { source: aTree({ 'a/b.txt': 'bee', 'a/c/d.txt': '9 KB' }), to: { platform: 'vault' } },
    )
    await there.run()
    expect(await verify(there)).toMatchObject({ said: [], files: 2, folders: 2, foreign: 0 })
    const back = await rig.job({}, { from: { platform: 'vault', auth: { root: there.destination } } })
    await back.run()
    expect(await verify(back)).toMatchObject({ said: [], files: 2, folders: 2 })
    writeFileSync(join(back.destination, 'a/b.txt'), 'BEE')
    expect((await verify(back)).said).toEqual(['/a/b.txt content', '/a/b.txt times'])
  })

  test('hold what was renamed by case alone, which is no other item there', async () => {
    const job = await rig.job(
      {},
      { source: aTree({ 'a.txt': 'x' }), to: { platform: 'vault', auth: { names: 'windows' } } },
    )
    await job.run()
    renameSync(join(job.source, 'a.txt'), join(job.source, 'A.txt'))
    await job.run()
    expect(await verify(job)).toMatchObject({ said: [], files: 1, gone: 0, foreign: 0 })
  })

  test('siblings of one name are told apart', async () => {
    const job = await rig.job({}, { from: { platform: 'vault' }, to: { platform: 'vault' } })
    const session = await vault.open({ root: job.source })
    const root = await session.root('/')
    for (const [n, content] of ['one', 'two', 'three'].entries()) {
      const staging = await session.stage({
        container: root!.id,
        key: `k${n}`,
        sizeBytes: BigInt(content.length),
        attributes: {},
        durability: 'process',
      })
      await staging.write(Buffer.from(content), 0n)
      const { createHash } = await import('node:crypto')
      const staged = await staging.finish(createHash('sha256').update(content).digest('hex'))
      await session.publish(staged, { container: root!.id, name: 'same', condition: 'absent' })
    }
    await session.close()
    expect(await job.run()).toMatchObject({ status: 'completed' })
    expect(await verify(job)).toMatchObject({ said: [], files: 3, foreign: 0 })
  })
})

;(isRoot ? test : test.skip)('an owner who should be another is found', async () => {
  const job = await rig.job(
    { preserve_owners: true },
    { source: aTree({ 'a.txt': { is: 'x', uid: 1, gid: 1 }, 'a/': { uid: 2 } }) },
  )
  await job.run()
  expect((await verify(job)).said).toEqual([])
  chownSync(join(job.destination, 'a.txt'), 2, 1)
  chownSync(join(job.destination, 'a'), 1, 1)
  expect((await verify(job)).said).toEqual(['/a owner', '/a owner', '/a.txt owner'])
})

;(isRoot ? test : test.skip)(
  'what arrived keeps its owner when the maps change, and that is no difference',
  async () => {
    const job = await rig.job(
      { preserve_owners: true, ...(await accountMapTo(rig, '2')) },
      { source: aTree({ 'd/a.txt': { is: 'x', uid: 1 }, 'd/': { uid: 1 }, 'b.txt': { is: 'y', uid: 1 } }) },
    )
    await job.run()
    expect(await verify(job)).toMatchObject({ said: [], accessBefore: 0 })
    await job.change(await accountMapTo(rig, '3'))
    expect(await verify(job)).toMatchObject({ said: [], accessBefore: 3 })
    await job.run()
    writeFileSync(join(job.source, 'b.txt'), 'changed')
    await job.run()
    expect(statSync(join(job.destination, 'b.txt')).uid).toBe(3)
    expect(await verify(job)).toMatchObject({ said: [], accessBefore: 2 })
    chownSync(join(job.destination, 'd/a.txt'), 4, 0)
    chownSync(join(job.destination, 'b.txt'), 4, 0)
    expect((await verify(job)).said).toEqual(['/b.txt owner', '/d/a.txt owner'])
  },
)

test('a side that is gone is said, not taken for empty; one that was replaced is a difference', async () => {
  const job = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  await job.run()
  renameSync(job.destination, `${job.destination}.away`)
  mkdirSync(job.destination)
  renameSync(`${job.destination}.away`, join(job.destination, 'moved'))
  expect((await verify(job)).said).toContain('/ ledger')
  await job.change({ source: { ...(await endpoint(job)), target: { path: '/nowhere' } } })
  await expect(verify(job)).rejects.toThrow(CannotVerify)
  rmSync(job.source, { recursive: true })
  await expect(verify(job)).rejects.toThrow(/root|gone|exist/i)
})

async function endpoint(job: Job): Promise<Record<string, unknown>> {
  const { document } = (await rig.catalog.jobs.get(job.id))!
  return (document['transfer'] as { source: Record<string, unknown> }).source
}

function said({ message, ...rest }: { path: string; kind: string; message: RegExp }): unknown {
  return { ...rest, message: expect.stringMatching(message) }
}

function inLedger(job: Job, sql: string): void {
  const db = new DatabaseSync(ledgerFile(rig.home, job.id))
  db.exec(sql)
  db.close()
}

/** Turns one byte, and leaves size and time as they are. */
function flip(root: string, path: string): void {
  const at = join(root, path)
  const { mtimeNs } = statSync(at, { bigint: true })
  writeFileSync(at, '\u0001', { flag: 'r+' })
  utimesSync(at, Number(mtimeNs) / 1e9, Number(mtimeNs) / 1e9)
}

test('what is dated when the destination has no time arrives with another; that is told, and is no difference', async () => {
  const source = aTree({ 'late.txt': 'x', 'early/in.txt': 'y', 'now.txt': 'z' })
  const job = await rig.job({}, { source, to: { platform: 'vault' } })
  utimesSync(join(job.source, 'late.txt'), 10_413_792_000, 10_413_792_000)
  utimesSync(join(job.source, 'early'), '-11676096000', '-11676096000')
  expect(await job.run()).toMatchObject({
    failed: 0,
    flagged: 0,
    reasons: { 'processed new': 2, 'success new': 2 },
  })
  const message = 'its modified time is left out: the destination keeps times from 1677 to 2262'
  expect(job.audit({ type: 'time_left_out' })).toMatchObject(
    ['late.txt', 'early'].map((path) => ({ item: job.explain(path).item, level: 'warn', message })),
  )
  expect((await job.run()).status).toBe('no_changes')
  expect((await verify(job)).said).toEqual([])
})
