import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MessageChannel, Worker } from 'node:worker_threads'
import { connectLedger, openLedger, type LedgerHandle } from '../../src/ledger/client.ts'
import { toSent } from '../../src/ledger/errors.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { stateOf } from '../../src/ledger/sqlite/codes.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { mounted } from '../database/small_disk.ts'
import { claimed, facts, failure, files, folder, fresh, holder, listing } from './rig.ts'
import { listRoot, oneBatch, oneContainer, results, start } from './rig.ts'

jest.setTimeout(60_000)

let place: string
let file: string
let handle: LedgerHandle | undefined
let child: ChildProcess | undefined
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'ledger-threads-'))
  file = join(place, 'job.db')
})
afterEach(async () => {
  await handle?.close()
  handle = undefined
  child?.kill('SIGKILL')
  child = undefined
  rmSync(place, { recursive: true, force: true })
})

const open = async (): Promise<LedgerHandle> => (handle = await openLedger(file))

test('several threads list and write through one owner, and everything is done once', async () => {
  const { port } = await open()
  const main = connectLedger(port(), file)
  await main.begin(start())
  await listRoot(main, [folder('a'), folder('b'), folder('c')])
  const done: number[] = []
  const lister = async (name: string): Promise<void> => {
    const ledger = connectLedger(port(), file)
    for (;;) {
      const claim = await ledger.claimContainers(holder(name), 1)
      if (claim.state === 'closed') break
      if (claim.state !== 'claimed') continue
      for (const container of claim.claim) {
        await ledger.enumerated(listing(container, { fresh: fresh(files(40)) }))
      }
    }
    await ledger.close()
  }
  const writer = async (name: string): Promise<void> => {
    const ledger = connectLedger(port(), file)
    for (;;) {
      const claim = await ledger.claimBatch(holder(name), { items: 7, bytes: 1n << 30n })
      if (claim.state === 'closed') break
      if (claim.state !== 'claimed') continue
      await ledger.finished(results(claim.claim))
      done.push(...claim.claim.items.map(({ item }) => item))
    }
    await ledger.close()
  }
  await Promise.all([lister('l/0'), lister('l/1'), writer('w/0'), writer('w/1'), writer('w/2')])
  expect(done).toHaveLength(123)
  expect(new Set(done).size).toBe(123)
  const { byStatus } = await main.end(1)
  expect(byStatus.success.items).toBe(123)
  await main.close()
})

