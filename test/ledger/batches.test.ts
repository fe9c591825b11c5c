import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Batch, Ledger } from '../../src/ledger/ledger.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { claimed, facts, failure, files, folder, fresh, holder, listing } from './rig.ts'
import { listRoot, now, oneBatch, oneContainer, results, Rig, start } from './rig.ts'

let rig: Rig
let ledger: Ledger
beforeEach(async () => {
  rig = new Rig()
  ledger = rig.ledger
  await ledger.begin(start())
})
afterEach(() => rig.remove())

async function balance(execution = 1) {
  await ledger.progress(execution)
  const reader = new LedgerReader(rig.file)
  const { byStatus, found } = reader.balance(execution)
  reader.close()
  const states = Object.entries(byStatus).filter(([, { items }]) => items > 0)
  return { found: found.items, ...Object.fromEntries(states.map(([state, { items }]) => [state, items])) }
}

const names = (batch: Batch) => batch.items.map(({ name }) => name)
const stagedFor = (item: number) => ({
  item,
  staged: { container: 'c', key: `k${item}`, hash: 'h', sizeBytes: 7n, identity: '1:7' },
})

test('a batch holds as many items and bytes as asked, and an item larger than that comes alone', async () => {
  const sizes = [40, 40, 40, 500, 10, 10, 10]
  await listRoot(
    ledger,
    sizes.map((size, i) => ({ name: `f${i}`, size })),
  )
  const limit = { items: 2, bytes: 100n }
  const all: string[][] = []
  for (;;) {
    const claim = await ledger.claimBatch(holder('copy'), limit, now)
    if (claim.state !== 'claimed') break
    all.push(names(claim.claim))
    await ledger.finished(results(claim.claim))
  }
  expect(all).toEqual([['f0', 'f1'], ['f2'], ['f3'], ['f4', 'f5'], ['f6']])
  expect(await balance()).toEqual({ found: 7, success: 7 })
})

test('items of containers listed one after another are claimed together, each with the address of its container', async () => {
  await listRoot(ledger, [folder('a'), folder('b')])
  for (const name of ['x', 'y']) {
    await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh(files(2, 1, name)) }))
  }
  const batch = await oneBatch(ledger)
  expect(names(batch)).toEqual(['a', 'x0', 'x1', 'b', 'y0', 'y1'])
  expect(batch.containers.map(({ sourceNames }) => sourceNames)).toEqual([[], ['a'], ['b']])
})

test('a container to be made is work only when it has been listed, and once', async () => {
  await listRoot(ledger, [folder('a'), ...files(1), folder('b')])
  expect(await balance()).toEqual({ found: 3, pending: 3 })
  const a = await oneContainer(ledger)
  const first = await oneBatch(ledger)
  expect(names(first)).toEqual(['f0'])
  await ledger.finished(results(first))
  await ledger.enumerated(listing(a))
  const b = await oneContainer(ledger)
  await ledger.enumerated(listing(b, { last: false, fresh: fresh(files(1, 1, 'x')) }))
  await ledger.enumerated(listing(b, { fresh: fresh(files(1, 1, 'y')) }))
  const second = await oneBatch(ledger)
  expect(names(second)).toEqual(['a', 'b', 'x0', 'y0'])
  await ledger.finished(results(second))
  expect((await ledger.claimBatch(holder('copy'), { items: 9, bytes: 9n }, now)).state).toBe('closed')
  expect(await balance()).toEqual({ found: 5, success: 5 })
  expect((await ledger.end(1)).carriedOut).toMatchObject({ items: 5 })
})

