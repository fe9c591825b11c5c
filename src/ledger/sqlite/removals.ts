import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { Claim, Holder, RemovalPlan, RemovalResult } from '../ledger.ts'
import { leftAlone, type Processing } from '../../policy/decision.ts'
import type { WireRemovalBatch, WireUnmatched } from '../wire.ts'
import { Container, kindOf, State } from './codes.ts'
import type { Containers } from './containers.ts'
import { LeaseKind } from './leases.ts'
import type { LedgerParts } from './parts.ts'

/** Part of the format. */
const Side = { source: 0, destination: 1 } as const
const Done = { open: 0, removed: 1, kept: 2, failed: 3 } as const

/** Rows looked at in one transaction when what arrived is to leave the source. */
const plannedAtOnce = 20_000

/** Who lost one of these on the way still has it at the source alone. */
const losses: readonly Processing[] = ['permissions_narrowed', 'owners_lost', 'times_left_out']

interface RemovalRow {
  item: number
  parent: number
  kind: number
  name: string
  destination_name: string | null
  depth: number
  side: number
  platform_id: string | null
  facts: string
  destination_id: string | null
  hash: string | null
  bytes: number
  reason: string
}

/** What is to be removed on either side once everything else of the execution is done: the deepest first, on condition of what was seen. */
export class Removals {
  readonly #parts: LedgerParts
  readonly #containers: Containers
  readonly #plan
  readonly #drop
  readonly #planned
  readonly #free
  readonly #deepestLeased
  readonly #take
  readonly #release
  readonly #leased
  readonly #finish
  readonly #left
  readonly #removed
  readonly #moved
  readonly #unmade