test('a request that fails takes none of its neighbours with it', async () => {
  const { port } = await open()
  const ledger = connectLedger(port(), file)
  await ledger.begin(start())
  await listRoot(ledger, files(2))
  const batch = await oneBatch(ledger, 'copy', 1)
  const outcomes = await Promise.allSettled([
    ledger.remember('before', '1'),
    ledger.enumerated(listing({ item: 1, token: 4_711 }, { fresh: fresh(files(5)) })),
    ledger.addresses(999, 'root'),
    ledger.finished(results(batch)),
    ledger.remember('after', '2'),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled'])
  expect(outcomes[1]).toMatchObject({ reason: { name: 'LeaseLost' } })
  expect(await ledger.recall('after')).toBe('2')
  const { found, byStatus } = await ledger.end(1)
  expect(found.items).toBe(2)
  expect(byStatus.success.items).toBe(1)
  await ledger.close()
})

test('whoever waits for an answer learns that the owner died', async () => {
  const worker = new Worker(new URL('../../src/ledger/owner_thread.ts', import.meta.url))
  worker.postMessage({ open: file })
  await once(worker, 'message')
  const { port1, port2 } = new MessageChannel()
  worker.postMessage({ port: port2 }, [port2])
  const ledger = connectLedger(port1, file)
  await ledger.begin(start())
  const waiting = ledger.claimBatch(holder('copy'), { items: 1, bytes: 1n }, { waitMs: 60_000 })
  setTimeout(() => void worker.terminate(), 20)
  await expect(waiting).rejects.toMatchObject({ name: 'LedgerGone' })
  await expect(ledger.recall('x')).rejects.toMatchObject({ name: 'LedgerGone' })
  // And the file is free again.
  await open()
})

test('the thread of a closed ledger serves the next one, and keeps nothing of the one before', async () => {
  for (const [name, value] of [
    ['first', '1'],
    ['second', '2'],
  ]) {
    const { port, close } = await openLedger(join(place, `${name}.db`))
    const ledger = connectLedger(port(), file)
    expect(await ledger.recall('value')).toBeUndefined()
    await ledger.remember('value', value!)
    await ledger.close()
    await close()
  }
  const { port, close } = await openLedger(join(place, 'first.db'))
  const ledger = connectLedger(port(), file)
  expect(await ledger.recall('value')).toBe('1')
  await ledger.close()
  await close()
})

test('a file that can not be opened spoils nothing for the next', async () => {
  writeFileSync(join(place, 'diary.db'), 'This is my diary. '.repeat(500))
  await expect(openLedger(join(place, 'diary.db'))).rejects.toMatchObject({ name: 'DatabaseUnusable' })
  const { port } = await open()
  const ledger = connectLedger(port(), file)
  await ledger.remember('x', '1')
  expect(await ledger.recall('x')).toBe('1')
  await ledger.close()
})

test('a ledger has one owner; a second is told which process it is', async () => {
  await open()
  await expect(openLedger(file)).rejects.toMatchObject({ name: 'LedgerHeld', pid: process.pid })
  child = spawn(process.execPath, [join(import.meta.dirname, 'busy_process.ts'), join(place, 'other.db')])
  await once(child.stdout!, 'data')
  const held = openLedger(join(place, 'other.db'))
  await expect(held).rejects.toMatchObject({ name: 'LedgerHeld', pid: child.pid })
  await expect(held).rejects.toThrow(`in use by process ${child.pid}`)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const other = await openLedger(join(place, 'other.db'))
  await other.close()
})

test('a damaged file, and one of another program, are named and left as they are', async () => {
  writeFileSync(file, 'This is my diary. '.repeat(500))
  await expect(openLedger(file)).rejects.toThrow(file)
  expect(readFileSync(file, 'utf8')).toBe('This is my diary. '.repeat(500))

  const other = join(place, 'other.db')
  const db = new DatabaseSync(other)
  db.exec('CREATE TABLE recipes (name TEXT)')
  db.close()
  const before = readFileSync(other)
  await expect(openLedger(other)).rejects.toMatchObject({ name: 'DatabaseUnusable' })
  expect(readFileSync(other).equals(before)).toBe(true)
})

test('damage found while working is said with the name of the file, and nothing is written over it', async () => {
  const { port } = await open()
  const ledger = connectLedger(port(), file)
  await ledger.begin(start())
  await listRoot(ledger, files(3_000))
  await handle!.close()
  handle = undefined
  const bytes = readFileSync(file)
  bytes.fill(0xa5, 122_880, bytes.length)
  writeFileSync(file, bytes)

  const again = connectLedger((await open()).port(), file)
  const claim = again.claimBatch(holder('copy'), { items: 3_000, bytes: 1n << 30n })
  await expect(claim).rejects.toMatchObject({ name: 'DatabaseUnusable', file })
  await expect(claim).rejects.toThrow(`${file}: is damaged`)
  await again.close()
  await handle!.close()
  handle = undefined
  expect(readFileSync(file).subarray(122_880).equals(bytes.subarray(122_880))).toBe(true)
})

describe('a full disk', () => {
  test('refuses what does not fit, and the ledger goes on when there is room', () =>
    onSmallDisk(async (ledger, { ballast }) => {
      const root = await oneContainer(ledger)
      writeFileSync(ballast, Buffer.alloc(500_000))
      let listed = 0
      let refused: unknown
      for (; listed < 100 && !refused; listed++) {
        const page = listing(root, { last: false, fresh: fresh(files(500, 1, `p${listed}-`)) })
        await ledger.enumerated(page).catch((error: unknown) => {
          refused = error
        })
      }
      expect(refused).toMatchObject({ name: 'HomeFull', code: 'HomeFull' })
      rmSync(ballast)
      await ledger.enumerated(listing(root, { fresh: fresh(files(3)) }))
      const { found } = await ledger.end(1)
      expect(found.items).toBe((listed - 1) * 500 + 3)
      await ledger.close()
      await handle!.close()
      handle = undefined
      expect(countedRows(file)).toEqual(counters(file))
    }))

  test('is held against no item, however often its holder could not record it', () =>
    onSmallDisk(async (ledger, { fill, ballast }) => {
      await listRoot(ledger, files(200))
      for (let often = 0; often < 8; often++) {
        const batch = await oneBatch(ledger, 'copy/0')
        expect([batch.items.length, batch.formerTokens.length]).toEqual([200, often])
        // As after a death, it may find all of it at the destination.
        expect(batch.attempt).toBe(often === 0 ? 1 : 2)
        fill()
        await expect(ledger.finished(results(batch))).rejects.toMatchObject({ name: 'HomeFull' })
        rmSync(ballast)
      }
      await ledger.finished(results(await oneBatch(ledger, 'copy/0')))
      expect((await ledger.end(1)).byStatus.success.items).toBe(200)
    }))

  test('is held against no folder either, also of those that were claimed beside the one it was noticed with', () =>
    onSmallDisk(async (ledger, { fill, ballast }) => {
      const folders = ['a', 'b', 'c'].map(folder)
      await listRoot(ledger, folders)
      const claim = () => ledger.claimContainers(holder('list/0'), 16, { waitMs: 0 }).then(claimed)
      for (let often = 0; often < 8; often++) {
        const [first, ...others] = await claim()
        expect(others).toHaveLength(2)
        fill()
        const found = listing(first!, { fresh: fresh(files(1_000)) })
        await expect(ledger.enumerated(found)).rejects.toMatchObject({ name: 'HomeFull' })
        rmSync(ballast)
      }
      for (const container of await claim()) await ledger.enumerated(listing(container))
      expect((await ledger.end(1)).byStatus.remediation.items).toBe(0)
    }))

  test('an I/O error of SQLite is an exceeded quota where nothing more can be written, else a disk that fails', () =>
    onSmallDisk((_ledger, { fill }) => {
      expect(toSent(quotaExceeded, file)).toMatchObject({ name: 'Error', message: 'disk I/O error' })
      fill()
      expect(toSent(quotaExceeded, file)).toEqual({
        name: 'HomeFull',
        code: 'HomeFull',
        message: `no room left to write ${file}`,
      })
      return Promise.resolve()
    }))

  /** As node:sqlite tells SQLITE_IOERR_WRITE. */
  const quotaExceeded = Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 778 })

  interface SmallDisk {
    /** A file to be removed when there is to be room again. */
    ballast: string
    /** Leaves no room at all. */
    fill(): void
  }

  async function onSmallDisk(run: (ledger: Ledger, disk: SmallDisk) => Promise<void>): Promise<void> {
    const small = join(place, 'small')
    if (!mounted(small)) {
      console.log('skipped: this test needs the right to mount a tmpfs')
      return
    }
    const ballast = join(small, 'ballast')
    try {
      file = join(small, 'job.db')
      const { port } = await open()
      const ledger = connectLedger(port(), file)
      await ledger.begin(start())
      await run(ledger, { ballast, fill: () => spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k']) })
    } finally {
      await handle?.close()
      handle = undefined
      execFileSync('umount', [small])
    }
  }
})

test('a process killed at any moment leaves a ledger that agrees with itself and with what was answered', async () => {
  const answered = join(place, 'answered')
  for (let round = 0; round < 6; round++) {
    child = spawn(process.execPath, [join(import.meta.dirname, 'busy_process.ts'), file, answered], { stdio: 'pipe' })
    await once(child.stdout!, 'data')
    await new Promise((resolve) => setTimeout(resolve, 60 + round * 70))
    child.kill('SIGKILL')
    await once(child, 'exit')

    await open()
    await handle!.close()
    handle = undefined
    expect(countedRows(file)).toEqual(counters(file))
    const done = rowsIn(file, 'SELECT id FROM item WHERE state IN (1, 2)').map(({ id }) => id as number)
    const said = existsSync(answered) ? readFileSync(answered, 'utf8').split('\n').filter(Boolean).map(Number) : []
    expect(new Set(said).size).toBe(said.length)
    const all = new Set(done)
    for (const item of said) expect(all.has(item)).toBe(true)
    if (round === 5) expect(said.length).toBeGreaterThan(0)
  }
  // And whoever comes next brings it to its end.
  const { port } = await open()
  const ledger = connectLedger(port(), file)
  const { n } = rowsIn(file, 'SELECT max(n) AS n FROM execution')[0]! as { n: number }
  await ledger.begin(start({ execution: n + 1 }))
  const root = await oneContainer(ledger, 'list', n + 1)
  expect(root.known).toBe(true)
  await ledger.close()
})

test('readers see what is committed while the owner writes', async () => {
  const { port } = await open()
  const ledger = connectLedger(port(), file)
  await ledger.begin(start())
  await listRoot(ledger, [{ ...folder('a?'), destinationName: 'a_', rest: { processing: ['renamed'] } }])
  await ledger.enumerated(
    listing(await oneContainer(ledger), {
      fresh: fresh([
        { name: 'x.txt', size: 5 },
        { name: 'locked', size: 6 },
        { name: 'big%', size: 7, action: 'skip', reason: 'too_large', rest: { why: '7 bytes' } },
      ]),
    }),
  )
  const reader = new LedgerReader(file)
  const batch = await oneBatch(ledger)
  const locked = batch.items.find(({ name }) => name === 'locked')!
  const audit = batch.items.map(({ item }) => ({
    item,
    level: 'info' as const,
    type: 'transferred',
    detail: { n: 1n },
  }))
  await ledger.finished(results(batch, { failed: [failure(locked.item, { retryAfterMs: 60_000 })], audit }))

  expect(reader.progress(1)).toMatchObject({
    found: { items: 4, containers: 1, bytes: 18n },
    done: { items: 3, bytes: 12n },
    failed: 0,
    waiting: 1,
    containersToList: 0,
    enumerationClosed: true,
    inHand: '/a?/x.txt',
  })
  expect(reader.explain(['a?', 'x.txt'])).toMatchObject({
    state: 'success',
    destinationNames: ['a_', 'x.txt'],
    source: facts(5),
    destination: facts(5),
    hash: 'ab'.repeat(32),
    audit: [{ type: 'transferred', detail: { n: '1' } }],
  })
  expect(reader.explain(['a_'])).toMatchObject({ name: 'a?', processing: ['renamed'], container: { ready: true } })
  expect(reader.explain(['nowhere', 'x'])).toBeUndefined()
  const found = (query: Partial<Parameters<LedgerReader['items']>[0]>) =>
    reader.items({ offset: 0, limit: 10, ...query }).rows.map(({ name }) => name)
  expect(found({})).toEqual(['a?', 'x.txt', 'locked', 'big%'])
  expect(found({ status: ['retry'] })).toEqual(['locked'])
  expect(found({ status: ['skipped', 'retry'], limit: 1, offset: 1 })).toEqual(['big%'])
  expect(found({ processing: 'renamed' })).toEqual(['a?'])
  expect(found({ processing: 'none', kind: 'item' })).toEqual(['x.txt', 'locked', 'big%'])
  expect(found({ q: '%' })).toEqual(['big%'])
  expect(found({ q: 'X.T' })).toEqual(['x.txt'])
  expect(found({ parent: 1 })).toEqual(['a?'])
  expect(found({ ids: [locked.item] })).toEqual(['locked'])
  expect(reader.items({ offset: 3, limit: 1 })).toMatchObject({
    total: 4,
    rows: [{ why: '7 bytes', state: 'skipped' }],
  })
  expect([...reader.rows()].map(({ sourceNames }) => sourceNames.join('/'))).toEqual([
    'a?',
    'a?/x.txt',
    'a?/locked',
    'a?/big%',
  ])
  expect(reader.audits({ execution: 1, level: 'warn', offset: 0, limit: 5 }).total).toBe(0)
  expect(reader.audits({ type: 'transferred', offset: 1, limit: 1 })).toMatchObject({ total: 3, rows: [{ seq: 3 }] })
  reader.close()
  await ledger.close()
})

function rowsIn(path: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db.prepare(sql).all()
  db.close()
  return rows
}

const bySum = (rows: Record<string, unknown>[]): Record<string, number> => {
  const sums: Record<string, number> = {}
  for (const { execution, state, reason, n } of rows) {
    const key = `${execution as number} ${stateOf(state as number)} ${reason as string}`
    if (n !== 0) sums[key] = (sums[key] ?? 0) + (n as number)
  }
  return sums
}

const countedRows = (path: string) =>
  bySum(rowsIn(path, 'SELECT execution, state, reason, count(*) AS n FROM item WHERE id > 1 GROUP BY 1, 2, 3'))
const counters = (path: string) => bySum(rowsIn(path, 'SELECT execution, state, reason, items AS n FROM counter'))