describe('a container that a batch holds whole', () => {
  const wholes = (batch: Batch): string[] =>
    batch.containers.filter(({ whole }) => whole).map(({ sourceNames }) => sourceNames.join('/'))

  test('is to be made, and has all its items, found by one commit, in the batch', async () => {
    await listRoot(ledger, [folder('a'), folder('b'), folder('c'), folder('d')])
    await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh(files(2, 1, 'x')) }))
    // A container below, pages, nothing in it: none of them is whole.
    await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh([folder('below'), ...files(1)]) }))
    const c = await oneContainer(ledger)
    await ledger.enumerated(listing(c, { last: false, fresh: fresh(files(1, 1, 'y')) }))
    await ledger.enumerated(listing(c, { fresh: fresh(files(1, 1, 'z')) }))
    await ledger.enumerated(listing(await oneContainer(ledger)))
    expect(wholes(await oneBatch(ledger))).toEqual(['a'])
  })

  test('is not torn apart while the next batch has room for it, and is not whole when it is', async () => {
    await listRoot(ledger, [folder('a'), folder('b'), folder('c')])
    for (const count of [2, 3, 9])
      await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh(files(count)) }))
    const batches: [number, string[]][] = []
    for (let i = 0; i < 4; i++) {
      const batch = await oneBatch(ledger, `copy/${i}`, 5)
      batches.push([batch.items.length, wholes(batch)])
    }
    expect(batches).toEqual([
      [3, ['a']],
      [5, ['b']],
      [5, []],
      [4, []],
    ])
  })

  test('is not whole for whoever comes after a death, or after it was given back', async () => {
    await listRoot(ledger, [folder('a'), folder('b')])
    for (const name of ['x', 'y'])
      await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh(files(2, 1, name)) }))
    const died = await oneBatch(ledger, 'copy/0', 3)
    expect(wholes(died)).toEqual(['a'])
    const again = await oneBatch(ledger, 'copy/0', 3)
    expect([names(again).sort(), wholes(again), again.formerTokens]).toEqual([['a', 'x0', 'x1'], [], [died.token]])
    const other = await oneBatch(ledger, 'copy/1', 3)
    expect(wholes(other)).toEqual(['b'])
    await ledger.finished(results(other, { only: [] }))
    const back = await oneBatch(ledger, 'copy/1', 3)
    expect([names(back).sort(), wholes(back)]).toEqual([['b', 'y0', 'y1'], []])
  })

  test('is never one that is made only when something arrives in it', async () => {
    await ledger.begin(start({ execution: 2, lazyContainers: true }))
    const [root] = claimed(await ledger.claimContainers(holder('list', 2), 1, now))
    await ledger.enumerated(listing(root!, { execution: 2, fresh: fresh([folder('a')]) }))
    const a = await oneContainer(ledger, 'list', 2)
    await ledger.enumerated(listing(a, { execution: 2, fresh: fresh(files(2)) }))
    const batch = await oneBatch(ledger, 'copy', 500, 2)
    expect([names(batch), wholes(batch)]).toEqual([['f0', 'f1'], []])
  })
})

test('what was planned comes back with the item: names, what it replaces, and how it is altered', async () => {
  const counterpart = { ...facts(5, { version: 'e\t"1"' }), id: 'there' }
  await listRoot(ledger, [
    { name: 'plain' },
    {
      name: 'a?b',
      destinationName: 'a_b',
      action: 'overwrite',
      rest: { keepAs: 'a_b (kept)', processing: ['renamed'], counterpart, why: 'differs' },
    },
  ])
  const { items } = await oneBatch(ledger)
  expect(items[0]).toMatchObject({ name: 'plain', destinationName: 'plain', processing: [], tries: 0 })
  expect(items[1]).toMatchObject({
    destinationName: 'a_b',
    action: 'overwrite',
    keepAs: 'a_b (kept)',
    processing: ['renamed'],
    counterpart,
  })
})

test('what has no result when a batch is given back is claimed again, before everything else', async () => {
  await listRoot(ledger, files(6))
  const batch = await oneBatch(ledger, 'copy/0', 3)
  await ledger.finished(results(batch, { only: [batch.items[1]!.item] }))
  const again = await oneBatch(ledger, 'copy/1', 10)
  expect(names(again)).toEqual(['f0', 'f2', 'f3', 'f4', 'f5'])
  expect(again).toMatchObject({ attempt: 1, formerTokens: [], staged: [] })
})

test('a result counts once, however often it is sent', async () => {
  await listRoot(ledger, files(2))
  const batch = await oneBatch(ledger)
  await ledger.finished(results(batch, { last: false }))
  await ledger.finished(results(batch, { last: false }))
  await ledger.finished(results(batch))
  await expect(ledger.finished(results(batch))).rejects.toMatchObject({ name: 'LeaseLost' })
  expect(await balance()).toEqual({ found: 2, success: 2 })
})

