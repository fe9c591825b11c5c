import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NotInCatalog, type Catalog, type StoredJob } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { keyOf } from '../../src/home/key.ts'
import type { Balance } from '../../src/ledger/ledger.ts'

const key = keyOf(new Uint8Array(32).fill(7))
const all = { offset: 0, limit: 100 }
let folder: string
let file: string
let catalog: Catalog

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-catalog-'))
  file = join(folder, 'catalog.db')
  catalog = openCatalog(file, key)
})
afterEach(async () => {
  await catalog.close()
  rmSync(folder, { recursive: true, force: true })
})

function aJob(name = 'photos', rest: { categoryId?: number; status?: StoredJob['status'] } = {}): Promise<StoredJob> {
  return catalog.jobs.create({ name, document: { name, unknown: { kept: [1, null] } }, categoryId: -1, ...rest })
}

describe('jobs', () => {
  test('a job comes back as it was stored, and is there for the next process', async () => {
    const made = await aJob()
    expect(made).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      kind: 'transfer',
      document: { name: 'photos', unknown: { kept: [1, null] } },
      status: 'idle',
      statusReason: '',
      category: { id: -1, name: 'Default' },
      disabled: false,
      counts: { executions: 0, successes: 0, failures: 0 },
      lastExecution: 0,
      executeOn: null,
    })
    await catalog.close()
    catalog = openCatalog(file, key)
    expect(await catalog.jobs.get(made.id)).toEqual(made)
    expect(await catalog.jobs.get('0'.repeat(32))).toBeUndefined()
  })

  test('a change touches what it names and nothing else', async () => {
    const made = await aJob()
    const changed = await catalog.jobs.update(made.id, {
      name: 'Videos',
      status: 'paused',
      statusReason: 'by an administrator',
      counts: { executions: 2, successes: 1, failures: 1 },
      lastExecution: 2,
      executeOn: 1_800_000_000,
      disabled: true,
      priority: 3,
      document: { other: true },
    })
    expect(changed).toEqual({
      ...made,
      name: 'Videos',
      status: 'paused',
      statusReason: 'by an administrator',
      counts: { executions: 2, successes: 1, failures: 1 },
      lastExecution: 2,
      executeOn: 1_800_000_000,
      disabled: true,
      priority: 3,
      document: { other: true },
      modifiedOn: changed.modifiedOn,
    })
    expect(await catalog.jobs.update(made.id, { executeOn: null })).toMatchObject({ executeOn: null, lastExecution: 2 })
    expect((await catalog.jobs.list({ ...all, q: 'videos' })).total).toBe(1)
    await expect(catalog.jobs.update('0'.repeat(32), { disabled: true })).rejects.toThrow(NotInCatalog)
  })

  test('the newest of several jobs of one name is the one found by it', async () => {
    await aJob('photos')
    const second = await aJob('photos')
    await aJob('Photos')
    expect(await catalog.jobs.findByName('photos')).toEqual(second)
    expect(await catalog.jobs.findByName('none')).toBeUndefined()
  })

  test('jobs are listed in pages that hold each once, with the number of all', async () => {
    for (let n = 0; n < 7; n++) await aJob(`job ${n}`)
    const pages = await Promise.all([0, 3, 6, 9].map((offset) => catalog.jobs.list({ offset, limit: 3 })))
    expect(pages.map((page) => page.total)).toEqual([7, 7, 7, 7])
    expect(pages.map((page) => page.rows.map((job) => job.name))).toEqual([
      ['job 0', 'job 1', 'job 2'],
      ['job 3', 'job 4', 'job 5'],
      ['job 6'],
      [],
    ])
    await expect(catalog.jobs.list({ offset: -1, limit: 3 })).rejects.toThrow(RangeError)
  })

  test('jobs are found by status, by category name or id, and by part of their name', async () => {
    const finance = await catalog.categories.named('Finance')
    await aJob('Straße', { status: 'running', categoryId: finance.id })
    await aJob('100% done')
    await aJob('1000 done')
    const names = async (filter: object) => (await catalog.jobs.list({ ...all, ...filter })).rows.map((job) => job.name)
    expect(await names({ statuses: ['running', 'warn'] })).toEqual(['Straße'])
    expect(await names({ statuses: [] })).toEqual([])
    expect(await names({ category: 'FINANCE' })).toEqual(['Straße'])
    expect(await names({ category: String(finance.id) })).toEqual(['Straße'])
    expect(await names({ category: '-1', q: 'done' })).toEqual(['100% done', '1000 done'])
    expect(await names({ kind: 'transfer', q: 'STRAẞE' })).toEqual(['Straße'])
    expect(await names({ kind: 'folder' })).toEqual([])
  })

  test.each(['0%', '_000', "' OR 1=1 --", '100\\%', '%'])('%p is searched as it is written', async (q) => {
    await aJob('100% done')
    await aJob('1000 done')
    const found = (await catalog.jobs.list({ ...all, q })).rows.map((job) => job.name)
    expect(found).toEqual(['100% done', '1000 done'].filter((name) => name.includes(q)))
  })
})

