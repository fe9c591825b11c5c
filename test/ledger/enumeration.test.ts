import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { claimed, facts, files, folder, fresh, holder, listing } from './rig.ts'
import { listRoot, now, oneBatch, oneContainer, results, Rig, start } from './rig.ts'

let rig: Rig
let ledger: Ledger
beforeEach(async () => {
  rig = new Rig()
  ledger = rig.ledger
  await ledger.begin(start())
})
afterEach(() => rig.remove())

const state = async (name = 'list', execution = 1) =>
  (await ledger.claimContainers(holder(name, execution), 1, now)).state

test('enumeration is closed when no container is to be listed or being listed', async () => {
  const root = await oneContainer(ledger)
  expect(await state('other')).toBe('wait')
  await ledger.enumerated(listing(root, { fresh: fresh([folder('a')]) }))
  const a = await oneContainer(ledger)
  expect(a).toMatchObject({ sourceNames: ['a'], ready: false, known: false, resumed: false })
  await ledger.enumerated(listing(a))
  expect(await state()).toBe('closed')
})

test('a listing that dies between pages is resumed: its rows stand, what it only counted is counted anew', async () => {
  // A first execution, so that there is something unchanged.
  await listRoot(ledger, [...files(4), folder('old')])
  await ledger.enumerated(listing(await oneContainer(ledger)))
  await ledger.finished(results(await oneBatch(ledger)))
  await ledger.end(1)
  await ledger.begin(start({ execution: 2 }))

  const root = await oneContainer(ledger, 'list', 2)
  const rows = await ledger.tracked(root.item, 0)
  const old = rows.find(({ name }) => name === 'old')!
  const unchanged = [{ status: 'success' as const, reason: 'new', items: 3, bytes: 2n }]
  await ledger.enumerated(
    listing(root, {
      execution: 2,
      last: false,
      unchanged,
      descend: [old.item],
      fresh: fresh([{ name: 'n0', size: 9 }]),
    }),
  )
  // It dies; meanwhile the folder it came across can't be listed.
  const inOld = (await ledger.claimContainers(holder('other', 2), 9, now)) as {
    claim: { item: number; token: number }[]
  }
  expect(inOld.claim.map(({ item }) => item)).toEqual([old.item])
  const failed = { reason: 'AccessDenied', why: 'no', flag: false }
  await ledger.enumerated(listing(inOld.claim[0]!, { execution: 2, failed }))

  const again = await oneContainer(ledger, 'list', 2)
  expect(again).toMatchObject({ item: root.item, known: true, resumed: true })
  await expect(ledger.enumerated(listing(root, { execution: 2 }))).rejects.toMatchObject({ name: 'LeaseLost' })
  const now2 = await ledger.tracked(again.item, 0)
  expect(now2.filter((row) => row.decided).map((row) => row.name)).toEqual(['old', 'n0'])
  const all = [{ status: 'success' as const, reason: 'new', items: 4, bytes: 4n }]
  await ledger.enumerated(listing(again, { execution: 2, unchanged: all }))
  await ledger.finished(results(await oneBatch(ledger, 'copy', 9, 2), { execution: 2 }))
  const { found, byStatus } = await ledger.end(2)
  expect(found).toEqual({ items: 6, containers: 1, bytes: 13n })
  expect(byStatus).toMatchObject({ success: { items: 5, bytes: 13n }, retry: { items: 1 } })
})

test('a folder whose listing kills five workers is flagged, and its neighbours are listed', async () => {
  await listRoot(ledger, [folder('bad'), folder('good')])
  const listed: string[] = []
  for (let deaths = 0; ;) {
    const claim = await ledger.claimContainers(holder('list'), 16, now)
    if (claim.state !== 'claimed') break
    for (const container of claim.claim) {
      if (container.sourceNames[0] === 'bad') {
        expect((deaths += 1)).toBeLessThanOrEqual(5)
        break
      }
      await ledger.enumerated(listing(container))
      listed.push(container.sourceNames.join('/'))
    }
  }
  expect(listed).toEqual(['good'])
  expect((await ledger.end(1)).byReason).toContainEqual(
    expect.objectContaining({ status: 'remediation', reason: 'crashed_worker', items: 1 }),
  )
})

