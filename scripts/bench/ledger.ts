import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { connectLedger, openLedger } from '../../src/ledger/client.ts'
import { noResults, pushFacts } from '../../src/ledger/columns.ts'
import { noListing, type ExecutionStart, type Holder, type Ledger, type Listing } from '../../src/ledger/ledger.ts'
import { SqliteLedger } from '../../src/ledger/sqlite/ledger.ts'
import { TrackedRows } from '../../src/ledger/sqlite/tracked_rows.ts'
import { toStagedText, toWireListing, toWireResults, fromWireBatch } from '../../src/ledger/wire.ts'

/**
 * What the ledger's thread spends on a copy of 100,000 small files, and on reading them back unchanged: the part that
 * cannot be spread over threads. Once as bare calls, once through its port with the I/O side's part of the work.
 */
const containers = 1_000
const perContainer = 100
const batch = { items: 500, bytes: 1n << 30n }
const start = (execution: number): ExecutionStart => ({
  execution,
  begunMs: 0,
  auditLevel: 'info',
  simulated: false,
  triesPerExecution: 3,
  maxRetry: 3,
  lazyContainers: false,
  root: { source: { sizeBytes: 0n, id: '' }, destination: { sizeBytes: 0n, id: '' } },
})
const holder = (name: string, execution: number): Holder => ({ name, execution, leaseMs: 60_000 })