describe('roots that jobs read and write', () => {
  const root = (place: string, writes = true) => {
    const parts = place.split('/').slice(1)
    return { place, above: parts.map((_, n) => `/${parts.slice(0, n).join('/')}`).reverse(), writes }
  }

  test.each([
    ['the same place', '/data/in', '/data/in', false],
    ['a place below', '/data/in', '/data/in/deep/er', false],
    ['a place above', '/data/in', '/data', false],
    ['a place beside, though its name begins alike', '/data/in', '/data/in2', true],
  ])('of two running jobs the second may not write %s: %s, %s', async (_, first, second, allowed) => {
    const [one, two] = [await aJob('one'), await aJob('two')]
    expect(await catalog.jobs.claimRoots(one.id, 4, [root(first)])).toBeUndefined()
    const refusal = await catalog.jobs.claimRoots(two.id, 1, [root('/else'), root(second)])
    const claim = { jobId: one.id, jobName: 'one', execution: 4, place: first, writes: true, inTheWayOf: root(second) }
    expect(refusal).toEqual(allowed ? undefined : claim)
    const third = await aJob('three')
    expect((await catalog.jobs.claimRoots(third.id, 1, [root('/else')]))?.jobName).toBe(allowed ? 'two' : undefined)
  })

  test.each([
    [false, false, true],
    [true, false, false],
    [false, true, false],
  ])('two may read one place, but neither while the other writes it: %s, %s', async (first, second, allowed) => {
    const [one, two] = [await aJob('one'), await aJob('two')]
    await catalog.jobs.claimRoots(one.id, 1, [root('/share', first)])
    const refusal = await catalog.jobs.claimRoots(two.id, 1, [root('/else'), root('/share/deep', second)])
    if (allowed) expect(refusal).toBeUndefined()
    else expect(refusal).toMatchObject({ writes: first, inTheWayOf: { place: '/share/deep', writes: second } })
  })

  test('a job that comes back after a crash takes its own roots over', async () => {
    const [one, two] = [await aJob('one'), await aJob('two')]
    await catalog.jobs.claimRoots(one.id, 1, [root('/a'), root('/b')])
    await catalog.close()
    catalog = openCatalog(file, key)
    expect(await catalog.jobs.claimRoots(two.id, 1, [root('/a')])).toBeDefined()
    expect(await catalog.jobs.claimRoots(one.id, 1, [root('/a')])).toBeUndefined()
    expect(await catalog.jobs.claimRoots(two.id, 1, [root('/b')])).toBeUndefined()
  })

  test('roots are free again when the execution ends or lets them go', async () => {
    const [one, two] = [await aJob('one'), await aJob('two')]
    await catalog.executions.begin(one.id, 1, false)
    await catalog.jobs.claimRoots(one.id, 1, [root('/a')])
    await catalog.executions.update(one.id, 1, { phase: 'executing' })
    expect(await catalog.jobs.claimRoots(two.id, 1, [root('/a')])).toBeDefined()
    await catalog.executions.update(one.id, 1, { status: 'completed', endedOn: 1_800_000_000 })
    expect(await catalog.jobs.claimRoots(two.id, 1, [root('/a')])).toBeUndefined()
    await catalog.jobs.releaseRoots(two.id)
    expect(await catalog.jobs.claimRoots(one.id, 2, [root('/a')])).toBeUndefined()
    await expect(catalog.jobs.claimRoots('0'.repeat(32), 1, [])).rejects.toThrow(NotInCatalog)
  })
})