describe('when a holder dies', () => {
  test('it gets its batch back at once when it returns, with what was staged and the token it had', async () => {
    await listRoot(ledger, files(3))
    const batch = await oneBatch(ledger, 'copy/0')
    const [first, second] = batch.items
    await ledger.staged(batch.token, [stagedFor(first!.item), stagedFor(second!.item)])
    await ledger.finished(results(batch, { only: [first!.item], last: false }))
    await rig.restart()
    ledger = rig.ledger
    const again = await oneBatch(ledger, 'copy/0')
    expect(names(again)).toEqual(['f1', 'f2'])
    expect(again).toMatchObject({ attempt: 2, formerTokens: [batch.token], staged: [stagedFor(second!.item)] })
    await expect(ledger.finished(results(batch))).rejects.toMatchObject({ name: 'LeaseLost' })
  })

  test('what it staged stays on record when the next holder stages something else and dies too', async () => {
    await listRoot(ledger, files(2))
    const batch = await oneBatch(ledger, 'copy/0')
    const [first, second] = batch.items
    await ledger.staged(batch.token, [stagedFor(first!.item)])
    const again = await oneBatch(ledger, 'copy/0')
    await ledger.staged(again.token, [stagedFor(second!.item)])
    rig.nowMs += 60_000
    const third = await oneBatch(ledger, 'copy/1')
    expect(third.items).toHaveLength(1)
    expect(third.staged).toEqual([stagedFor(first!.item)])
    expect(third.formerTokens).toEqual([batch.token, again.token])
    await ledger.finished(results(third))
    expect((await oneBatch(ledger, 'copy/1')).staged).toEqual([stagedFor(second!.item)])
  })

  test('what a holder says it has in hand is not taken for what it left when it died', async () => {
    await listRoot(ledger, files(3))
    const claim = (inHand: number[]) =>
      ledger.claimBatch({ ...holder('copy/0'), inHand }, { items: 1, bytes: 1n << 40n }, now)
    const first = claimed(await claim([]))
    const second = claimed(await claim([first.token]))
    expect([first, second].flatMap(({ items }) => items.map(({ item }) => item))).toHaveLength(2)
    expect(second).toMatchObject({ attempt: 1, formerTokens: [] })
    await ledger.finished(results(first))
    await ledger.finished(results(second))
    const third = claimed(await claim([]))
    expect(claimed(await claim([]))).toMatchObject({ attempt: 2, formerTokens: [third.token] })
  })

  test('others get its batch when its lease has expired, not before, and not when it was renewed', async () => {
    await listRoot(ledger, files(3))
    const batch = await oneBatch(ledger, 'copy/0')
    rig.nowMs += 9_000
    await ledger.renew(['copy/0'], 10_000)
    rig.nowMs += 9_000
    expect(await ledger.claimBatch(holder('copy/1'), { items: 10, bytes: 99n }, now)).toEqual({ state: 'wait' })
    rig.nowMs += 2_000
    expect((await oneBatch(ledger, 'copy/1')).formerTokens).toEqual([batch.token])
    await expect(ledger.renew(['copy/0'], 10_000)).rejects.toMatchObject({ name: 'LeaseLost' })
    await ledger.renew(['copy/0'], 10_000)
  })

  test('a batch that killed two holders goes on item by item; who kills a third is tried at the end, then flagged', async () => {
    await listRoot(ledger, files(5))
    await oneBatch(ledger, 'copy/0')
    await oneBatch(ledger, 'copy/0')
    const done: string[] = []
    for (let i = 0; i < 5; i++) {
      const alone = await oneBatch(ledger, 'copy/0')
      expect(alone.attempt).toBe(3)
      expect(alone.items).toHaveLength(1)
      // Dies with f2, and goes on with the next item.
      if (names(alone)[0] === 'f2') continue
      done.push(...names(alone))
      await ledger.finished(results(alone))
    }
    expect(done).toEqual(['f0', 'f1', 'f3', 'f4'])
    const last = await oneBatch(ledger, 'copy/0')
    expect(names(last)).toEqual(['f2'])
    expect(last.formerTokens).toHaveLength(3)
    // Dies again.
    const heard: string[] = []
    ledger.onCrashed = (why) => heard.push(why)
    const claim = () => ledger.claimBatch(holder('copy/0'), { items: 5, bytes: 99n }, now)
    expect(await claim()).toMatchObject({ state: 'wait' })
    expect(heard).toEqual(['/f2: the worker died 4 times with it in hand, the last time with nothing else'])
    // Whoever comes next learns of it too, if this one dies before it can tell.
    expect(await ledger.firstFailure(1)).toBe(heard[0])
    await ledger.keepFailure('a later one')
    expect(await ledger.firstFailure(1)).toBe(heard[0])
    expect(await ledger.firstFailure(2)).toBeUndefined()
    expect(await claim()).toEqual({ state: 'closed' })
    expect(await balance()).toEqual({ found: 5, success: 4, remediation: 1 })
    const reader = new LedgerReader(rig.file)
    expect(reader.explain(['f2'])).toMatchObject({ state: 'remediation', reason: 'crashed_worker' })
    reader.close()
    const { batches } = await ledger.leftovers(1)
    expect(batches.map(names)).toEqual([['f2']])
    expect(batches[0]!.formerTokens).toHaveLength(4)
  })

  test('nobody is blamed where workers are killed before they can end a batch, thirty times over', async () => {
    await listRoot(ledger, files(2_000))
    const slots = ['copy/0', 'copy/1']
    for (let kill = 1; kill <= 30; kill++) await lives(slots, 33)
    expect(await balance()).toMatchObject({ found: 2_000, pending: expect.any(Number) })
    await lives(slots, Infinity)
    expect(await balance()).toEqual({ found: 2_000, success: 2_000 })
  })

  test('only the item that kills its workers is blamed, not what the others had in hand each time', async () => {
    await listRoot(ledger, files(40))
    const slots = ['copy/0', 'copy/1', 'copy/2']
    while (!(await lives(slots, Infinity, (name) => name === 'f7'))) continue
    expect(await balance()).toEqual({ found: 40, success: 39, remediation: 1 })
  })

  /** Slots side by side until one of them dies, and all with it: after so many items each, or of a certain one. */
  async function lives(slots: string[], items: number, kills = (_name: string): boolean => false): Promise<boolean> {
    const left = new Map(slots.map((slot) => [slot, items]))
    for (;;) {
      const hands: Batch[] = []
      const states: string[] = []
      for (const slot of slots) {
        const claim = await ledger.claimBatch(holder(slot), { items: 50, bytes: 1n << 40n }, now)
        states.push(claim.state)
        if (claim.state !== 'claimed') continue
        hands.push(claim.claim)
        left.set(slot, left.get(slot)! - claim.claim.items.length)
      }
      if (hands.some((batch) => names(batch).some(kills))) return false
      if ([...left.values()].some((items) => items < 0)) return false
      for (const batch of hands) await ledger.finished(results(batch))
      if (states.every((state) => state === 'closed')) return true
    }
  }

  test('an item that gets further each time is not blamed for the deaths', async () => {
    await listRoot(ledger, [{ name: 'big', size: 1_000 }])
    for (let bytes = 100n; bytes < 800n; bytes += 100n) {
      const batch = await oneBatch(ledger, 'copy/0')
      if (bytes > 100n) expect(batch.items[0]!.partial).toMatchObject({ key: 'k', bytes: bytes - 100n })
      await ledger.partial(batch.token, batch.items[0]!.item, { key: 'k', bytes, source: facts(1_000) })
    }
    const batch = await oneBatch(ledger, 'copy/0')
    await ledger.finished(results(batch))
    expect(await balance()).toEqual({ found: 1, success: 1 })
    expect(await ledger.leftovers(1)).toEqual({ batches: [], partials: [] })
  })
})

