import type { Claim, Holder } from '../ledger.ts'
import type { WireBatch, WireWork } from '../wire.ts'
import { queued, type BatchRows } from './batch_rows.ts'
import type { HeldBatches, Taken } from './held_batches.ts'
import { LeaseKind, type Parts } from './leases.ts'
import { aloneAfter, lastAfter, type OrphanedBatches } from './orphaned_batches.ts'
import type { LedgerParts } from './parts.ts'
import { direction, oneMore, partsOf, pastOf, type WorkQueue, type WorkRow } from './work_queue.ts'

interface Limit {
  items: number
  bytes: number
}

interface ClaimParts {
  work: WorkQueue
  rows: BatchRows
  held: HeldBatches
  orphaned: OrphanedBatches
  enumerationClosed: (execution: number) => boolean
}

/** What the next batch is: what a dead holder left, what is to be tried again, open work in its order, and the suspects at the end. */
export class BatchClaims {
  readonly #parts: LedgerParts
  readonly #work: WorkQueue
  readonly #rows: BatchRows
  readonly #held: HeldBatches
  readonly #orphaned: OrphanedBatches
  readonly #enumerationClosed: (execution: number) => boolean

  constructor(parts: LedgerParts, { work, rows, held, orphaned, enumerationClosed }: ClaimParts) {
    this.#parts = parts
    this.#work = work
    this.#rows = rows
    this.#held = held
    this.#orphaned = orphaned
    this.#enumerationClosed = enumerationClosed
  }

  claim(holder: Holder, limit: Limit): Claim<WireBatch> {
    const { leases, trials, nowMs } = this.#parts
    const { execution } = holder
    for (const orphan of leases.orphans(LeaseKind.batch, holder, nowMs())) {
      const batch = this.#orphaned.takeOver(orphan, holder)
      if (batch) return { state: 'claimed', claim: batch }
    }
    if (this.#isLastUnderWay(execution)) return { state: 'wait' }
    const due = trials.due(execution, nowMs(), limit.items)
    const batch = (due.length > 0 && this.#tryAgain(due, holder, limit)) || this.#takeWork(holder, limit)
    if (batch) return { state: 'claimed', claim: batch }

    if (!this.#enumerationClosed(execution) || leases.some(LeaseKind.batch, execution)) return { state: 'wait' }
    const last = this.#takeLast(holder, limit)
    if (last) return { state: 'claimed', claim: last }
    const items = trials.waiting(execution, nowMs())
    return items.total > 0 ? { state: 'waiting', items } : { state: 'closed' }
  }

  /** Nothing is to be carried out, and nothing can come. */
  closed(execution: number): boolean {
    const { leases, trials, nowMs } = this.#parts
    return (
      this.#enumerationClosed(execution) &&
      this.#work.empty() &&
      !leases.some(LeaseKind.batch, execution) &&
      trials.waiting(execution, nowMs()).total === 0
    )
  }

  /** Nobody else works on anything meanwhile, so that only the item itself can be to blame. */
  #isLastUnderWay(execution: number): boolean {
    for (const { kind, execution: n, attempt } of this.#parts.leases.all().values())
      if (kind === LeaseKind.batch && n === execution && attempt > lastAfter) return true
    return false
  }

  #takeLast(holder: Holder, limit: Limit): WireBatch | undefined {
    for (;;) {
      const row = this.#work.last(lastAfter)
      if (!row) return undefined
      const batch = this.#takePast(row, holder, limit)
      if (batch) return batch
    }
  }

  #tryAgain(due: number[], holder: Holder, limit: Limit): WireBatch | undefined {
    const { leases } = this.#parts
    const leftovers = leases.leftoversOf(due, holder.execution)
    const found = this.#rows.tried(leftovers?.ids ?? due, 0)
    const rows = take(found.filter(goesAs(found[0])), limit, true)
    if (rows.length === 0) return undefined
    const trials = rows.map(([id]) => id)
    const taken = { parts: { spans: [], ids: [], trials, ...wayOf(rows[0]) }, rows }
    if (!leftovers) return this.#held.give(taken, holder)
    const { lease } = leftovers
    const now = new Set(trials)
    const rest = lease.parts.ids.filter((id) => !now.has(id))
    leases.remove(lease)
    if (rest.length > 0) leases.keepLeftovers(lease.execution, rest, lease, lease.parts.toSource)
    return this.#held.give(taken, holder, { ...lease, attempt: 1 })
  }

  #takeWork(holder: Holder, limit: Limit): WireBatch | undefined {
    const { execution } = holder
    const taken: Taken = { parts: { spans: [], ids: [], trials: [] }, rows: [] }
    let room = { ...limit }
    for (;;) {
      const open = this.#work.oldest(64, lastAfter)
      for (const row of open) {
        if (row.former !== null) {
          if (taken.rows.length > 0) return this.#held.give(taken, holder)
          const batch = this.#takePast(row, holder, limit)
          if (batch) return batch
          continue
        }
        const first = taken.rows.length === 0
        // A batch goes one way.
        if (!first && (row.to_source === 1) !== (taken.parts.toSource ?? false)) return this.#held.give(taken, holder)
        if (!first && this.#isBetterLeft(row, room.items, limit.items)) return this.#held.give(taken, holder)
        const rows =
          row.ids === null ? this.#takeSpan(row, execution, room, first) : this.#takeIds(row, execution, room, first)
        for (const work of rows) {
          taken.rows.push(work)
          room = { items: room.items - 1, bytes: room.bytes - work[7] }
        }
        if (rows.length > 0) addPart(taken.parts, row, rows)
        // What was left in its row did not fit, and what comes next keeps its turn.
        if (room.items <= 0 || room.bytes <= 0 || (taken.rows.length > 0 && rows.length === 0)) {
          if (taken.rows.length > 0) return this.#held.give(taken, holder)
        }
      }
      if (open.length < 64) break
    }
    return taken.rows.length > 0 ? this.#held.give(taken, holder) : undefined
  }

  /** A container to be made whole, which the next batch has room for. */
  #isBetterLeft({ first, last, ids }: WorkRow, room: number, limit: number): boolean {
    if (ids === null || first !== last) return false
    const items = this.#parts.wholes.of(first)
    return items !== undefined && items >= room && items < limit
  }