test('containers given back are claimed again at once by anybody, as often as that may be, and blamed for nothing', async () => {
  await listRoot(ledger, [...files(2), folder('a'), folder('b')])
  for (let i = 0; i < 10; i++) {
    const claim = claimed(await ledger.claimContainers(holder(`list/${i % 2}`), 16, now))
    expect(claim.map(({ sourceNames }) => sourceNames.join('/')).sort()).toEqual(['a', 'b'])
    const [first] = claim
    // Put down between two pages.
    await ledger.enumerated(listing(first!, { last: false, fresh: fresh(files(1, 1, `p${i}-`)) }))
    await ledger.returnContainers(claim.map(({ token }) => token))
    await expect(ledger.enumerated(listing(first!))).rejects.toMatchObject({ name: 'LeaseLost' })
  }
  for (const container of claimed(await ledger.claimContainers(holder('list'), 16, now)))
    await ledger.enumerated(listing(container))
  expect(await ledger.claimContainers(holder('list'), 16, now)).toEqual({ state: 'closed' })
  await ledger.finished(results(await oneBatch(ledger)))
  expect((await ledger.end(1)).byStatus).toMatchObject({ remediation: { items: 0 }, success: { items: 14 } })
})

test('a folder whose listing gets further each time is not blamed for the deaths', async () => {
  for (let page = 0; page < 12; page++) {
    const root = await oneContainer(ledger)
    await ledger.enumerated(listing(root, { last: false, fresh: fresh(files(1, 1, `p${page}-`)) }))
  }
  await ledger.enumerated(listing(await oneContainer(ledger)))
  await ledger.finished(results(await oneBatch(ledger)))
  expect((await ledger.end(1)).byStatus).toMatchObject({ success: { items: 12 }, remediation: { items: 0 } })
})

test('a row decided by an earlier try is not decided again, whatever the repeated listing says', async () => {
  const root = await oneContainer(ledger)
  await ledger.enumerated(listing(root, { last: false, fresh: fresh(files(1)) }))
  await ledger.finished(results(await oneBatch(ledger)))
  const again = await oneContainer(ledger)
  const [row] = await ledger.tracked(again.item, 0)
  const changed = [
    {
      item: row!.item,
      kind: row!.kind,
      decision: { action: 'create', reason: 'new' } as const,
      destinationName: 'f0',
      source: facts(1),
    },
  ]
  await ledger.enumerated(listing(again, { changed, gone: [row!.item] }))
  expect((await ledger.claimBatch(holder('copy'), { items: 1, bytes: 1n }, now)).state).toBe('closed')
  expect((await ledger.end(1)).byStatus.success.items).toBe(1)
})

test('a container that cannot be listed is flagged after too many executions, and its neighbours go on', async () => {
  await listRoot(ledger, [folder('a'), folder('b')])
  for (let execution = 1; execution <= 5; execution++) {
    if (execution > 1) {
      await ledger.begin(start({ execution }))
      const root = await oneContainer(ledger, 'list', execution)
      const rows = await ledger.tracked(root.item, 0)
      const changed = rows
        .filter((row) => row.state === 'retry' || row.state === 'pending')
        .map((row) => ({
          item: row.item,
          kind: row.kind,
          decision: { action: 'none', reason: 'unchanged' } as const,
          destinationName: row.name,
          source: row.source,
        }))
      await ledger.enumerated(listing(root, { execution, changed }))
    }
    for (;;) {
      const claim = await ledger.claimContainers(holder('list', execution), 1, now)
      if (claim.state !== 'claimed') break
      const [container] = claim.claim
      const failed = { reason: 'AccessDenied', why: 'not for us', flag: false }
      const denied = container!.sourceNames[0] === 'a' ? { failed } : {}
      await ledger.enumerated(listing(container!, { execution, ...denied }))
    }
    await ledger.end(execution)
    const reader = new LedgerReader(rig.file)
    const a = reader.explain(['a'])!
    reader.close()
    if (execution < 4) expect(a).toMatchObject({ state: 'retry', strikes: execution, why: 'not for us' })
    else expect(a).toMatchObject({ state: 'remediation', strikes: 4 })
  }
})

test('an item whose decision no other execution would change is flagged at once, others after their strikes', async () => {
  await listRoot(ledger, [
    { name: 'pipe', kind: 'special', action: 'fail', reason: 'special' },
    { name: 'both', action: 'fail', reason: 'conflict' },
  ])
  const { byReason } = await ledger.end(1)
  expect(byReason).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ status: 'remediation', reason: 'special', items: 1 }),
      expect.objectContaining({ status: 'retry', reason: 'conflict', items: 1 }),
    ]),
  )
})

