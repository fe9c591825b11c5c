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
  // /a/b/f0 and /c, which nothing is written in
  await listRoot(ledger, [folder('a'), { ...folder('c'), action: 'adopt' }])
  await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh([folder('b')]) }))
  await ledger.enumerated(listing(await oneContainer(ledger)))
  await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh(files(1)) }))
})
afterEach(() => rig.remove())

const claim = (name: string, limit = 10) => ledger.claimContainersToFinalize(holder(name), limit, now)

test('containers are finished when everything is written, the deepest first', async () => {
  expect((await claim('end/0')).state).toBe('wait')
  const batch = await oneBatch(ledger)
  expect((await claim('end/0')).state).toBe('wait')
  await ledger.finished(results(batch))
  const { containers } = claimed(await claim('end/0'))
  expect(containers.map(({ sourceNames, made, depth }) => [sourceNames.join('/'), made, depth])).toEqual([
    ['a/b', true, 2],
    ['a', true, 1],
    ['', false, 0],
  ])
})

test('nothing is finished above a depth at which somebody is still at work', async () => {
  await ledger.finished(results(await oneBatch(ledger)))
  const deep = claimed(await claim('end/0', 1))
  expect((await claim('end/1')).state).toBe('wait')
  await ledger.finishedContainers(deep.token, [{ item: deep.containers[0]!.item, destination: facts(0) }])
  const rest = claimed(await claim('end/1'))
  expect(rest.containers.map(({ depth }) => depth)).toEqual([1, 0])
  await expect(ledger.finishedContainers(deep.token, [{ item: deep.containers[0]!.item }])).rejects.toMatchObject({
    name: 'LeaseLost',
  })
  await ledger.finishedContainers(
    rest.token,
    rest.containers.map(({ item }) => ({ item })),
  )
  expect((await claim('end/0')).state).toBe('closed')
})

test('a holder that dies loses them to the next, and one that cannot be finished gets a strike', async () => {
  await ledger.finished(results(await oneBatch(ledger)))
  const dead = claimed(await claim('end/0'))
  rig.nowMs += 20_000
  const { token, containers } = claimed(await claim('end/1'))
  expect(containers).toHaveLength(3)
  await expect(ledger.finishedContainers(dead.token, [])).rejects.toMatchObject({ name: 'LeaseLost' })
  const [b, ...others] = containers
  await ledger.finishedContainers(token, [
    { item: b!.item, failure: { reason: 'AccessDenied', why: 'not ours' } },
    ...others.map(({ item }) => ({ item, destination: facts(7) })),
  ])
  const { byStatus } = await ledger.end(1)
  expect(byStatus).toMatchObject({ success: { items: 3 }, retry: { items: 1 } })
  const reader = new LedgerReader(rig.file)
  expect(reader.explain(['a'])!.destination).toEqual(facts(7))
  expect(reader.explain(['a', 'b'])).toMatchObject({ state: 'retry', why: 'not ours', container: { madeIn: 1 } })
  reader.close()
})

test('a container that somebody else made is not ours, nor is one in place of what an earlier execution made', async () => {
  const batch = await oneBatch(ledger)
  const [a, b] = batch.items.filter(({ kind }) => kind === 'container').map(({ item }) => item) as [number, number]
  const { token } = batch
  await ledger.containerReady(a, { token, id: '', made: true })
  await ledger.containerReady(b, { token, id: '', made: false })
  const { done, ...rest } = results(batch)
  // Another thread made `a` meanwhile: whoever finds it there did not make it, but the job did.
  await ledger.finished({ ...rest, done: { ...done, found: [a, b] } })
  const { containers, token: finishing } = claimed(await claim('end/0'))
  const made = (of: { item: number; made: boolean }[]) => of.map(({ item, made }) => [item, made])
  expect(made(containers)).toEqual([
    [b, false],
    [a, true],
    [1, false],
  ])
  await ledger.finishedContainers(
    finishing,
    containers.map(({ item }) => ({ item })),
  )
  expect((await ledger.end(1)).containersMade).toBe(1)

  await ledger.begin(start({ execution: 2 }))
  const root = await oneContainer(ledger, 'list', 2)
  await ledger.containerReady(a, { token: root.token, id: '', made: false })
  await ledger.enumerated(listing(root, { execution: 2 }))
  expect(made(claimed(await ledger.claimContainersToFinalize(holder('end/0', 2), 10, now)).containers)).toEqual([
    [a, false],
  ])
})

test.each([false, true])(
  'whoever is heard first, what one of us made counts as made (empty folders to be skipped: %p)',
  async (lazyContainers) => {
    const other = new Rig()
    const { ledger } = other
    await ledger.begin(start({ lazyContainers }))
    await listRoot(ledger, [folder('a'), folder('b'), folder('c')])
    for (let i = 0; i < 2; i++) await ledger.enumerated(listing(await oneContainer(ledger), { fresh: fresh(files(1)) }))
    const maker = await oneContainer(ledger)
    const batch = await oneBatch(ledger)
    const [a, b] = batch.containers.map(({ item }) => item).filter((item) => item !== 1) as [number, number]
    for (const found of [a, b]) await ledger.containerReady(found, { token: batch.token, id: '', made: false })
    const { done, ...rest } = results(batch)
    await ledger.finished({ ...rest, done: { ...done, found: lazyContainers ? [] : [a, b] } })
    await ledger.containerReady(a, { token: maker.token, id: '', made: true })
    await ledger.progress(1)
    const reader = new LedgerReader(other.file)
    expect([reader.explain(['a'])!.reason, reader.explain(['b'])!.reason]).toEqual(['new', 'matched'])
    const counted = reader.balance(1).byReason.filter(({ status }) => status === 'success')
    expect(counted.map(({ reason, items }) => [reason, items])).toEqual(
      expect.arrayContaining([
        ['new', 3],
        ['matched', 1],
      ]),
    )
    reader.close()
    await other.remove()
  },
)