describe('connections', () => {
  const connection = {
    name: 'Files of Zoë',
    platform: 'webdav',
    auth: { url: 'https://dav.example' },
    secrets: { password: 'hunter2-very-secret' },
  }

  test('secrets come back through reveal only, and no file of the home holds them', async () => {
    const made = await catalog.connections.create(connection)
    expect(
      JSON.stringify([made, await catalog.connections.get(made.id), await catalog.connections.list(all)]),
    ).not.toContain('hunter2')
    expect(await catalog.connections.reveal(made.id)).toEqual({
      platform: 'webdav',
      auth: { url: 'https://dav.example', password: 'hunter2-very-secret' },
    })
    expect(await catalog.connections.reveal('0'.repeat(32))).toBeUndefined()
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes('hunter2')).toBe(false)
  })

  test('another key is told apart from a damaged catalog', async () => {
    const made = await catalog.connections.create(connection)
    const stranger = openCatalog(file, keyOf(new Uint8Array(32)))
    await expect(stranger.connections.reveal(made.id)).rejects.toThrow(/put the former `key` file back/)
    await stranger.close()
  })

  test('connections are listed by platform and name', async () => {
    await catalog.connections.create(connection)
    await catalog.connections.create({ name: 'disk', platform: 'fs', auth: { root: '/' }, secrets: {}, disabled: true })
    expect((await catalog.connections.list({ ...all, platform: 'fs' })).rows).toMatchObject([
      { name: 'disk', disabled: true },
    ])
    expect((await catalog.connections.list({ ...all, q: 'ZOË' })).rows).toMatchObject([{ platform: 'webdav' }])
  })
})

test('account maps and group maps are kept apart', async () => {
  const document = { maps: [{ source: 'a', destination: 'b' }] }
  const made = await catalog.maps.create({ type: 'account_map', name: 'people', document })
  expect(await catalog.maps.get('account_map', made.id)).toEqual(made)
  expect(made.document).toEqual(document)
  expect(await catalog.maps.get('group_map', made.id)).toBeUndefined()
  expect((await catalog.maps.list('account_map', { ...all, q: 'PEOP' })).total).toBe(1)
  expect((await catalog.maps.list('group_map', all)).total).toBe(0)
})

test('a category is made once, whatever the case of its name; no name is the default', async () => {
  const made = await catalog.categories.named('Finance')
  expect(await catalog.categories.named(' FINANCE ')).toEqual(made)
  expect(made).toEqual({ id: 1, name: 'Finance' })
  expect(await catalog.categories.named()).toEqual({ id: -1, name: 'Default' })
  expect(await catalog.categories.named('')).toEqual({ id: -1, name: 'Default' })
  expect(await catalog.categories.get(1)).toEqual(made)
  expect(await catalog.categories.get(99)).toBeUndefined()
})