test('what vanished from the source is marked, not forgotten, and comes back when it does', async () => {
  await listRoot(ledger, files(3))
  const batch = await oneBatch(ledger)
  await ledger.finished(results(batch, { only: batch.items.slice(0, 2).map(({ item }) => item) }))
  await ledger.end(1)

  await ledger.begin(start({ execution: 2 }))
  const root = await oneContainer(ledger, 'list', 2)
  const gone = (await ledger.tracked(root.item, 0)).map((row) => row.item)
  await ledger.enumerated(listing(root, { execution: 2, gone }))
  expect((await ledger.end(2)).found.items).toBe(0)

  await ledger.begin(start({ execution: 3 }))
  const later = await oneContainer(ledger, 'list', 3)
  const rows = await ledger.tracked(later.item, 0)
  expect(rows.map(({ sourceGone, state }) => [sourceGone, state])).toEqual([
    [true, 'success'],
    [true, 'success'],
    [true, 'none'],
  ])
  const decision = { action: 'create', reason: 'restored' } as const
  const changed = [{ item: rows[0]!.item, kind: rows[0]!.kind, decision, destinationName: 'f0', source: facts(2) }]
  await ledger.enumerated(listing(later, { execution: 3, changed }))
  expect((await oneBatch(ledger, 'copy', 9, 3)).items).toMatchObject([{ name: 'f0', hash: 'ab'.repeat(32) }])
})

test('a folder of 12,000 entries is read back in pages', async () => {
  const root = await oneContainer(ledger)
  for (let page = 0; page < 12; page++) {
    await ledger.enumerated(listing(root, { last: page === 11, fresh: fresh(files(1_000, 1, `p${page}-`)) }))
  }
  await ledger.end(1)
  await ledger.begin(start({ execution: 2 }))
  const { item } = await oneContainer(ledger, 'list', 2)
  const sizes: number[] = []
  const names = new Set<string>()
  for (let after = 0; ;) {
    const page = await ledger.tracked(item, after)
    if (page.length === 0) break
    sizes.push(page.length)
    for (const row of page) names.add(row.name)
    after = page.at(-1)!.item
  }
  expect(sizes).toEqual([5_000, 5_000, 2_000])
  expect(names.size).toBe(12_000)
})

test('with empty containers skipped, only those that something arrives in are made', async () => {
  await rig.remove()
  rig = new Rig()
  ledger = rig.ledger
  await ledger.begin(start({ lazyContainers: true, triesPerExecution: 1 }))
  await listRoot(ledger, [folder('empty'), folder('used'), folder('broken')])
  for (let i = 0; i < 3; i++) {
    const container = await oneContainer(ledger)
    const children = container.sourceNames[0] === 'empty' ? [folder('deeper')] : files(1)
    await ledger.enumerated(listing(container, { fresh: fresh(children) }))
  }
  await ledger.enumerated(listing(await oneContainer(ledger)))
  const batch = await oneBatch(ledger)
  expect(batch.items.map(({ name }) => name)).toEqual(['f0', 'f0'])
  const used = batch.containers.find(({ sourceNames }) => sourceNames[0] === 'used')!
  const broken = batch.items.find(({ container }) => container !== used.item)!
  await ledger.containerReady(used.item, { token: batch.token, id: '', made: true })
  await ledger.containerReady(used.item, { token: batch.token, id: '', made: true })
  await ledger.finished(
    results(batch, { failed: [{ item: broken.item, reason: 'Locked', why: 'open', retryAfterMs: 0 }] }),
  )
  const balance = await ledger.end(1)
  expect(balance.containersMade).toBe(1)
  expect(balance.byReason).toEqual(
    expect.arrayContaining([
      { status: 'skipped', reason: 'empty_container', items: 2, bytes: 0n },
      { status: 'success', reason: 'new', items: 2, bytes: 1n },
      { status: 'retry', reason: 'Locked', items: 1, bytes: 1n },
      // Its file is tried again next time, and then it is made.
      { status: 'pending', reason: 'new', items: 1, bytes: 0n },
    ]),
  )
  expect(balance.found.items).toBe(6)
})

test('an interrupted execution leaves folders not looked into as pending, not as skipped', async () => {
  await rig.remove()
  rig = new Rig()
  ledger = rig.ledger
  await ledger.begin(start({ lazyContainers: true }))
  await listRoot(ledger, [folder('a'), folder('b')])
  await ledger.enumerated(listing(await oneContainer(ledger)))
  expect((await ledger.end(1)).byStatus).toMatchObject({ skipped: { items: 1 }, pending: { items: 1 } })
})