async function main(): Promise<void> {
  console.log(`node ${process.version}, ${availableParallelism()} cores, ${containers * perContainer} items`)
  for (let round = 1; round <= 3; round++) {
    const folder = mkdtempSync(join(process.env.STEVEDORE_BENCH_FOLDER ?? tmpdir(), 'stevedore-ledger-'))
    try {
      bare(join(folder, 'bare.db'))
      await throughPorts(join(folder, 'ports.db'))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Bare calls on the thread's own class; preparing what I/O threads would send is not counted. */
function bare(file: string): void {
  const ledger = new SqliteLedger(file)
  const rows = new TrackedRows(file)
  const spent: Record<string, number> = {}
  const run = <T>(what: string, call: () => T): T => {
    // Time on the processor, not on the clock: other programs must not count.
    const from = process.threadCpuUsage()
    ledger.begun()
    const value = ledger.atomically(call)
    ledger.commit()
    const { user, system } = process.threadCpuUsage(from)
    spent[what] = (spent[what] ?? 0) + (user + system) / 1000
    return value
  }
  const lists = (execution: number, listing: (container: number, token: number) => Listing): void => {
    run('begin', () => ledger.begin(start(execution)))
    for (;;) {
      const claim = run('claim containers', () => ledger.claimContainers(holder('list/0', execution), 8))
      if (claim.state !== 'claimed') break
      for (const { item, token, known, sourceNames } of claim.claim) {
        if (known) run('read tracked', () => rows.after(item, 0, execution))
        const wire = toWireListing(
          sourceNames.length > 0 || execution > 1 ? listing(item, token) : rootListing(item, token),
        )
        run('enumerated', () => ledger.enumerated(wire))
      }
    }
  }

  lists(1, (container, token) => filesListing(container, token))
  for (;;) {
    const claim = run('claim batch', () => ledger.claimBatch(holder('copy/0', 1), { items: 500, bytes: 1 << 30 }))
    if (claim.state !== 'claimed') break
    const { token, items } = fromWireBatch(claim.claim)
    const staged = toStagedText(items.map(({ item }) => ({ item, staged: stagedAt(item) })))
    run('staged', () => ledger.staged(token, staged))
    const results = toWireResults(resultsOf(1, token, items))
    run('finished', () => ledger.finished(results))
  }
  run('end', () => ledger.end(1))
  report('copy, bare calls', spent)

  for (const what of Object.keys(spent)) delete spent[what]
  lists(2, (container, token) => unchangedListing(container, token))
  run('end', () => ledger.end(2))
  report('unchanged, bare calls', spent)
  rows.close()
  ledger.close()
}

/** As I/O threads use it: what the owner's thread spends, messages included, and what this one does for it. */
async function throughPorts(file: string): Promise<void> {
  const handle = await openLedger(file)
  const ledger = connectLedger(handle.port(), file)
  const round = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const from = { all: process.cpuUsage(), mine: process.threadCpuUsage(), at: performance.now() }
    await work()
    const all = process.cpuUsage(from.all)
    const mine = process.threadCpuUsage(from.mine)
    const side = mine.user + mine.system
    const owner = Math.round((all.user + all.system - side) / 1000)
    const ms = Math.round(performance.now() - from.at)
    console.log(
      `${what}, through ports: owner and its helpers ${owner} ms, I/O side ${Math.round(side / 1000)} ms, ${ms} ms by the clock`,
    )
  }
  await round('copy', async () => {
    await ledger.begin(start(1))
    await Promise.all([enumerate(ledger, 1), carryOut(ledger, 1, 0), carryOut(ledger, 1, 1)])
    await ledger.end(1)
  })
  await round('unchanged', async () => {
    await ledger.begin(start(2))
    await enumerate(ledger, 2)
    await ledger.end(2)
  })
  await ledger.close()
  await handle.close()
}

async function enumerate(ledger: Ledger, execution: number): Promise<void> {
  for (;;) {
    const claim = await ledger.claimContainers(holder('list/0', execution), 8)
    if (claim.state === 'closed') return
    if (claim.state !== 'claimed') continue
    for (const { item, token, known, sourceNames } of claim.claim) {
      if (known) await ledger.tracked(item, 0)
      await ledger.enumerated(
        execution > 1
          ? unchangedListing(item, token)
          : sourceNames.length > 0
            ? filesListing(item, token)
            : rootListing(item, token),
      )
    }
  }
}

async function carryOut(ledger: Ledger, execution: number, slot: number): Promise<void> {
  for (;;) {
    const claim = await ledger.claimBatch(holder(`copy/${slot}`, execution), batch)
    if (claim.state === 'closed') return
    if (claim.state !== 'claimed') continue
    const { token, items } = claim.claim
    await ledger.staged(
      token,
      items.map(({ item }) => ({ item, staged: stagedAt(item) })),
    )
    await ledger.finished(resultsOf(execution, token, items))
  }
}

const modifiedNs = 1_700_000_000_123_456_789n
const factsAt = (n: number) => ({
  identity: `66:${1_000_000 + n}`,
  sizeBytes: 4096n,
  modifiedNs,
  changedNs: modifiedNs + BigInt(n),
  facets: '81a4:0:0',
})
const hashAt = (item: number): string => String(item).padStart(64, 'a')
const stagedAt = (item: number) => ({
  container: '/some/where',
  key: `.stv-${item}`,
  hash: hashAt(item),
  sizeBytes: 4096n,
  identity: `66:${item}`,
})

const emptyListing = (container: number, token: number): Listing => noListing({ container, token, execution: 1 })

function listingOf(container: number, token: number, count: number, kind: 'item' | 'container'): Listing {
  const listing = emptyListing(container, token)
  const { fresh } = listing
  for (let i = 0; i < count; i++) {
    fresh.name.push(`${kind}-${i}.dat`)
    fresh.kind.push(kind)
    fresh.destinationName.push(`${kind}-${i}.dat`)
    fresh.action.push('create')
    fresh.reason.push('new')
    pushFacts(fresh.source, factsAt(i))
  }
  return listing
}

const rootListing = (container: number, token: number) => listingOf(container, token, containers, 'container')
const filesListing = (container: number, token: number) => listingOf(container, token, perContainer, 'item')

function unchangedListing(container: number, token: number): Listing {
  const listing = { ...emptyListing(container, token), execution: 2 }
  const isRoot = container === 1
  const items = isRoot ? containers : perContainer
  listing.unchanged = [{ status: 'success', reason: 'new', items, bytes: isRoot ? 0n : 4096n * BigInt(items) }]
  if (isRoot) listing.descend = Array.from({ length: containers }, (_, i) => i + 2)
  return listing
}

function resultsOf(execution: number, token: number, items: { item: number }[]): Parameters<Ledger['finished']>[0] {
  const done = noResults()
  for (const { item } of items) {
    done.item.push(item)
    done.state.push('success')
    done.reason.push('new')
    done.bytes.push(4096n)
    done.hash.push(hashAt(item))
    pushFacts(done.destination, factsAt(item))
  }
  const audit = items.map(({ item }) => ({ item, level: 'info' as const, type: 'transferred' }))
  return { token, execution, last: true, done, failed: [], audit }
}

function report(title: string, spent: Record<string, number>): void {
  const total = Object.values(spent).reduce((sum, ms) => sum + ms, 0)
  const parts = Object.entries(spent).map(([what, ms]) => `${what} ${Math.round(ms)}`)
  console.log(`${title}: ${Math.round(total)} ms (${parts.join(', ')})`)
}

await main()