describe('a long item half-way', () => {
  const oneMiB = 1 << 20
  const half = { key: 'k', bytes: BigInt(oneMiB / 2), source: facts(oneMiB) }

  test('counts with what is recorded of it, until it is done', async () => {
    await listRoot(ledger, [
      { name: 'big', size: oneMiB },
      { name: 'small', size: 100 },
    ])
    const batch = await oneBatch(ledger)
    const big = batch.items.find(({ name }) => name === 'big')!
    await ledger.partial(batch.token, big.item, half)
    expect(await ledger.progress(1)).toMatchObject({ done: { items: 0, bytes: half.bytes }, partItems: 0.5 })
    const reader = new LedgerReader(rig.file)
    expect(reader.progress(1)).toMatchObject({ done: { items: 0, bytes: half.bytes }, partItems: 0.5 })
    reader.close()
    await ledger.finished(results(batch))
    expect(await ledger.progress(1)).toMatchObject({ done: { items: 2, bytes: BigInt(oneMiB + 100) }, partItems: 0 })
  })

  test('counts while it waits for another try, and not once it has failed for this execution', async () => {
    await listRoot(ledger, [{ name: 'big', size: oneMiB }])
    for (const carriedOut of [half.bytes, 0n]) {
      const batch = await oneBatch(ledger)
      const big = batch.items[0]!.item
      await ledger.partial(batch.token, big, half)
      await ledger.finished(results(batch, { failed: [failure(big)] }))
      expect((await ledger.progress(1)).done).toEqual({ items: 0, bytes: carriedOut })
      rig.nowMs += 1_000
    }
  })

  test('leaves the balance as it is', async () => {
    await listRoot(ledger, [{ name: 'big', size: oneMiB }])
    const batch = await oneBatch(ledger)
    await ledger.partial(batch.token, batch.items[0]!.item, half)
    const { found, byStatus } = await ledger.end(1)
    expect(byStatus.pending).toEqual({ items: 1, bytes: found.bytes })
    expect(byStatus.success).toEqual({ items: 0, bytes: 0n })
    expect(await ledger.progress(1)).toMatchObject({ done: { items: 0, bytes: 0n }, partItems: 0 })
  })
})

