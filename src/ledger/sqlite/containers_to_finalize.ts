import type { Claim, Holder } from '../ledger.ts'
import { LeaseLost } from '../ledger.ts'
import type { WireFinishedContainer, WireFinalizeBatch } from '../wire.ts'
import type { Containers } from './containers.ts'
import { LeaseKind, type Lease } from './leases.ts'
import type { LedgerParts } from './parts.ts'

interface ContainerToFinalize {
  container: number
  depth: number
  to_source: number
}

/** Containers whose times, mode and owner are put right once nothing is written in them any more. */
export class ContainersToFinalize {
  readonly #parts: LedgerParts
  readonly #containers: Containers
  readonly #batchesClosed: (execution: number) => boolean
  readonly #free
  readonly #deepestLeased
  readonly #take
  readonly #release
  readonly #leased
  readonly #remove
  readonly #left
  readonly #facts

  constructor(parts: LedgerParts, containers: Containers, batchesClosed: (execution: number) => boolean) {
    this.#parts = parts
    this.#containers = containers
    this.#batchesClosed = batchesClosed
    const { db } = parts
    this.#free = db.prepare(
      `SELECT container, depth, to_source FROM touched JOIN item ON id = container
       WHERE lease = 0 AND depth >= ? ORDER BY depth DESC, container LIMIT ?`,
    )
    this.#deepestLeased = db.prepare('SELECT max(depth) AS depth FROM touched WHERE lease <> 0')
    this.#take = db.prepare(
      'UPDATE touched SET lease = ? WHERE container IN (SELECT value FROM json_each(?)) AND lease = 0',
    )
    this.#release = db.prepare('UPDATE touched SET lease = 0 WHERE lease = ?')
    this.#leased = db.prepare('SELECT 1 FROM touched WHERE container = ? AND lease = ?')
    this.#remove = db.prepare('DELETE FROM touched WHERE container = ?')
    this.#left = db.prepare('SELECT 1 FROM touched WHERE lease = ? LIMIT 1')
    this.#facts = db.prepare(
      `UPDATE item SET destination = coalesce(CASE to_source WHEN 0 THEN ?1 ELSE ?2 END, destination),
         source = coalesce(CASE to_source WHEN 0 THEN ?2 ELSE ?1 END, source) WHERE id = ?3`,
    )
  }

  /**
   * The deepest first. While somebody works at one depth, nothing above it is given out: what is set on a container must
   * not be undone, or made impossible, by what is done inside it.
   */
  claim(holder: Holder, limit: number): Claim<WireFinalizeBatch> {
    const { leases, nowMs } = this.#parts
    const { execution } = holder
    if (!this.#batchesClosed(execution)) return { state: 'wait' }
    for (const orphan of leases.orphans(LeaseKind.finalize, holder, nowMs())) {
      this.#release.run(orphan.token)
      leases.remove(orphan)
    }
    const deepest = (this.#deepestLeased.get() as { depth: number | null }).depth ?? 0
    const free = this.#free.all(deepest, limit) as unknown as ContainerToFinalize[]
    const rows = free.filter(({ to_source }) => to_source === free[0]!.to_source)
    if (rows.length === 0) return { state: leases.some(LeaseKind.finalize, execution) ? 'wait' : 'closed' }
    return { state: 'claimed', claim: this.#give(rows, holder) }
  }

  finished(token: number, results: WireFinishedContainer[]): void {
    const { leases, counters } = this.#parts
    const lease = leases.require(token, LeaseKind.finalize)
    for (const { item, destination, source, flagged, altered, failure } of results) {
      if (this.#leased.get(item, token) === undefined) throw new LeaseLost(`container ${item} has a result already`)
      this.#remove.run(item)
      if (destination !== undefined) this.#facts.run(destination, source ?? null, item)
      if (altered) this.#containers.altered(item, altered)
      if (flagged !== undefined) this.#containers.flag(item, flagged)
      if (failure) this.#containers.fail(item, { ...failure, flag: false })
    }
    if (this.#left.get(token) === undefined) leases.remove(lease)
    counters.flush(lease.execution)
  }

  /** All of one way. */
  #give(rows: ContainerToFinalize[], { execution, name, leaseMs }: Holder): WireFinalizeBatch {
    const { addresses, leases, nowMs } = this.#parts
    const lease: Lease = leases.give({
      kind: LeaseKind.finalize,
      execution,
      holder: name,
      untilMs: nowMs() + leaseMs,
      attempt: 1,
    })
    this.#take.run(lease.token, JSON.stringify(rows.map((row) => row.container)))
    this.#containers.forget()
    const toSource = rows[0]!.to_source === 1
    return {
      token: lease.token,
      ...(toSource ? { toSource } : {}),
      containers: rows.map(({ container, depth }) => ({
        ...addresses.of(container, toSource),
        made: addresses.row(container).made > 0,
        depth,
      })),
    }
  }
}
