import type { DatabaseSync } from 'node:sqlite'
import type { Side } from '../../job/endpoint.ts'
import type { FailedItem } from '../ledger.ts'
import { LeaseLost } from '../ledger.ts'
import type { WireDone, WirePartial, WireResults } from '../wire.ts'
import { actionCode, Container, State } from './codes.ts'
import type { Containers } from './containers.ts'
import type { HeldBatches } from './held_batches.ts'
import { LeaseKind, type Lease, type Member } from './leases.ts'
import type { LedgerParts } from './parts.ts'
import { mergedStaged, stagedOf } from './staged_text.ts'
import type { Past } from './work_queue.ts'

const create = actionCode('create')
const attributes = actionCode('attributes')
const reread = actionCode('reread')

/** What the rows of one report add up to, so that it is written once. */
interface Sums {
  /** Containers that were to be made, and that somebody else had made by then. */
  found: ReadonlySet<number>
  /** Containers something arrived in. */
  touched: Set<number>
  /** They went from the destination to the source. */
  toSource: boolean
  carriedOut: number
  writtenBytes: number
  /** The item recorded last. */
  last: number | undefined
}

/** What holders report of their batches: how far a long item has come, what is staged, what is done and what failed. */
export class BatchResults {
  readonly #parts: LedgerParts
  readonly #containers: Containers
  readonly #held: HeldBatches
  /** By which way it went. */
  readonly #done
  readonly #doneWithSource
  readonly #bareFacts
  readonly #fail
  readonly #writePartial
  readonly #anyPartial
  readonly #dropPartial
  readonly #partialBytes
  readonly #written