test('audit rows below the level are not written, and none at all when there is to be no audit', async () => {
  const audit = (['trace', 'debug', 'info', 'warn', 'error'] as const).map((level) => ({ level, type: level }))
  await ledger.audit(audit)
  await ledger.begin(start({ execution: 2, auditLevel: 'error' }))
  await ledger.audit(audit)
  await ledger.begin(start({ execution: 3, auditLevel: 'none' }))
  await ledger.audit(audit)
  const reader = new LedgerReader(rig.file)
  const { rows } = reader.audits({ offset: 0, limit: 100 })
  reader.close()
  expect(rows.map(({ execution, type }) => [execution, type])).toEqual([
    [1, 'execution'],
    [1, 'info'],
    [1, 'warn'],
    [1, 'error'],
    [1, 'execution'],
    [2, 'error'],
  ])
})

test('an execution is told of once at its begin and once at its end, however often either is repeated', async () => {
  const warnings = ['tags: nothing to carry']
  await ledger.begin(start({ execution: 2, warnings }))
  await ledger.begin(start({ execution: 2, warnings }))
  await ledger.end(2, 'a.txt: locked')
  await ledger.end(2, 'a.txt: locked')
  const reader = new LedgerReader(rig.file)
  const { rows } = reader.audits({ execution: 2, offset: 0, limit: 100 })
  reader.close()
  expect(rows.map(({ type, message }) => [type, message])).toEqual([
    ['execution', 'execution 2 began'],
    ['setting', 'tags: nothing to carry'],
    ['halted', 'a.txt: locked'],
    ['execution', 'execution 2 ended'],
  ])
})

test('beginning again changes nothing, and a number that is over cannot begin', async () => {
  await listRoot(ledger, files(3))
  const batch = await oneBatch(ledger, 'copy', 2)
  await ledger.begin(start())
  await ledger.finished(results(batch))
  await ledger.begin(start({ execution: 2 }))
  await expect(ledger.begin(start())).rejects.toThrow(/older than this job's ledger.* execution 2 already/)
  expect((await ledger.end(1)).byStatus).toMatchObject({ success: { items: 2 }, pending: { items: 1 } })
})

test('a beginning is repeated also after its end, but is not that of an earlier execution of its number', async () => {
  const begunMs = rig.nowMs
  await ledger.begin(start({ execution: 2, begunMs }))
  rig.nowMs += 1_000
  await ledger.end(2)
  await ledger.begin(start({ execution: 2, begunMs }))
  expect(await ledger.unended()).toBeUndefined()
  rig.nowMs += 1_000
  const another = start({ execution: 2, begunMs: rig.nowMs })
  await expect(ledger.begin(another)).rejects.toMatchObject({ name: 'LedgerAhead', latest: 2 })
  await ledger.begin(start({ execution: 3, begunMs: rig.nowMs }))
  expect(await ledger.unended()).toBe(3)
})

test('what is remembered of a job outlives its worker', async () => {
  await ledger.remember('root identity', '66:2')
  await rig.restart()
  ledger = rig.ledger
  expect(await ledger.recall('root identity')).toBe('66:2')
  expect(await ledger.recall('nothing')).toBeUndefined()
})

test('what is asked to make a folder grows with what is missing above it, not with how deep it is', async () => {
  await listRoot(ledger, [folder('a')])
  await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh([folder('b')]) }))
  const b = await oneContainer(ledger)
  const above = async (): Promise<(string | undefined)[]> =>
    (await ledger.addresses(b.item, 'nearest')).map(({ sourceNames }) => sourceNames.at(-1))
  expect(await above()).toEqual([undefined, 'a', 'b'])
  const batch = claimed(await ledger.claimBatch(holder('copy'), { items: 9, bytes: 9n }, now))
  await ledger.containerReady(batch.items[0]!.item, { token: batch.token, id: '', made: true })
  expect(await above()).toEqual(['a', 'b'])
})

test('a container’s address has the names of both sides from the root down', async () => {
  await listRoot(ledger, [{ ...folder('a?'), destinationName: 'a_' }])
  await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh([folder('b')]) }))
  const b = await oneContainer(ledger)
  const chain = await ledger.addresses(b.item, 'root')
  expect(chain.map(({ sourceNames, destinationNames }) => [sourceNames, destinationNames])).toEqual([
    [[], []],
    [['a?'], ['a_']],
    [
      ['a?', 'b'],
      ['a_', 'b'],
    ],
  ])
  await ledger.enumerated(listing(b))
  expect(claimed(await ledger.claimBatch(holder('copy'), { items: 9, bytes: 9n }, now)).items).toHaveLength(2)
})