describe('executions', () => {
  test('an execution begun before comes back as it is', async () => {
    const job = await aJob()
    const begun = await catalog.executions.begin(job.id, 1, true)
    expect(begun).toMatchObject({ status: 'running', phase: 'pending', simulated: true, endedOn: null, balance: null })
    await catalog.executions.update(job.id, 1, { phase: 'executing', warnings: ['one'] })
    expect(await catalog.executions.begin(job.id, 1, false)).toEqual({
      ...begun,
      phase: 'executing',
      warnings: ['one'],
    })
    await expect(catalog.executions.begin('0'.repeat(32), 1, false)).rejects.toThrow(NotInCatalog)
    await expect(catalog.executions.update(job.id, 2, { phase: 'complete' })).rejects.toThrow(NotInCatalog)
  })

  test('the balance keeps sizes no double can hold', async () => {
    const job = await aJob()
    await catalog.executions.begin(job.id, 1, false)
    const bytes = 2n ** 63n + 1n
    const balance = {
      found: { items: 1, containers: 0, bytes },
      byStatus: {},
      byReason: [{ status: 'success', reason: 'new', items: 1, bytes }],
      containersMade: 0,
    } as unknown as Balance
    await catalog.executions.update(job.id, 1, { balance, sentence: 'All done.', endedOn: 1_800_000_000.5 })
    expect(await catalog.executions.get(job.id, 1)).toMatchObject({
      balance,
      sentence: 'All done.',
      endedOn: 1_800_000_000.5,
    })
  })

  test('the history of a job begins with its latest execution', async () => {
    const [job, other] = [await aJob(), await aJob()]
    for (const n of [1, 2, 3]) await catalog.executions.begin(job.id, n, false)
    await catalog.executions.begin(other.id, 9, false)
    const history = await catalog.executions.list(job.id, { offset: 0, limit: 2 })
    expect(history.total).toBe(3)
    expect(history.rows.map((row) => row.execution)).toEqual([3, 2])
  })

  test('the execution that begins after a person asked for one says so, and only that one', async () => {
    const { id } = await aJob()
    expect((await catalog.executions.begin(id, 1, false)).byPerson).toBe(false)
    await catalog.jobs.expectPerson(id)
    expect((await catalog.executions.begin(id, 1, false)).byPerson).toBe(false)
    expect((await catalog.executions.begin(id, 2, false)).byPerson).toBe(true)
    expect((await catalog.executions.begin(id, 3, false)).byPerson).toBe(false)
  })
})

test('what people ask about items is kept until it is heeded, the last word about each', async () => {
  const { id } = await aJob()
  const other = await aJob()
  await catalog.requests.put(id, [2, 3, 4], 'retry')
  await catalog.requests.put(id, [3], 'ignore')
  await catalog.requests.put(other.id, [2], 'ignore')
  expect([...(await catalog.requests.of(id))]).toEqual([
    [2, 'retry'],
    [3, 'ignore'],
    [4, 'retry'],
  ])
  await catalog.requests.drop(id, [2, 3])
  expect([...(await catalog.requests.of(id))]).toEqual([[4, 'retry']])
  expect([...(await catalog.requests.of(other.id))]).toEqual([[2, 'ignore']])
  await expect(catalog.requests.put('0'.repeat(32), [1], 'retry')).rejects.toThrow(NotInCatalog)
})

describe('control', () => {
  test('a job is paused, and goes on, as was written last', async () => {
    const job = await aJob()
    expect(await catalog.control.read(job.id)).toEqual({ paused: false })
    for (const paused of [true, true, false]) {
      await catalog.control.write(job.id, { paused })
      expect(await catalog.control.read(job.id)).toEqual({ paused })
    }
    await catalog.control.write(job.id, { paused: true, cancelled: 3 })
    expect(await catalog.control.read(job.id)).toEqual({ paused: true, cancelled: 3 })
    await catalog.control.clearCancel(job.id)
    expect(await catalog.control.read(job.id)).toEqual({ paused: true })
    await expect(catalog.control.write('0'.repeat(32), { paused: true })).rejects.toThrow(NotInCatalog)
  })

  test('processes that write at once wait for each other', async () => {
    const job = await aJob()
    const script = `
      const { openCatalog } = await import(${JSON.stringify(import.meta.resolve('../../src/catalog/open.ts'))})
      const { keyOf } = await import(${JSON.stringify(import.meta.resolve('../../src/home/key.ts'))})
      const catalog = openCatalog(${JSON.stringify(file)}, keyOf(new Uint8Array(32)))
      for (let n = 0; n < 50; n++) await catalog.control.write(${JSON.stringify(job.id)}, { paused: n % 2 === 0 })
      await catalog.close()`
    const ends = await Promise.all(
      Array.from({ length: 3 }, () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'ignore', 'inherit'],
        })
        return new Promise((resolve) => child.on('close', resolve))
      }),
    )
    expect(ends).toEqual([0, 0, 0])
    expect(await catalog.control.read(job.id)).toEqual({ paused: false })
  })
})
