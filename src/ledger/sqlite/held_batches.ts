import type { Holder } from '../ledger.ts'
import type { WireAddress, WireBatch, WireWork, WireWorkRest } from '../wire.ts'
import { queued, type BatchRows } from './batch_rows.ts'
import { State } from './codes.ts'
import { LeaseKind, type Lease, type Member, type Parts } from './leases.ts'
import type { LedgerParts } from './parts.ts'
import { stagedOf } from './staged_text.ts'
import type { Past, WorkQueue } from './work_queue.ts'

/** Items as read for a batch, and how the batch names them. */
export interface Taken {
  parts: Parts
  rows: WireWork[]
}

/** Batches in somebody's hand: leased with all that their holder needs to know, and put back. */
export class HeldBatches {
  readonly #parts: LedgerParts
  readonly #work: WorkQueue
  readonly #rows: BatchRows
  readonly #partials

  constructor(parts: LedgerParts, work: WorkQueue, rows: BatchRows) {
    this.#parts = parts
    this.#work = work
    this.#rows = rows
    this.#partials = parts.db.prepare('SELECT item, key, bytes, source, resume FROM partial WHERE item BETWEEN ? AND ?')
  }

  give({ parts, rows }: Taken, holder: Holder, past: Past = { attempt: 1, former: [], staged: null }): WireBatch {
    const { leases, trials, nowMs } = this.#parts
    const mine = new Set(rows.map(([id]) => id))
    const lease = leases.give({
      kind: LeaseKind.batch,
      execution: holder.execution,
      holder: holder.name,
      untilMs: nowMs() + holder.leaseMs,
      attempt: past.attempt,
      former: past.former,
      parts,
      staged: past.staged === null ? null : stagedOf(past.staged, mine),
    })
    trials.take(parts.trials, lease.token)
    return this.told(lease, rows)
  }

  /** Items of a lease without a result; after a restart they are read again. */
  members(lease: Lease): Map<number, Member> {
    if (!lease.members) this.told(lease, this.#rowsOf(lease))
    return lease.members!
  }

  #rowsOf({ kind, parts, execution, token }: Lease): WireWork[] {
    return kind === LeaseKind.leftovers ? this.#rows.all(parts.ids) : this.#rows.of(parts, execution, token)
  }

  /** What failed and left something, as who clears up is told of it. */
  leftovers(lease: Lease): WireBatch {
    return this.told(lease, this.#rowsOf(lease))
  }

  /**
   * What is left of a batch goes back to the queue, before all other work, with what is to be remembered of its holders.
   *
   * @param token of its lease, or {@link queued}
   */
  putBack(parts: Parts, left: ReadonlySet<number>, token: number, past?: Past): void {
    const { trials } = this.#parts
    this.#work.giveBack(parts, left, past)
    if (!past) return trials.giveBack(parts.trials, token)
    const tried = parts.trials.filter((id) => left.has(id))
    // Together with their past, which their own row does not know.
    if (token !== queued) trials.hand(tried, token, queued)
  }

  /** A leased batch as its holder is told of it. */
  told(lease: Lease, items: WireWork[]): WireBatch {
    const { addresses } = this.#parts
    const rest = this.#rest(lease, items)
    const containers = new Map<number, WireAddress>()
    const members = new Map<number, Member>()
    for (const [id, parent, kind, , , action, reason, size] of items) {
      if (!containers.has(parent)) containers.set(parent, addresses.of(parent, lease.parts.toSource))
      const tries = rest.get(id)?.tries
      const tried = tries !== undefined
      members.set(id, { parent, kind, action, state: State.pending, reason, size, tried, again: false })
    }
    const isLeftover = lease.kind === LeaseKind.leftovers
    for (const id of isLeftover ? lease.parts.ids : lease.parts.trials) {
      const member = members.get(id)
      if (!member) continue
      member.again = true
      member.state = isLeftover ? this.#rows.stateOf(id) : State.retry
      if (member.state !== State.retry && member.state !== State.remediation) members.delete(id)
    }
    lease.members = members
    if (lease.attempt === 1 && lease.former.length === 0) this.#markWhole(containers, members)
    return {
      token: lease.token,
      // Who comes after another may find things half-done, also when that one did not die.
      attempt: lease.former.length > 0 ? Math.max(2, lease.attempt) : lease.attempt,
      containers: [...containers.values()],
      items,
      rest,
      staged: lease.staged,
      formerTokens: lease.former,
      ...(lease.parts.toSource ? { toSource: true } : {}),
    }
  }

  /** Containers that are to be made by this batch, which holds all that is to be in them. */
  #markWhole(containers: Map<number, WireAddress>, members: ReadonlyMap<number, Member>): void {
    const { wholes } = this.#parts
    for (const [container, address] of containers) {
      const items = wholes.of(container)
      if (items === undefined) continue
      wholes.taken(container)
      if (!members.has(container) || address.ready) continue
      let here = 0
      for (const { parent } of members.values()) if (parent === container) here += 1
      if (here === items) address.whole = true
    }
  }

  /** What few of the items have: read per range of ids, not per item. */
  #rest(lease: Lease, items: WireWork[]): Map<number, WireWorkRest> {
    const rest = new Map<number, WireWorkRest>()
    const mine = new Set<number>()
    for (const [id] of items) mine.add(id)
    const of = (item: number): WireWorkRest => {
      let one = rest.get(item)
      if (!one) rest.set(item, (one = {}))
      return one
    }
    for (const [first, last] of rangesOf(lease.parts)) {
      for (const row of this.#parts.plans.between(first, last)) {
        if (!mine.has(row.item)) continue
        const one = of(row.item)
        if (row.keep_as !== null) one.keepAs = row.keep_as
        if (row.processing !== null) one.processing = row.processing
        if (row.counterpart !== null) one.counterpart = row.counterpart
        if (row.counterpart_id !== null) one.counterpartId = row.counterpart_id
      }
      for (const row of this.#partials.all(first, last)) {
        if (!mine.has(row.item as number)) continue
        const { key, bytes, source, resume } = row as {
          key: string
          bytes: number
          source: string
          resume: string | null
        }
        of(row.item as number).partial = { key, bytes: BigInt(bytes), source, ...(resume === null ? {} : { resume }) }
      }
      for (const [item, tries] of this.#parts.trials.triesBetween(first, last, lease.execution)) {
        if (mine.has(item)) of(item).tries = tries
      }
    }
    return rest
  }
}

/** The ids of a batch as few ranges; what lies between is read in vain. */
function rangesOf({ spans, ids, trials }: Parts): [number, number][] {
  const all = spans.map(([first, last]): [number, number] => [first, last])
  for (const id of ids) all.push([id, id])
  for (const id of trials) all.push([id, id])
  all.sort((a, b) => a[0] - b[0])
  const ranges: [number, number][] = []
  for (const [first, last] of all) {
    const range = ranges.at(-1)
    if (range && first - range[1] < 64) range[1] = Math.max(range[1], last)
    else ranges.push([first, last])
  }
  return ranges
}
