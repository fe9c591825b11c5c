import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import {
  failure,
  folder,
  fresh,
  listing,
  listRoot,
  oneBatch,
  oneContainer,
  results,
  Rig,
  start,
} from '../ledger/rig.ts'
import { aJob, openBench, type Bench, type Wire } from './bench.ts'

let rig: Rig
let reader: LedgerReader
let bench: Bench
let job: string

/** One folder with a renamed and a locked file in it, and a file that is left out. */
beforeEach(async () => {
  rig = new Rig()
  await rig.ledger.begin(start({ auditLevel: 'trace', triesPerExecution: 1, maxRetry: 0 }))
  await listRoot(rig.ledger, [
    folder('Sales'),
    { name: 'huge.mp4', size: 9_000, action: 'skip', reason: 'too_large', rest: { why: '9000 bytes; at most 8000' } },
  ])
  await rig.ledger.enumerated(
    listing(await oneContainer(rig.ledger), {
      fresh: fresh([
        { name: 'what?.txt', size: 10, destinationName: 'what_.txt', rest: { processing: ['renamed'] } },
        { name: 'open.xls', size: 20 },
      ]),
    }),
  )
  const batch = await oneBatch(rig.ledger)
  const open = batch.items.find(({ name }) => name === 'open.xls')!.item
  const what = batch.items.find(({ name }) => name === 'what?.txt')!.item
  await rig.ledger.finished(
    results(batch, {
      failed: [failure(open)],
      audit: [
        { item: what, level: 'info', type: 'transferred', message: 'copied' },
        { item: open, level: 'error', type: 'failed', message: 'somebody has it open' },
      ],
    }),
  )
  await rig.ledger.end(1)
  reader = new LedgerReader(rig.file)
  bench = openBench({ ledgers: { open: () => reader } })
  job = (await bench.call('POST', '/v1/jobs', aJob())).json.job.id
})
afterEach(async () => {
  await bench.close()
  reader.close()
  await rig.remove()
})

const items = async (query = ''): Promise<Wire> => (await bench.call('GET', `/v1/transfers/${job}/items${query}`)).json

describe('GET /v1/transfers/{job}/items', () => {
  test('lists items under the key "item", with both sides and the reason in words', async () => {
    const answer = await items('?fields=all')
    expect(answer).toMatchObject({ status: 200, type: 'item', meta: { total_count: 4, has_more: false } })
    const byName = Object.fromEntries(answer.item.map((item: Wire) => [item.source.name, item]))
    expect(byName['what?.txt']).toMatchObject({
      type: 'item',
      status: 'success',
      reason: 'new',
      source: { path: '/Sales/what?.txt', ext: 'txt', bytes: 10 },
      destination: { path: '/Sales/what_.txt', name: 'what_.txt', hash: 'ab'.repeat(32) },
    })
    expect(byName['huge.mp4']).toMatchObject({
      status: 'skipped',
      message: '9000 bytes; at most 8000',
      destination: null,
      source: { path: '/huge.mp4', bytes: 9_000 },
    })
    expect(byName.Sales).toMatchObject({ type: 'container', parent_id: 1 })
  })

  test('by status: skipped, flagged, or both', async () => {
    const names = async (query: string): Promise<string[]> =>
      (await items(query)).item.map((item: Wire) => item.source.name)
    expect(await names('?status=skipped')).toEqual(['huge.mp4'])
    expect(await names('?item_status=remediation')).toEqual(['open.xls'])
    expect((await names('?status=skipped,remediation')).sort()).toEqual(['huge.mp4', 'open.xls'])
    expect((await names('?status=skipped&status=remediation')).sort()).toEqual(['huge.mp4', 'open.xls'])
    expect(await names('?reason=too_large,Locked')).toEqual(['huge.mp4', 'open.xls'])
    expect(await names('?type=container')).toEqual(['Sales'])
    expect(await names('?q=WHAT')).toEqual(['what?.txt'])
    expect(await names('?status=unknown')).toEqual([])
    expect(await names('?status=unknown,skipped')).toEqual(['huge.mp4'])
  })

  test('in pages', async () => {
    const { item, meta } = await items('?limit=3')
    expect(item).toHaveLength(3)
    expect(meta.has_more).toBe(true)
    expect((await bench.call('GET', meta.links.next.href)).json.item).toHaveLength(1)
  })

  test.each([
    ['status=sleeping', 'status'],
    ['processing_status=painted', 'processing_status'],
    ['parent=root', 'parent'],
    ['id=1,x', 'id'],
    ['limit=0', 'limit'],
  ])('%s is refused', async (query, property) => {
    const { status, json } = await bench.call('GET', `/v1/transfers/${job}/items?${query}`)
    expect(status).toBe(400)
    expect(json.errors[0].property).toBe(property)
  })

  test('a job that never ran has none', async () => {
    const idle = openBench()
    try {
      const { json } = await idle.call('POST', '/v1/jobs', aJob())
      const answer = await idle.call('GET', `/v1/transfers/${json.job.id}/items`)
      expect(answer.json).toMatchObject({ status: 200, item: [], meta: { total_count: 0 } })
    } finally {
      await idle.close()
    }
  })
})