  #takeSpan(row: WorkRow, execution: number, room: Limit, first: boolean): WireWork[] {
    const found = this.#rows.between([row.first, row.last], execution, room.items, row.to_source === 1)
    const rows = take(found, room, first)
    const last = rows.at(-1)?.[0]
    if (rows.length === found.length && found.length < room.items) this.#work.remove(row)
    else if (last === row.last) this.#work.remove(row)
    else if (last !== undefined) this.#work.cutRange(row, last + 1)
    return rows
  }

  #takeIds(row: WorkRow, execution: number, room: Limit, first: boolean): WireWork[] {
    const found = this.#rows.named(row.ids!, execution)
    const rows = take(found, room, first)
    if (rows.length === found.length) this.#work.remove(row)
    else if (rows.length > 0) {
      this.#work.cutIds(
        row,
        found.slice(rows.length).map(([id]) => id),
      )
    }
    return rows
  }

  /** Work that earlier holders gave back, or died with: its traces go with it, so it is not mixed with other work. */
  #takePast(row: WorkRow, holder: Holder, limit: Limit): WireBatch | undefined {
    const past = pastOf(row)
    const parts = partsOf(row)
    const rows = this.#rows.of(parts, holder.execution, queued)
    this.#work.remove(row)
    if (rows.length === 0) return undefined
    const alone = past.attempt >= aloneAfter
    const taken = alone ? rows.slice(0, 1) : take(rows, limit, true)
    const left = new Set(rows.slice(taken.length).map(([id]) => id))
    if (left.size > 0) this.#held.putBack(parts, left, queued, past)
    const ids = taken.map(([id]) => id)
    const mine: Parts = row.tried === 1 ? { spans: [], ids: [], trials: ids } : { spans: [], ids, trials: [] }
    return this.#held.give({ parts: { ...mine, ...direction(row) }, rows: taken }, holder, oneMore(past))
  }
}

/** As many as there is room for; `evenIfLarger` takes the first in any case, alone if need be. */
function take(rows: WireWork[], room: Limit, evenIfLarger: boolean): WireWork[] {
  let bytes = 0
  let count = 0
  for (const row of rows) {
    if (count >= room.items || ((count > 0 || !evenIfLarger) && bytes + row[7] > room.bytes)) break
    bytes += row[7]
    count += 1
  }
  return count === rows.length ? rows : rows.slice(0, count)
}

function wayOf(row: WireWork | undefined): Pick<Parts, 'toSource'> {
  return direction({ to_source: row?.[11] ?? 0 })
}

function goesAs(first: WireWork | undefined): (row: WireWork) => boolean {
  return (row) => row[11] === first?.[11]
}

function addPart(parts: Parts, row: WorkRow, rows: WireWork[]): void {
  if (row.to_source === 1) parts.toSource = true
  if (row.ids === null) parts.spans.push([rows[0]![0], rows.at(-1)![0]])
  else for (const [id] of rows) parts.ids.push(id)
}