describe('an item that fails', () => {
  test('waits, is tried again, gets a strike per execution, and is flagged when it has too many', async () => {
    await listRoot(ledger, files(2))
    for (let execution = 1; execution <= 4; execution++) {
      if (execution > 1) {
        await ledger.begin(start({ execution }))
        const root = await oneContainer(ledger, 'list', execution)
        const row = (await ledger.tracked(root.item, 0)).find(({ name }) => name === 'f0')!
        expect(row.state).toBe('retry')
        const decision = { action: 'create', reason: 'new' } as const
        const changed = [{ item: row.item, kind: row.kind, decision, destinationName: 'f0', source: facts(1) }]
        await ledger.enumerated(listing(root, { execution, changed }))
      }
      for (let attempt = 1; attempt <= 2; attempt++) {
        const batch = await oneBatch(ledger, 'copy', 500, execution)
        const bad = batch.items.find(({ name }) => name === 'f0')!
        expect(bad.tries).toBe(attempt - 1)
        await ledger.finished(results(batch, { failed: [failure(bad.item)], execution }))
        const claim = await ledger.claimBatch(holder('copy', execution), { items: 5, bytes: 99n }, now)
        if (attempt === 2) {
          expect(claim).toEqual({ state: 'closed' })
          continue
        }
        expect(claim).toEqual({ state: 'waiting', items: { total: 1, byReason: { Locked: 1 }, nextDueMs: 1_000 } })
        rig.nowMs += 1_000
      }
      expect(await balance(execution)).toMatchObject(execution < 4 ? { retry: 1 } : { remediation: 1 })
      await ledger.end(execution)
    }
  })

  test('starts without strikes again once it succeeded', async () => {
    await listRoot(ledger, files(1))
    const batch = await oneBatch(ledger)
    await ledger.finished(results(batch, { failed: [failure(batch.items[0]!.item)] }))
    rig.nowMs += 1_000
    await ledger.finished(results(await oneBatch(ledger)))
    const reader = new LedgerReader(rig.file)
    expect(reader.explain(['f0'])).toMatchObject({ state: 'success', tries: 0, strikes: 0 })
    reader.close()
  })

  test('keeps what earlier holders may have left of it when a batch of second tries dies as well', async () => {
    await listRoot(ledger, files(2))
    const batch = await oneBatch(ledger)
    await ledger.finished(results(batch, { failed: batch.items.map(({ item }) => failure(item)) }))
    rig.nowMs += 1_000
    const tokens = [(await oneBatch(ledger)).token, (await oneBatch(ledger)).token]
    for (let i = 0; i < 2; i++) {
      const alone = await oneBatch(ledger)
      expect(alone).toMatchObject({ attempt: 3, formerTokens: tokens })
      await ledger.finished(results(alone))
    }
    expect(await balance()).toEqual({ found: 2, success: 2 })
  })
})