describe('PATCH /v1/transfers/{job}/items', () => {
  const patch = (path: string) => bench.call('PATCH', `/v1/transfers/${path}`)

  test('asks for another try of what failed, by the filters of the list, for the next execution', async () => {
    const { item } = await items('?status=remediation')
    const { status, json } = await patch(`${job}/items?retry`)
    expect([status, json.meta.total_count, json.item[0].id]).toEqual([200, 1, item[0].id])
    expect(json.item[0]).toMatchObject({ status: 'remediation', request: 'retry', remedy: expect.any(String) })
    expect(await bench.catalog.requests.of(job)).toEqual(new Map([[item[0].id, 'retry']]))
    expect((await items('?status=remediation')).item[0].request).toBe('retry')
    for (const none of ['reason=AccessDenied', 'status=skipped', 'q=huge', 'type=container'])
      expect((await patch(`${job}/items?ignore=1&${none}`)).json.meta.total_count).toBe(0)
    expect((await patch(`${job}/items?ignore=1&reason=Locked,AccessDenied`)).json.meta.total_count).toBe(1)
    expect(await bench.catalog.requests.of(job)).toEqual(new Map([[item[0].id, 'ignore']]))
  })

  test('by id: one, several, and as the original writes it, with the job beside it', async () => {
    const [{ id }] = (await items('?status=remediation')).item
    const [{ id: skipped }] = (await items('?status=skipped')).item
    for (const path of [`${job}/items/${id}?ignore=1`, `items/${id}?job=${job}&ignore=1`])
      expect((await patch(path)).json.item).toMatchObject([{ id, request: 'ignore' }])
    expect((await patch(`items?job=${job}&id=${id},${skipped}&retry`)).json.item).toMatchObject([{ id }])
    expect((await patch(`${job}/items/${skipped}?retry`)).json.errors[0].description).toMatch(/did not fail/)
    expect((await patch(`${job}/items/99?retry`)).status).toBe(404)
    expect((await patch(`${'0'.repeat(32)}/items?retry`)).status).toBe(404)
    expect((await patch(`items?retry`)).json.errors[0].property).toBe('job')
  })

  test.each(['', '?retry&ignore', '?retry=0', '?retri=1'])('says what it takes: %s', async (query) => {
    expect((await patch(`${job}/items${query}`)).status).toBe(400)
  })
})

describe('GET /v1/transfers/auditing', () => {
  test('shows what was recorded, with paths, from a level on', async () => {
    const { json } = await bench.call('GET', `/v1/transfers/auditing?job=${job}&level=error`)
    const failed = json.item.filter((row: Wire) => row.type === 'failed')
    expect(failed).toMatchObject([
      { job_id: job, execution_id: 1, level: 'error', message: 'somebody has it open', from_source: '/Sales/open.xls' },
    ])
    expect(json.item.some((row: Wire) => row.level === 'info')).toBe(false)
    const all = await bench.call('GET', `/v1/transfers/auditing?job=${job}&execution=1`)
    expect(all.json.item.map((row: Wire) => row.type)).toContain('transferred')
  })

  test('needs a job, and a level there is', async () => {
    expect((await bench.call('GET', '/v1/transfers/auditing')).json.errors[0].property).toBe('job')
    const { json } = await bench.call('GET', `/v1/transfers/auditing?job=${job}&level=loud`)
    expect(json.errors[0].property).toBe('level')
    expect((await bench.call('GET', `/v1/transfers/auditing?job=${'0'.repeat(32)}`)).status).toBe(404)
  })
})

describe('executions', () => {
  test('the history of a job, newest first, with counts; last and current pick one, current none after its end', async () => {
    const { executions, jobs } = bench.catalog
    for (const n of [1, 2]) {
      await executions.begin(job, n, false)
      await jobs.update(job, { lastExecution: n })
      if (n === 1)
        await executions.update(job, n, {
          status: 'completed',
          phase: 'complete',
          endedOn: 2,
          balance: reader.balance(1),
        })
    }
    const { json } = await bench.call('GET', `/v1/jobs/${job}/history`)
    expect(json).toMatchObject({ type: 'job_executions', meta: { total_count: 2 } })
    expect(json.job_executions.map((e: Wire) => e.id)).toEqual([2, 1])
    expect(json.job_executions[0]).toMatchObject({ id: 2, progress: 0, end_time: null })
    expect(json.job_executions[0]).not.toHaveProperty('waiting_for')
    await executions.update(job, 2, { waitingFor: 'source: "/mnt/old" is gone' })
    const waiting = await bench.call('GET', `/v1/jobs/history?job=${job}&execution=current`)
    expect(waiting.json.job_executions).toMatchObject([{ waiting_for: 'source: "/mnt/old" is gone' }])
    expect(json.job_executions[1]).toMatchObject({
      progress: 1,
      status: 'completed',
      stats: { source: { existing: { folders: 1 }, flagged: 1 }, by_status: { skipped: { items: 1, bytes: 9_000 } } },
    })
    const pick = async (which: string): Promise<number[]> =>
      (await bench.call('GET', `/v1/jobs/history?job=${job}&execution=${which}`)).json.job_executions.map(
        (e: Wire) => e.id,
      )
    expect(await pick('1')).toEqual([1])
    expect(await pick('last')).toEqual([2])
    expect(await pick('current')).toEqual([2])
    expect(await pick('7')).toEqual([])
    for (const which of ['first', ''])
      expect((await bench.call('GET', `/v1/jobs/${job}/history?execution=${which}`)).status).toBe(400)

    const whole = await bench.call('GET', `/v1/jobs/${job}?fields=execution,previous_execution`)
    expect(whole.json.job).toMatchObject({ execution: { id: 2 }, previous_execution: { id: 1 } })
    expect((await bench.call('GET', '/v1/jobs/history')).json.meta.total_count).toBe(2)
    expect((await bench.call('GET', '/v1/jobs/history?q=nobody')).json.meta.total_count).toBe(0)

    await executions.update(job, 2, { status: 'completed', phase: 'complete', endedOn: 3 })
    expect(await pick('last')).toEqual([2])
    expect(await pick('current')).toEqual([])
    const none = await bench.call('GET', `/v1/jobs/${job}/history?execution=current`)
    expect([none.status, none.json.meta.total_count]).toEqual([200, 0])
  })
})
