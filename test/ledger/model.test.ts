import { afterEach, describe, expect, test } from '@jest/globals'
import { DatabaseSync } from 'node:sqlite'
import type { ItemState } from '../../src/ledger/item_state.ts'
import type { Batch, ContainerToList, Listing, TrackedRow } from '../../src/ledger/ledger.ts'
import type { Action } from '../../src/policy/decision.ts'
import { stateOf } from '../../src/ledger/sqlite/codes.ts'
import { claimed, facts, failure, fresh, holder, listing, now, results, Rig, start, type Child } from './rig.ts'

/**
 * A random walk: a tree is listed and carried out by several holders who die, come back, or come too late, while the
 * owner is restarted. After every step the counters are compared with a count of the rows.
 */

interface Node {
  name: string
  kind: 'item' | 'container'
  size: number
  action: Action
  children: Node[]
}

interface Underway {
  container: ContainerToList
  node: Node
  tracked: Map<string, TrackedRow>
  at: number
}

class Walk {
  readonly rig = new Rig()
  readonly random: () => number
  readonly plainUnchanged: boolean
  readonly root: Node
  execution = 0
  nodes = new Map<number, Node>([])
  listings = new Map<string, Underway[]>()
  batches = new Map<string, { batch: Batch; open: Set<number> }>()
  /** Tokens whose lease is known to be gone. */
  stale: { token: number; container?: number; items: number[] }[] = []
  /** What listings under way, and finished ones, counted without touching rows: container → sums. */
  counted = new Map<number, Map<string, number>>()
  countedWith = new Map<number, () => unknown>()
  effects = new Map<string, number>()
  wholes = 0

  constructor(seed: number) {
    this.random = mulberry(seed)
    this.plainUnchanged = seed % 2 === 0
    this.root = this.tree(3)
    this.root.action = 'none'
  }

  int(below: number): number {
    return Math.floor(this.random() * below)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!
  }

  tree(depth: number, name = ''): Node {
    const children: Node[] = []
    const count = depth === 0 ? this.int(3) : 1 + this.int(6)
    for (let i = 0; i < count; i++) {
      if (depth > 0 && this.random() < 0.4) children.push(this.tree(depth - 1, `d${i}`))
      else {
        const action = this.pick<Action>(['create', 'create', 'create', 'create', 'skip', 'fail', 'adopt', 'overwrite'])
        children.push({ name: `f${i}`, kind: 'item', size: this.int(100), action, children: [] })
      }
    }
    return { name, kind: 'container', size: 0, action: this.pick<Action>(['create', 'create', 'adopt']), children }
  }

  /** Listings may name all that is unchanged so, instead of by each row's own reason. */
  keyOf(row: TrackedRow): string {
    return `${row.state} ${this.plainUnchanged ? 'unchanged' : row.reason}`
  }

  get ledger() {
    return this.rig.ledger
  }

  async begin(): Promise<void> {
    this.execution += 1
    this.nodes.set(1, this.root)
    this.listings.clear()
    this.batches.clear()
    this.counted.clear()
    this.countedWith.clear()
    this.effects.clear()
    await this.ledger.begin(start({ execution: this.execution }))
  }