  constructor(parts: LedgerParts, containers: Containers, held: HeldBatches) {
    this.#parts = parts
    this.#containers = containers
    this.#held = held
    const { db } = parts
    this.#done = eachWay(
      db,
      (to) =>
        `UPDATE item SET state = ?, reason = ?, hash = ?, ${to}_id = coalesce(?, ${to}_id), ${to} = ? ${there(to)}
         WHERE id = ?`,
    )
    this.#doneWithSource = eachWay(
      db,
      (to, from) =>
        `UPDATE item SET state = ?, reason = ?, hash = ?, ${to}_id = coalesce(?, ${to}_id), ${to} = ?, ${from} = ?, size = ?
         ${there(to)} WHERE id = ?`,
    )
    this.#bareFacts = eachWay(db, (to) => `UPDATE item SET ${to}_id = coalesce(?, ${to}_id), ${to} = ? WHERE id = ?`)
    this.#fail = db.prepare('UPDATE item SET state = ?, reason = ? WHERE id = ?')
    this.#writePartial = db.prepare(
      'INSERT OR REPLACE INTO partial (item, key, bytes, source, resume) VALUES (?, ?, ?, ?, ?)',
    )
    this.#anyPartial = db.prepare('SELECT 1 FROM partial WHERE item BETWEEN ? AND ? LIMIT 1')
    this.#dropPartial = db.prepare('DELETE FROM partial WHERE item BETWEEN ? AND ?')
    this.#partialBytes = db.prepare('SELECT bytes FROM partial WHERE item = ?')
    this.#written = db.prepare(
      `UPDATE execution SET carried_out = carried_out + ?, written_bytes = written_bytes + ?, last_item = ?
       WHERE n = ?`,
    )
  }

  staged(token: number, text: string): void {
    const { leases } = this.#parts
    const lease = leases.require(token, LeaseKind.batch)
    leases.stage(lease, lease.staged === null ? text : mergedStaged(lease.staged, text))
  }

  partial(token: number, item: number, partial: WirePartial): void {
    const { leases } = this.#parts
    const lease = leases.require(token, LeaseKind.batch)
    if (!this.#held.members(lease).has(item)) throw new LeaseLost(`item ${item} has a result already`)
    const before = this.#partialBytes.get(item) as { bytes: number } | undefined
    this.#writePartial.run(item, partial.key, partial.bytes, partial.source, partial.resume ?? null)
    // It gets further each time, so whatever keeps killing its holders is not the item.
    if (lease.attempt > 1 && before && partial.bytes > before.bytes) leases.startAfresh(lease)
  }

  finished(results: WireResults): void {
    const { leases, counters, audit, current } = this.#parts
    const lease = leases.require(results.token)
    if (lease.kind !== LeaseKind.batch && lease.kind !== LeaseKind.leftovers)
      throw new LeaseLost(`lease ${lease.token} is on no batch`)
    if (lease.execution !== results.execution) throw new LeaseLost(`lease ${results.token} is of another execution`)
    const members = this.#held.members(lease)
    this.#recordDone(results.done, members, lease)
    const failed = results.failed.filter((failure) => this.#recordFailed(failure, members))
    if (failed.length > 0)
      this.#keepTraces(
        lease,
        failed.map(({ item }) => item),
      )
    audit.write(results.audit, current())
    if (results.last) this.#giveBack(lease)
    counters.flush(results.execution)
  }

  /** One failed try; `never` flags the item. */
  failed(item: number, member: Member, failure: { reason: string; why: string; notBeforeMs: number | 'never' }): void {
    const { plans, trials, current } = this.#parts
    const { reason, why, notBeforeMs } = failure
    const state = trials.failed(item, current(), notBeforeMs)
    if (!member.again) trials.keepDecision(item, member.reason)
    this.#move(member, state, reason)
    this.#fail.run(state, reason, item)
    plans.explain(item, why)
  }

  #recordDone(done: WireDone, members: Map<number, Member>, lease: Lease): void {
    const sums: Sums = {
      found: new Set(done.found),
      touched: new Set(),
      toSource: lease.parts.toSource ?? false,
      carriedOut: 0,
      writtenBytes: 0,
      last: undefined,
    }
    for (let i = 0; i < done.item.length; i++) {
      const member = members.get(done.item[i]!)
      if (!member) continue
      members.delete(done.item[i]!)
      this.#recordOne(done, i, member, sums)
    }
    for (const container of sums.touched) this.#containers.touch(container)
    if (sums.last === undefined) return
    // Ids of one batch lie close together, so this looks at few rows, mostly none.
    const [low, high] = boundsOf(done.item)
    if (this.#anyPartial.get(low, high)) for (const item of done.item) this.#dropPartial.run(item, item)
    this.#written.run(sums.carriedOut, BigInt(sums.writtenBytes), sums.last, lease.execution)
  }

  /** For each row of a batch: it makes nothing that the row itself does not need. */
  #recordOne(done: WireDone, i: number, member: Member, sums: Sums): void {
    const item = done.item[i]!
    const isContainer = member.kind === Container
    const made = !sums.found.has(item)
    const destinationId = done.destinationId.length > 0 ? done.destinationId[i]! || null : null
    const destination = done.destination[i]!
    const way = sums.toSource ? 'toSource' : 'toDestination'
    const altered = done.altered[i]
    if (altered) this.#parts.plans.altered(item, altered)
    const why = done.why[i]
    if (why !== undefined) this.#parts.plans.explain(item, why)
    if (isContainer && this.#listingFailed(item, member)) {
      this.#bareFacts[way].run(destinationId, destination, item)
      this.#made(item, member, { made, toSource: sums.toSource })
      return
    }
    const state = done.state[i]!
    const decided = (member.again && why === undefined ? this.#decidedBefore(item) : null) ?? done.reason[i]!
    const reason = made || this.#containers.madeNow(item) ? decided : 'matched'
    const hash = done.hash[i]! || null
    const { source } = done
    const size = done.size && member.kind === 0 ? done.size[i]! : member.size
    this.#move(member, state, reason, size)
    if (source) this.#doneWithSource[way].run(state, reason, hash, destinationId, destination, source[i]!, size, item)
    else this.#done[way].run(state, reason, hash, destinationId, destination, item)
    // What is held against a container from before is settled when it is finished, too.
    if (member.tried && (!isContainer || member.again)) this.#parts.trials.settled(item)
    if (isContainer) this.#made(item, member, { made, toSource: sums.toSource })
    const bytes = done.bytes[i]!
    // Read again and found to be as recorded: nothing was carried out.
    const written = member.action !== reread || bytes > 0
    if (!isContainer && member.action !== attributes && written) sums.touched.add(member.parent)
    if (bytes > 0) sums.writtenBytes += bytes
    if (written) sums.carriedOut += 1
    sums.last = item
  }

  /** The decision's own reason, also for what arrives only when it is tried again; how it failed is in the audit log. */
  #decidedBefore(item: number): string | null {
    const { reason, why } = this.#parts.trials.decision(item)!
    if (reason !== null) this.#parts.plans.explainAgain(item, why)
    return reason
  }

  #made(item: number, member: Member, { made, toSource }: { made: boolean; toSource: boolean }): void {
    if (member.action === create) this.#containers.exists(item, { id: '', made, toSource })
    else this.#containers.touch(item)
    this.#parts.addresses.changed(item)
  }

  /** Its own listing failed meanwhile, which says more about it than that it was made. */
  #listingFailed(item: number, member: Member): boolean {
    const state = this.#containers.stateOf(item)
    return member.again ? state === State.remediation : state !== State.pending
  }

  /** What fails may do so before it has looked at what earlier holders left, or right after its name was there. */
  #keepTraces(lease: Lease, items: number[]): void {
    const past = pastWithin(lease, new Set(items))
    if (past) this.#parts.leases.keepLeftovers(lease.execution, items, past, lease.parts.toSource)
  }

  /** @returns whether that is what became of it */
  #recordFailed({ item, reason, why, retryAfterMs }: FailedItem, members: Map<number, Member>): boolean {
    const member = members.get(item)
    if (!member) return false
    members.delete(item)
    if (member.kind === Container && this.#listingFailed(item, member)) return false
    this.failed(item, member, { reason, why, notBeforeMs: this.#parts.nowMs() + retryAfterMs })
    return true
  }

  #move(member: Member, state: number, reason: string, size = member.size): void {
    const { counters } = this.#parts
    const container = member.kind === Container ? 1 : 0
    counters.remove({
      state: member.state,
      reason: member.reason,
      container,
      size: member.size,
    })
    counters.add({ state, reason, container, size })
  }

  #giveBack(lease: Lease): void {
    const left = this.#held.members(lease)
    this.#parts.leases.remove(lease)
    if (left.size === 0) return
    const ids = new Set(left.keys())
    this.#held.putBack(lease.parts, ids, lease.token, pastWithin(lease, ids))
  }
}

type Statement = ReturnType<DatabaseSync['prepare']>

/** One statement for each way: of what is written, and of what it comes from. */
function eachWay(
  db: DatabaseSync,
  sql: (to: Side, from: Side) => string,
): Record<'toDestination' | 'toSource', Statement> {
  return {
    toDestination: db.prepare(sql('destination', 'source')),
    toSource: db.prepare(sql('source', 'destination')),
  }
}

/** SQL: what arrived at the source is not gone from it. */
function there(to: Side): string {
  return to === 'source' ? ', gone = 0' : ''
}

/** Only what earlier holders, or stagings on record, may have left of these items: this holder cleaned up after itself. */
function pastWithin(lease: Lease, items: ReadonlySet<number>): Past | undefined {
  const staged = lease.staged === null ? null : stagedOf(lease.staged, items)
  const former = staged === null ? lease.former : [...lease.former, lease.token]
  return former.length > 0 ? { attempt: 0, former, staged } : undefined
}

function boundsOf(ids: number[]): [number, number] {
  let low = Infinity
  let high = 0
  for (const id of ids) {
    if (id < low) low = id
    if (id > high) high = id
  }
  return [low, high]
}