describe('what is left at the end', () => {
  test('comes under new tokens that fence latecomers off, the same when asked again', async () => {
    await listRoot(ledger, files(4))
    const batch = await oneBatch(ledger, 'copy/0', 2)
    await ledger.staged(batch.token, [stagedFor(batch.items[0]!.item)])
    await ledger.partial(batch.token, batch.items[1]!.item, { key: 'part', bytes: 3n, source: facts(9) })
    const first = await ledger.leftovers(1)
    const second = await ledger.leftovers(1)
    for (const { batches, partials } of [first, second]) {
      expect(batches.map(names)).toEqual([['f0', 'f1']])
      expect(batches[0]!.staged).toEqual([stagedFor(batch.items[0]!.item)])
      expect(batches[0]!.formerTokens).toContain(batch.token)
      expect(partials).toMatchObject([{ item: batch.items[1]!.item, key: 'part', container: { sourceNames: [] } }])
    }
    await expect(ledger.finished(results(batch))).rejects.toMatchObject({ name: 'LeaseLost' })
    await ledger.finished(results(second.batches[0]!, { only: [batch.items[0]!.item] }))
    const { byStatus } = await ledger.end(1)
    expect(byStatus).toMatchObject({ success: { items: 1 }, pending: { items: 3 } })
    expect(await ledger.leftovers(1)).toEqual({ batches: [], partials: [] })
  })

  test('was held until its holder’s time was up, however often it is asked for, and by nobody when it had been put back', async () => {
    await listRoot(ledger, files(4))
    await oneBatch(ledger, 'copy/0', 2)
    const back = await oneBatch(ledger, 'copy/1', 2)
    await ledger.staged(back.token, [stagedFor(back.items[0]!.item)])
    await ledger.finished({ ...results(back, { only: [] }), last: true })
    const held = async (): Promise<unknown[]> =>
      (await ledger.leftovers(1)).batches.map((batch) => [names(batch), batch.held?.untilMs]).sort()
    const first = await held()
    expect(first).toEqual([
      [['f0', 'f1'], rig.nowMs + 10_000],
      [['f2', 'f3'], undefined],
    ])
    rig.nowMs += 60_000
    expect(await held()).toEqual(first)
    await rig.restart()
    ;({ ledger } = rig)
    expect(await held()).toEqual(first)
  })

  test('ending twice says the same, and nothing can be claimed afterwards', async () => {
    await listRoot(ledger, files(3))
    const batch = await oneBatch(ledger, 'copy', 1)
    const once = await ledger.end(1)
    expect(await ledger.end(1)).toEqual(once)
    expect(once.found).toEqual({ items: 3, containers: 0, bytes: 3n })
    expect(await ledger.claimBatch(holder('copy'), { items: 1, bytes: 1n }, now)).toEqual({ state: 'closed' })
    await expect(ledger.finished(results(batch))).rejects.toMatchObject({ name: 'LeaseLost' })
  })
})

test('a claim waits for work instead of being asked again and again', async () => {
  const waiting = ledger.claimBatch(holder('copy'), { items: 10, bytes: 99n }, { waitMs: 20_000 })
  await listRoot(ledger, files(2))
  expect(names(claimed(await waiting))).toEqual(['f0', 'f1'])
  const nothing = ledger.claimBatch(holder('copy/1'), { items: 10, bytes: 99n }, { waitMs: 30 })
  expect(await nothing).toEqual({ state: 'wait' })
})