  async step(): Promise<void> {
    const steps: [number, () => Promise<void>][] = [
      [10, () => this.claimContainers()],
      [20, () => this.listPage()],
      [10, () => this.claimBatch()],
      [20, () => this.finishSome()],
      [5, () => this.die()],
      [3, () => this.late()],
      [4, () => this.time()],
      [2, () => this.rig.restart()],
      [2, () => this.ledger.begin(start({ execution: this.execution }))],
      [1, () => this.giveBack()],
    ]
    let at = this.int(steps.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, step] of steps) {
      at -= weight
      if (at < 0) {
        await step()
        break
      }
    }
    await this.check()
  }

  lister(): string {
    return this.pick(['list/0', 'list/1'])
  }

  writer(): string {
    return this.pick(['copy/0', 'copy/1', 'copy/2'])
  }

  async claimContainers(): Promise<void> {
    const name = this.lister()
    // A living holder finishes what it has before it claims again.
    if (this.listings.get(name)?.length) return
    const claim = await this.ledger.claimContainers(holder(name, this.execution), 1 + this.int(3), now)
    if (claim.state !== 'claimed') return
    const mine: Underway[] = []
    for (const container of claim.claim) {
      const node = this.nodes.get(container.item)
      expect(node).toBeDefined()
      for (const others of this.listings.values()) {
        for (const other of others.filter((o) => o.container.item === container.item)) {
          this.stale.push({ token: other.container.token, container: container.item, items: [] })
          others.splice(others.indexOf(other), 1)
        }
      }
      // Counted by a listing that died: it starts over.
      this.counted.delete(container.item)
      const tracked = new Map<string, TrackedRow>()
      if (container.known) {
        for (let after = 0; ;) {
          const page = await this.ledger.tracked(container.item, after)
          if (page.length === 0) break
          for (const row of page) tracked.set(row.name, row)
          after = page.at(-1)!.item
        }
      }
      mine.push({ container, node: node!, tracked, at: 0 })
    }
    this.listings.set(name, mine)
  }

  async listPage(): Promise<void> {
    const name = this.lister()
    const mine = this.listings.get(name)
    const current = mine?.[0]
    if (!current) return
    const { container, node, tracked } = current
    if (current.at === 0 && container.item !== 1 && this.random() < 0.05) {
      const failed = { reason: 'AccessDenied', why: 'not for us', flag: false }
      mine.shift()
      const listed = listing(container, { execution: this.execution, failed })
      if (await this.lose(() => this.ledger.enumerated(listed), current)) this.countedWith.get(container.item)?.()
      this.countedWith.delete(container.item)
      return
    }
    const until =
      this.random() < 0.3 ? node.children.length : Math.min(node.children.length, current.at + 1 + this.int(4))
    const page = node.children.slice(current.at, until)
    current.at = until
    const last = until === node.children.length
    const news: Child[] = []
    const change: Partial<Listing> = { execution: this.execution, last, changed: [], descend: [], unchanged: [] }
    const sums = new Map<string, { status: ItemState; reason: string; items: number; bytes: bigint }>()
    for (const child of page) {
      const row = tracked.get(child.name)
      if (!row) news.push({ name: child.name, kind: child.kind, action: child.action, size: child.size })
      else if (row.decided) continue
      else if (row.state === 'success' || row.state === 'skipped' || row.state === 'remediation') {
        const key = this.keyOf(row)
        const sum = sums.get(key) ?? { status: row.state, reason: key.split(' ')[1]!, items: 0, bytes: 0n }
        sum.items += 1
        if (child.kind === 'item') sum.bytes += BigInt(child.size)
        sums.set(key, sum)
        if (child.kind === 'container' && row.state === 'success') change.descend!.push(row.item)
      } else {
        change.changed!.push({
          item: row.item,
          kind: child.kind,
          decision: { action: child.action === 'fail' ? 'create' : child.action, reason: 'new' },
          destinationName: child.name,
          source: facts(child.size),
        })
      }
    }
    change.unchanged = [...sums.values()]
    change.fresh = fresh(news)
    if (last) mine.shift()
    const ok = await this.lose(() => this.ledger.enumerated(listing(container, change)), current)
    if (!ok) {
      if (!last) mine.shift()
      return
    }
    const counts = this.counted.get(container.item) ?? new Map<string, number>()
    for (const [key, sum] of sums) counts.set(key, (counts.get(key) ?? 0) + sum.items)
    for (const row of tracked.values()) {
      if (!change.descend!.includes(row.item)) continue
      const key = this.keyOf(row)
      const uncount = (): unknown => counts.set(key, counts.get(key)! - 1)
      // In a listing that goes on, containers are counted by their rows; else until they fail.
      if (last) this.countedWith.set(row.item, uncount)
      else uncount()
    }
    this.counted.set(container.item, counts)
    this.learn(container.item, node)
  }

  /** Ids of rows are the ledger's: read which child is which. */
  learn(container: number, node: Node): void {
    const db = this.rows()
    for (const { id, name } of db.prepare('SELECT id, name FROM item WHERE parent = ?').all(container)) {
      const child = node.children.find((c) => c.name === name)
      expect(child).toBeDefined()
      this.nodes.set(id as number, child!)
    }
    db.close()
  }

  /** The lease may have expired and been taken over: then nothing happened. */
  async lose(write: () => Promise<void>, { container }: Underway): Promise<boolean> {
    try {
      await write()
      return true
    } catch (error) {
      expect(error).toMatchObject({ name: 'LeaseLost' })
      this.stale.push({ token: container.token, container: container.item, items: [] })
      return false
    }
  }

  async claimBatch(): Promise<void> {
    const name = this.writer()
    if (this.batches.has(name)) return
    // Now and then room for a folder with all that is in it.
    const limit =
      this.random() < 0.3 ? { items: 50, bytes: 10_000n } : { items: 1 + this.int(5), bytes: BigInt(1 + this.int(200)) }
    const claim = await this.ledger.claimBatch(holder(name, this.execution), limit, now)
    if (claim.state !== 'claimed') return
    const batch = claim.claim
    if (batch.attempt > 2) expect(batch.items).toHaveLength(1)
    else if (batch.formerTokens.length === 0) {
      expect(batch.items.length).toBeLessThanOrEqual(limit.items)
      const bytes = batch.items.reduce((sum, { source }) => sum + source.sizeBytes, 0n)
      if (batch.items.length > 1) expect(bytes).toBeLessThanOrEqual(limit.bytes)
    }
    const items = new Set(batch.items.map(({ item }) => item))
    expect(items.size).toBe(batch.items.length)
    for (const [other, held] of this.batches) {
      const both = [...held.open].filter((item) => items.has(item))
      if (both.length === 0) continue
      // Only an expired lease is taken over, and under a new token.
      expect(batch.formerTokens).toContain(held.batch.token)
      this.stale.push({ token: held.batch.token, items: [...held.open] })
      this.batches.delete(other)
    }
    for (const work of batch.items) expect(this.nodes.get(work.item)?.name).toBe(work.name)
    for (const { item, whole } of batch.containers) if (whole) this.checkWhole(item, batch)
    for (const { item } of batch.staged) expect(items).toContain(item)
    this.batches.set(name, { batch, open: items })
  }

  /** Listed to its end, not made yet, nothing of it anywhere but in this batch. */
  checkWhole(container: number, batch: Batch): void {
    expect(batch.attempt).toBe(1)
    const items = new Set(batch.items.map(({ item }) => item))
    expect(items).toContain(container)
    const db = this.rows()
    const rows = db.prepare('SELECT id, kind, state FROM item WHERE parent = ?').all(container)
    const { ready } = db.prepare('SELECT ready FROM container WHERE item = ?').get(container) as { ready: number }
    const listing = db.prepare('SELECT 1 FROM lease WHERE container = ?').get(container)
    db.close()
    expect([ready, listing]).toEqual([0, undefined])
    expect(rows.filter(({ kind }) => kind === 1)).toEqual([])
    for (const { id, state } of rows) if (stateOf(state as number) === 'pending') expect(items).toContain(id)
    this.wholes += 1
  }

  async finishSome(): Promise<void> {
    const name = this.writer()
    const held = this.batches.get(name)
    if (!held) return
    const { batch, open } = held
    const items = batch.items.filter(({ item }) => open.has(item))
    const fate = new Map(items.map(({ item }) => [item, this.pick(['done', 'done', 'failed', 'left'])]))
    const last = this.random() < 0.6
    const failed = items.filter(({ item }) => fate.get(item) === 'failed').map(({ item }) => failure(item))
    const only = items.map(({ item }) => item).filter((item) => fate.get(item) === 'done')
    if (this.random() < 0.3) {
      const staged = { container: 'c', key: 'k', hash: 'h', sizeBytes: 1n }
      await this.ledger
        .staged(
          batch.token,
          items.map(({ item }) => ({ item, staged })),
        )
        .catch(expectLost)
    }
    try {
      await this.ledger.finished(results({ ...batch, items }, { only, failed, last, execution: this.execution }))
    } catch (error) {
      expectLost(error)
      this.stale.push({ token: batch.token, items: [...open] })
      this.batches.delete(name)
      return
    }
    for (const item of only) this.effects.set(String(item), (this.effects.get(String(item)) ?? 0) + 1)
    for (const item of [...only, ...failed.map((f) => f.item)]) open.delete(item)
    if (last) {
      this.batches.delete(name)
      this.stale.push({ token: batch.token, items: batch.items.map(({ item }) => item) })
    }
  }

  /** Told to stop: what was claimed and not listed to its end is for somebody else, and what it counted is taken back. */
  async giveBack(): Promise<void> {
    const name = this.lister()
    const mine = this.listings.get(name) ?? []
    await this.ledger.returnContainers(mine.map(({ container }) => container.token))
    for (const { container } of mine) {
      this.counted.delete(container.item)
      this.stale.push({ token: container.token, container: container.item, items: [] })
    }
    this.listings.delete(name)
  }

  async die(): Promise<void> {
    const name = this.random() < 0.5 ? this.lister() : this.writer()
    this.listings.delete(name)
    this.batches.delete(name)
  }

  /** Somebody thought dead writes after all. */
  async late(): Promise<void> {
    const old = this.stale.length > 0 ? this.pick(this.stale) : undefined
    if (!old) return
    const before = this.dump()
    const late =
      old.container === undefined
        ? this.ledger.finished({
            ...results({ token: old.token, items: [] }, { execution: this.execution }),
            failed: old.items.map((item) => failure(item)),
          })
        : this.ledger.enumerated(
            listing(
              { item: old.container, token: old.token },
              { execution: this.execution, fresh: fresh([{ name: 'late' }]) },
            ),
          )
    await expect(late).rejects.toMatchObject({ name: 'LeaseLost' })
    expect(this.dump()).toEqual(before)
  }

  async time(): Promise<void> {
    this.rig.nowMs += this.pick([500, 2_000, 11_000])
    if (this.random() < 0.5) {
      const living = [...this.listings.keys(), ...this.batches.keys()]
      await this.ledger.renew(living, 10_000).catch(expectLost)
    }
  }

  rows(): DatabaseSync {
    return new DatabaseSync(this.rig.file, { readOnly: true })
  }

  dump(): unknown {
    const db = this.rows()
    const tables = ['item', 'lease', 'work', 'trial', 'counter', 'frontier', 'extent', 'audit']
    const all = tables.map((table) => db.prepare(`SELECT * FROM ${table}`).all())
    db.close()
    return all
  }

  async check(): Promise<void> {
    const expected = new Map<string, number>()
    const db = this.rows()
    const rows = db
      .prepare('SELECT id, state, reason, execution, parent FROM item WHERE id > 1 OR execution = ?')
      .all(this.execution)
    db.close()
    for (const { id, reason } of rows) {
      if (reason !== 'crashed_worker') continue
      // Given up by the ledger itself.
      this.countedWith.get(id as number)?.()
      this.countedWith.delete(id as number)
    }
    for (const row of rows) {
      if (row.execution !== this.execution) continue
      const key = `${stateOf(row.state as number)} ${row.reason as string}`
      expected.set(key, (expected.get(key) ?? 0) + 1)
    }
    for (const sums of this.counted.values()) {
      for (const [key, items] of sums) expected.set(key, (expected.get(key) ?? 0) + items)
    }
    const { found, byReason, byStatus } = await this.ledger.progress(this.execution).then(() => this.balance())
    const actual = byReason.map((sum): [string, number] => [`${sum.status} ${sum.reason}`, sum.items])
    expect(this.sums(actual)).toEqual(this.sums([...expected]))
    expect(Object.values(byStatus).reduce((sum, { items }) => sum + items, 0)).toBe(found.items)
    for (const times of this.effects.values()) expect(times).toBe(1)
  }

  /** By status alone where rows do not tell under which reason they were counted. */
  sums(all: [key: string, items: number][]): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const [key, items] of all) {
      const name = this.plainUnchanged ? key.split(' ')[0]! : key
      sums[name] = (sums[name] ?? 0) + items
    }
    return Object.fromEntries(Object.entries(sums).filter(([, items]) => items !== 0))
  }

  async balance() {
    const { LedgerReader } = await import('../../src/ledger/sqlite/reader.ts')
    const reader = new LedgerReader(this.rig.file)
    const balance = reader.balance(this.execution)
    reader.close()
    return balance
  }

  /** Everybody alive again, nothing fails: it must come to its end with everything done. */
  async complete(): Promise<void> {
    this.listings.clear()
    this.batches.clear()
    this.rig.nowMs += 60_000
    for (let guard = 0; ; guard++) {
      expect(guard).toBeLessThan(2_000)
      await this.claimContainers()
      for (const name of ['list/0', 'list/1']) {
        const random = this.random
        Object.assign(this, { random: () => (name === 'list/0' ? 0.1 : 0.9) })
        while (this.listings.get(name)?.length) await this.listPage()
        Object.assign(this, { random })
      }
      const claim = await this.ledger.claimContainers(holder('list/0', this.execution), 1, now)
      if (claim.state === 'closed') break
      if (claim.state !== 'claimed') continue
      this.listings.set('list/0', [])
      // Whatever a dead holder had counted was taken back with that, also when nobody lists it any more.
      for (const { item } of claim.claim) this.counted.delete(item)
    }
    for (let guard = 0; ; guard++) {
      expect(guard).toBeLessThan(2_000)
      const claim = await this.ledger.claimBatch(holder('copy/0', this.execution), { items: 3, bytes: 100n }, now)
      if (claim.state === 'closed') break
      if (claim.state === 'waiting') this.rig.nowMs += claim.items.nextDueMs
      if (claim.state === 'wait') this.rig.nowMs += 11_000
      if (claim.state !== 'claimed') continue
      await this.ledger.finished(results(claimed(claim), { execution: this.execution }))
      for (const { item } of claim.claim.items)
        this.effects.set(String(item), (this.effects.get(String(item)) ?? 0) + 1)
    }
    await this.check()
  }
}

function expectLost(error: unknown): void {
  expect(error).toMatchObject({ name: 'LeaseLost' })
}

function mulberry(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Walks that came upon containers which a batch held whole. */
let withWholes = 0
let walk: Walk | undefined
afterEach(async () => {
  await walk?.rig.remove()
  walk = undefined
})

describe('whatever dies in between', () => {
  const seeds = Array.from({ length: Number(process.env.LEDGER_SEEDS ?? 16) }, (_, i) => i + 1)
  test.each(seeds)('nothing is lost, done twice or counted wrongly (walk %i)', async (seed) => {
    walk = new Walk(seed)
    for (let execution = 1; execution <= 3; execution++) {
      await walk.begin()
      for (let i = 0; i < 120; i++) await walk.step()
      if (walk.random() < 0.7) await walk.complete()
      const balance = await walk.ledger.end(execution)
      expect(balance.found.items).toBe(Object.values(balance.byStatus).reduce((sum, { items }) => sum + items, 0))
    }
    if (walk.wholes > 0) withWholes += 1
  })
  test('and several walks came upon containers that a batch held whole', () => {
    expect(withWholes).toBeGreaterThan(1)
  })
})