  constructor(parts: LedgerParts, containers: Containers) {
    this.#parts = parts
    this.#containers = containers
    const { db } = parts
    this.#plan = db.prepare(
      `INSERT INTO removal (item, side, depth, kind, bytes, facts, platform_id, reason, lease, done)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT DO NOTHING`,
    )
    this.#drop = db.prepare('DELETE FROM removal WHERE item = ?')
    this.#planned = db.prepare('SELECT 1 FROM removal WHERE item = ?')
    this.#free = db.prepare(
      `SELECT removal.*, parent, name, destination_name, destination_id, hash FROM removal JOIN item ON id = removal.item
       WHERE lease = 0 AND done = 0 AND depth >= ? ORDER BY depth DESC, removal.item LIMIT ?`,
    )
    this.#deepestLeased = db.prepare('SELECT max(depth) AS depth FROM removal WHERE lease <> 0')
    this.#take = db.prepare('UPDATE removal SET lease = ? WHERE item = ?')
    this.#release = db.prepare('UPDATE removal SET lease = 0 WHERE lease = ?')
    this.#leased = db.prepare('SELECT kind, side, bytes, reason FROM removal WHERE item = ? AND lease = ?')
    this.#finish = db.prepare('UPDATE removal SET lease = 0, done = ? WHERE item = ?')
    this.#left = db.prepare('SELECT 1 FROM removal WHERE lease = ? LIMIT 1')
    this.#removed = db.prepare(
      `UPDATE item SET gone = 1, state = ${State.none}, reason = 'removed', destination = NULL, destination_id = NULL,
         hash = NULL WHERE id = ?`,
    )
    this.#moved = db.prepare("UPDATE item SET gone = 1, reason = 'moved' WHERE id = ?")
    this.#unmade = db.prepare('UPDATE container SET ready = 0, made = 0 WHERE item = ?')
  }

  /** @param item the tracked row, or the one made for what only the destination has */
  plan(item: number, depth: number, { side, kind, bytes, facts, platformId, reason }: WireUnmatched): void {
    this.#plan.run(item, Side[side], depth, kind, bytes, facts, platformId || null, reason)
  }

  isPlanned(item: number): boolean {
    return this.#planned.get(item) !== undefined
  }

  /** Something in it stays, so that it and all above it stay as well. */
  keep(container: number): void {
    for (let id = container; id !== 0 && this.isPlanned(id); id = this.#parts.addresses.row(id).parent)
      this.#drop.run(id)
  }

  /**
   * With `move`: what arrived whole, and lost nothing that was asked for, is to leave the source.
   *
   * @param after the last row that was looked at
   * @returns the last one looked at now; undefined when there are no more
   */
  planMoved(after: number): number | undefined {
    const { db } = this.#parts
    const { last } = db
      .prepare('SELECT max(id) AS last FROM (SELECT id FROM item WHERE id > ? ORDER BY id LIMIT ?)')
      .get(after, plannedAtOnce) as { last: number | null }
    if (last === null) return undefined
    const left = [...leftAlone].map((reason) => `'${reason}'`).join(', ')
    const lost = losses.map((loss) => `coalesce(processing, '') NOT LIKE '%"${loss}"%'`).join(' AND ')
    db.prepare(
      `INSERT INTO removal (item, side, depth, kind, bytes, facts, platform_id, reason, lease, done)
       SELECT id, ${Side.source}, depth + 1, item.kind, item.size, item.source, source_id, 'moved', 0, 0
       FROM item JOIN container AS above ON above.item = item.parent LEFT JOIN plan ON plan.item = item.id
       WHERE id > ? AND id <= ? AND gone = 0 AND state IN (${State.success}, ${State.processed})
         AND item.reason NOT IN (${left}) AND ${lost}
       ON CONFLICT DO NOTHING`,
    ).run(after, last)
    return last
  }

  planned(execution: number): RemovalPlan {
    return removalPlan(this.#parts.db, execution)
  }

  /** The deepest first: a container goes when what was in it has gone. */
  claim(holder: Holder, limit: number): Claim<WireRemovalBatch> {
    const { addresses, leases, nowMs } = this.#parts
    const { execution, name, leaseMs } = holder
    for (const orphan of leases.orphans(LeaseKind.removal, holder, nowMs())) {
      this.#release.run(orphan.token)
      leases.remove(orphan)
    }
    const deepest = (this.#deepestLeased.get() as { depth: number | null }).depth ?? 0
    const rows = this.#free.all(deepest, limit) as unknown as RemovalRow[]
    if (rows.length === 0) return { state: leases.some(LeaseKind.removal, execution) ? 'wait' : 'closed' }
    const untilMs = nowMs() + leaseMs
    const { token } = leases.give({ kind: LeaseKind.removal, execution, holder: name, untilMs, attempt: 1 })
    for (const { item } of rows) this.#take.run(token, item)
    return {
      state: 'claimed',
      claim: {
        token,
        removals: rows.map((row) => ({
          item: row.item,
          side: row.side === Side.source ? 'source' : 'destination',
          kind: kindOf(row.kind),
          depth: row.depth,
          container: addresses.of(row.parent),
          name: row.name,
          destinationName: row.destination_name ?? row.name,
          platformId: row.platform_id,
          expected: row.facts,
          destinationId: row.destination_id,
          hash: row.hash,
        })),
      },
    }
  }

  finished(token: number, results: RemovalResult[]): void {
    const { addresses, counters, leases, db } = this.#parts
    const lease = leases.require(token, LeaseKind.removal)
    for (const { item, end, reason } of results) {
      const row = this.#leased.get(item, token) as Pick<RemovalRow, 'kind' | 'side' | 'bytes' | 'reason'> | undefined
      if (!row) continue
      this.#finish.run(Done[end], item)
      const where = row.side === Side.source ? 'source' : 'destination'
      counters.met({
        what: `${end}:${where}${reason === undefined ? '' : `:${reason}`}`,
        items: 1,
        bytes: BigInt(row.bytes),
      })
      if (end !== 'removed') continue
      const { parent } = db.prepare('SELECT parent FROM item WHERE id = ?').get(item) as { parent: number }
      if (row.reason === 'moved') this.#moved.run(item)
      else {
        this.#removed.run(item)
        this.#parts.plans.drop(item)
        if (row.kind === Container) this.#unmade.run(item)
        if (addresses.row(parent).gone === 0) this.#containers.touch(parent)
      }
      if (row.kind === Container) addresses.changed(item)
    }
    if (this.#left.get(token) === undefined) leases.remove(lease)
    counters.flush(lease.execution)
  }
}

/** What waits to be removed, in sums. */
export function removalPlan(db: DatabaseSync, execution: number): RemovalPlan {
  const hash = createHash('sha256')
  const plan = { items: 0, containers: 0, bytes: 0n, replaced: 0, hash: '' }
  const rows = db.prepare('SELECT item, side, kind, bytes, reason FROM removal ORDER BY item').iterate() as Iterable<{
    item: number
    side: number
    kind: number
    bytes: number
    reason: string
  }>
  for (const { item, side, kind, bytes, reason } of rows) {
    hash.update(`${side} ${item} ${kind} ${reason}\n`)
    plan.items += 1
    plan.bytes += BigInt(bytes)
    if (kind === Container) plan.containers += 1
  }
  const replaced = db
    .prepare(
      `SELECT coalesce(sum(items), 0) AS n FROM counter WHERE execution = ? AND state = ${State.pending} AND reason = 'conflict'`,
    )
    .get(execution) as { n: number }
  plan.replaced = replaced.n
  if (plan.replaced > 0) hash.update(`replaced ${plan.replaced}\n`)
  plan.hash = hash.digest('hex').slice(0, 12)
  return plan
}
