import type { DatabaseSync } from 'node:sqlite'
import type { Claim, FailedItem, Holder } from '../ledger.ts'
import { LeaseLost } from '../ledger.ts'
import type {
  StagedEntry,
  WireAddress,
  WireBatch,
  WireDone,
  WireLeftovers,
  WireResults,
  WireWork,
  WireWorkRest,
} from '../wire.ts'
import { actionCode, Container, State } from './codes.ts'
import { LeaseKind, type Lease, type Member, type Parts } from './leases.ts'
import type { LedgerParts } from './parts.ts'
import type { Past, WorkQueue, WorkRow } from './work_queue.ts'

/** A batch whose holder died this often is taken item by item. */
const aloneAfter = 2
/** An item whose holder died this often is tried once more when nothing else is left, and in no other company. */
const lastAfter = aloneAfter + 1

const create = actionCode('create')
const attributes = actionCode('attributes')
const reread = actionCode('reread')

/** In place of a token: an item to be tried again that waits in the queue. */
const queued = -1

export interface Limit {
  items: number
  bytes: number
}

/** Items as read for a batch, and how the batch names them. */
interface Taken {
  parts: Parts
  rows: WireWork[]
}

interface PlanRow {
  item: number
  keep_as: string | null
  processing: string | null
  counterpart: string | null
  counterpart_id: string | null
}

const workColumns = 'id, parent, kind, name, destination_name, action, reason, size, source, source_id, hash'

/** Batches of work: claimed, carried out, and what becomes of those whose holders died. */
export class Batches {
  readonly #parts: LedgerParts
  readonly #work: WorkQueue
  readonly #enumerationClosed: (execution: number) => boolean
  readonly #span
  readonly #byIds
  readonly #byTrials
  readonly #flagged
  readonly #plans
  readonly #partials
  readonly #done
  readonly #doneWithSource
  readonly #bareFacts
  readonly #fail
  readonly #why
  readonly #writePartial
  readonly #dropPartial
  readonly #partialBytes
  readonly #allPartials
  readonly #written

  constructor(parts: LedgerParts, work: WorkQueue, enumerationClosed: (execution: number) => boolean) {
    this.#parts = parts
    this.#work = work
    this.#enumerationClosed = enumerationClosed
    const { db } = parts
    this.#span = arrays(
      db,
      `SELECT ${workColumns} FROM item WHERE id BETWEEN ? AND ? AND state = ${State.pending} AND execution = ?
         AND NOT (kind = ${Container} AND action = ${create}) ORDER BY id LIMIT ?`,
    )
    this.#byIds = arrays(
      db,
      `SELECT ${workColumns} FROM item WHERE id IN (SELECT value FROM json_each(?)) AND state = ${State.pending}
         AND execution = ? ORDER BY id`,
    )
    this.#byTrials = arrays(
      db,
      `SELECT ${workColumns} FROM item JOIN trial ON trial.item = item.id
       WHERE id IN (SELECT value FROM json_each(?)) AND state = ${State.retry} AND lease = ? ORDER BY id`,
    )
    this.#flagged = arrays(db, `SELECT ${workColumns} FROM item WHERE id IN (SELECT value FROM json_each(?))`)
    this.#plans = db.prepare(
      'SELECT item, keep_as, processing, counterpart, counterpart_id FROM plan WHERE item BETWEEN ? AND ?',
    )
    this.#partials = db.prepare('SELECT item, key, bytes, source FROM partial WHERE item BETWEEN ? AND ?')
    this.#done = db.prepare(
      `UPDATE item SET state = ?, reason = ?, hash = coalesce(?, hash), destination_id = coalesce(?, destination_id),
         destination = ? WHERE id = ?`,
    )
    this.#doneWithSource = db.prepare(
      `UPDATE item SET state = ?, reason = ?, hash = coalesce(?, hash), destination_id = coalesce(?, destination_id),
         destination = ?, source = ?, size = ? WHERE id = ?`,
    )
    this.#bareFacts = db.prepare(
      'UPDATE item SET destination_id = coalesce(?, destination_id), destination = ? WHERE id = ?',
    )
    this.#fail = db.prepare('UPDATE item SET state = ?, reason = ? WHERE id = ?')
    this.#why = db.prepare(
      'INSERT INTO plan (item, why) VALUES (?, ?) ON CONFLICT (item) DO UPDATE SET why = excluded.why',
    )
    this.#writePartial = db.prepare('INSERT OR REPLACE INTO partial (item, key, bytes, source) VALUES (?, ?, ?, ?)')
    this.#dropPartial = db.prepare('DELETE FROM partial WHERE item BETWEEN ? AND ?')
    this.#partialBytes = db.prepare('SELECT bytes FROM partial WHERE item = ?')
    this.#allPartials = db.prepare(
      'SELECT partial.item, item.parent, partial.key FROM partial JOIN item ON item.id = partial.item',
    )
    this.#written = db.prepare(
      `UPDATE execution SET carried_out = carried_out + ?, written_bytes = written_bytes + ?, last_item = ?
       WHERE n = ?`,
    )
  }

  claim(holder: Holder, limit: Limit): Claim<WireBatch> {
    const { leases, trials, nowMs } = this.#parts
    const { execution } = holder
    for (const orphan of leases.orphans(LeaseKind.batch, holder, nowMs())) {
      const batch = this.#takeOver(orphan, holder)
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

  staged(token: number, text: string): void {
    const { leases } = this.#parts
    const lease = leases.require(token, LeaseKind.batch)
    leases.stage(lease, lease.staged === null ? text : merged(lease.staged, text))
  }

  partial(token: number, item: number, partial: { key: string; bytes: bigint; source: string }): void {
    const { leases } = this.#parts
    const lease = leases.require(token, LeaseKind.batch)
    if (!this.#members(lease).has(item)) throw new LeaseLost(`item ${item} has a result already`)
    const before = this.#partialBytes.get(item) as { bytes: number } | undefined
    this.#writePartial.run(item, partial.key, partial.bytes, partial.source)
    // It gets further each time, so whatever keeps killing its holders is not the item.
    if (lease.attempt > 1 && before && partial.bytes > before.bytes) leases.startAfresh(lease)
  }

  finished(results: WireResults): void {
    const { leases, counters, audit, current } = this.#parts
    const lease = leases.require(results.token, LeaseKind.batch)
    if (lease.execution !== results.execution) throw new LeaseLost(`lease ${results.token} is of another execution`)
    const members = this.#members(lease)
    this.#recordDone(results.done, members, lease)
    for (const failure of results.failed) this.#recordFailed(failure, members)
    audit.write(results.audit, current())
    if (results.last) this.#giveBack(lease)
    counters.flush(results.execution)
  }

  /**
   * Everything of an execution that nobody works on any more but that may have left something behind, taken over under
   * new tokens: a holder that comes back late is fenced off.
   */
  leftovers(execution: number): WireLeftovers {
    const { leases, addresses } = this.#parts
    const batches: WireBatch[] = []
    for (const row of this.#work.withPast()) {
      this.#work.remove(row)
      const { attempt, former, staged } = pastOf(row)
      const parts = partsOf(row)
      const taken = { parts, rows: this.#rowsOf(parts, execution, queued) }
      if (taken.rows.length === 0) continue
      batches.push(this.#give(taken, complete(execution), { attempt: Math.max(1, attempt), former, staged }))
    }
    const given = new Set(batches.map((batch) => batch.token))
    for (const lease of [...leases.all().values()]) {
      if (lease.execution !== execution || given.has(lease.token)) continue
      if (lease.kind === LeaseKind.batch) batches.push(...this.#takeOverForGood(lease))
      else if (lease.kind === LeaseKind.litter) {
        const rows = this.#flagged.all(JSON.stringify(lease.parts.ids)) as unknown as WireWork[]
        batches.push(this.#batch(lease, rows))
      }
    }
    const partials = this.#allPartials.all() as unknown as { item: number; parent: number; key: string }[]
    return {
      batches,
      partials: partials.map(({ item, parent, key }) => ({ item, container: addresses.of(parent), key })),
    }
  }

  #takeOverForGood(lease: Lease): WireBatch[] {
    const rows = this.#rowsOf(lease.parts, lease.execution, lease.token)
    this.#parts.leases.remove(lease)
    if (rows.length === 0) return []
    const former = [...lease.former, lease.token]
    const past = { attempt: lease.attempt, former, staged: lease.staged }
    return [this.#give({ parts: lease.parts, rows }, complete(lease.execution), past)]
  }

  #takeOver(orphan: Lease, holder: Holder): WireBatch | undefined {
    const { leases, counters } = this.#parts
    const members = this.#members(orphan)
    leases.remove(orphan)
    if (members.size === 0) return undefined
    const attempt = leases.deathsOf(orphan)
    const past: Past = { attempt, former: [...orphan.former, orphan.token], staged: orphan.staged }
    if (past.attempt > lastAfter) {
      for (const [item, member] of members) this.#flag(item, member, past, orphan.execution)
      counters.flush(orphan.execution)
      return undefined
    }
    const { parts } = orphan
    if (past.attempt === lastAfter) {
      // Where workers are killed often, it may only have been in hand: whoever is to blame is found out at the end.
      this.#requeue(parts, new Set(members.keys()), past, orphan.token)
      return undefined
    }
    if (past.attempt < aloneAfter || members.size === 1) {
      return this.#give({ parts, rows: this.#rowsOf(parts, orphan.execution, orphan.token) }, holder, up(past))
    }
    // Two holders died with it: whichever item it was, from now on each has a lease of its own.
    const [first] = members.keys()
    const alone = only(parts, first!)
    const rest = new Set(members.keys())
    rest.delete(first!)
    const rows = this.#rowsOf(alone, orphan.execution, orphan.token)
    this.#requeue(parts, rest, past, orphan.token)
    return this.#give({ parts: alone, rows }, holder, up(past))
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

  #flag(item: number, member: Member, past: Past, execution: number): void {
    const { counters, crashed, current, leases, trials } = this.#parts
    const why = 'the worker died four times with it in hand, the last time with nothing else'
    const state = trials.failed(item, current(), 'never')
    this.#move(member, state, 'crashed_worker')
    this.#fail.run(state, 'crashed_worker', item)
    this.#why.run(item, why)
    leases.give({
      kind: LeaseKind.litter,
      execution,
      holder: '',
      untilMs: Number.MAX_SAFE_INTEGER,
      attempt: past.attempt,
      former: past.former,
      parts: { spans: [], ids: [item], trials: [] },
      staged: past.staged,
    })
    crashed(item, why)
    counters.flush(execution)
  }

  #tryAgain(due: number[], holder: Holder, limit: Limit): WireBatch | undefined {
    const taken = take(this.#byTrials.all(JSON.stringify(due), 0) as unknown as WireWork[], limit, true)
    if (taken.length === 0) return undefined
    const parts: Parts = { spans: [], ids: [], trials: taken.map(([id]) => id) }
    return this.#give({ parts, rows: taken }, holder, { attempt: 1, former: [], staged: null })
  }

  #takeWork(holder: Holder, limit: Limit): WireBatch | undefined {
    const { execution } = holder
    const taken: Taken = { parts: { spans: [], ids: [], trials: [] }, rows: [] }
    let room = { ...limit }
    for (;;) {
      const open = this.#work.oldest(64, lastAfter)
      for (const row of open) {
        if (row.former !== null) {
          if (taken.rows.length > 0) return this.#give(taken, holder)
          const batch = this.#takePast(row, holder, limit)
          if (batch) return batch
          continue
        }
        const first = taken.rows.length === 0
        if (!first && this.#isBetterLeft(row, room.items, limit.items)) return this.#give(taken, holder)
        const rows =
          row.ids === null ? this.#takeSpan(row, execution, room, first) : this.#takeIds(row, execution, room, first)
        for (const work of rows) {
          taken.rows.push(work)
          room = { items: room.items - 1, bytes: room.bytes - work[7] }
        }
        if (rows.length > 0) addPart(taken.parts, row, rows)
        // What was left in its row did not fit, and what comes next keeps its turn.
        if (room.items <= 0 || room.bytes <= 0 || (taken.rows.length > 0 && rows.length === 0)) {
          if (taken.rows.length > 0) return this.#give(taken, holder)
        }
      }
      if (open.length < 64) break
    }
    return taken.rows.length > 0 ? this.#give(taken, holder) : undefined
  }

  /** A container to be made whole, which the next batch has room for. */
  #isBetterLeft({ first, last, ids }: WorkRow, room: number, limit: number): boolean {
    if (ids === null || first !== last) return false
    const items = this.#parts.wholes.of(first)
    return items !== undefined && items >= room && items < limit
  }

  #takeSpan(row: WorkRow, execution: number, room: Limit, first: boolean): WireWork[] {
    const found = this.#span.all(row.first, row.last, execution, room.items) as unknown as WireWork[]
    const rows = take(found, room, first)
    const last = rows.at(-1)?.[0]
    if (rows.length === found.length && found.length < room.items) this.#work.remove(row)
    else if (last === row.last) this.#work.remove(row)
    else if (last !== undefined) this.#work.cutRange(row, last + 1)
    return rows
  }

  #takeIds(row: WorkRow, execution: number, room: Limit, first: boolean): WireWork[] {
    const found = this.#byIds.all(row.ids!, execution) as unknown as WireWork[]
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
    const rows = this.#rowsOf(parts, holder.execution, queued)
    this.#work.remove(row)
    if (rows.length === 0) return undefined
    const alone = past.attempt >= aloneAfter
    const taken = alone ? rows.slice(0, 1) : take(rows, limit, true)
    const left = new Set(rows.slice(taken.length).map(([id]) => id))
    if (left.size > 0) this.#requeue(parts, left, past, queued)
    const ids = taken.map(([id]) => id)
    const mine: Parts = row.tried === 1 ? { spans: [], ids: [], trials: ids } : { spans: [], ids, trials: [] }
    return this.#give({ parts: mine, rows: taken }, holder, up(past))
  }

  #give({ parts, rows }: Taken, holder: Holder, past: Past = { attempt: 1, former: [], staged: null }): WireBatch {
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
      staged: past.staged === null ? null : filtered(past.staged, mine),
    })
    trials.take(parts.trials, lease.token)
    return this.#batch(lease, rows)
  }

  #batch(lease: Lease, items: WireWork[]): WireBatch {
    const { addresses } = this.#parts
    const rest = this.#rest(lease, items)
    const containers = new Map<number, WireAddress>()
    const members = new Map<number, Member>()
    for (const [id, parent, kind, , , action, reason, size] of items) {
      if (!containers.has(parent)) containers.set(parent, addresses.of(parent))
      const tries = rest.get(id)?.tries
      members.set(id, { parent, kind, action, reason, size, tried: tries !== undefined, again: false })
    }
    for (const id of lease.parts.trials) {
      const member = members.get(id)
      if (member) member.again = true
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
      for (const row of this.#plans.all(first, last) as unknown as PlanRow[]) {
        if (!mine.has(row.item)) continue
        const one = of(row.item)
        if (row.keep_as !== null) one.keepAs = row.keep_as
        if (row.processing !== null) one.processing = row.processing
        if (row.counterpart !== null) one.counterpart = row.counterpart
        if (row.counterpart_id !== null) one.counterpartId = row.counterpart_id
      }
      for (const row of this.#partials.all(first, last)) {
        if (!mine.has(row.item as number)) continue
        const { key, bytes, source } = row as { key: string; bytes: number; source: string }
        of(row.item as number).partial = { key, bytes: BigInt(bytes), source }
      }
      for (const [item, tries] of this.#parts.trials.triesBetween(first, last, lease.execution)) {
        if (mine.has(item)) of(item).tries = tries
      }
    }
    return rest
  }

  /** Items of a lease without a result; after a restart they are read again. */
  #members(lease: Lease): Map<number, Member> {
    if (!lease.members) this.#batch(lease, this.#rowsOf(lease.parts, lease.execution, lease.token))
    return lease.members!
  }

  #rowsOf({ spans, ids, trials }: Parts, execution: number, token: number): WireWork[] {
    const rows: WireWork[] = []
    for (const [first, last] of spans) {
      rows.push(...(this.#span.all(first, last, execution, -1) as unknown as WireWork[]))
    }
    if (ids.length > 0) {
      rows.push(...(this.#byIds.all(JSON.stringify(ids), execution) as unknown as WireWork[]))
    }
    if (trials.length > 0) {
      rows.push(...(this.#byTrials.all(JSON.stringify(trials), token) as unknown as WireWork[]))
    }
    return rows
  }

  #recordDone(done: WireDone, members: Map<number, Member>, lease: Lease): void {
    const { trials } = this.#parts
    const ids = done.destinationId.length > 0
    const { source, size } = done
    const touched = new Set<number>()
    let carriedOut = 0
    let writtenBytes = 0
    let last: number | undefined
    for (let i = 0; i < done.item.length; i++) {
      const item = done.item[i]!
      const member = members.get(item)
      if (!member) continue
      members.delete(item)
      const destinationId = ids ? done.destinationId[i]! || null : null
      const destination = done.destination[i]!
      const why = done.why[i]
      if (why !== undefined) this.#why.run(item, why)
      if (member.kind === Container && this.#listingFailed(item, member)) {
        this.#bareFacts.run(destinationId, destination, item)
        this.#made(item, member)
        continue
      }
      const state = done.state[i]!
      const reason = done.reason[i]!
      const hash = done.hash[i]! || null
      const sizeNow = size && member.kind === 0 ? size[i]! : member.size
      this.#move(member, state, reason, sizeNow)
      if (source) this.#doneWithSource.run(state, reason, hash, destinationId, destination, source[i]!, sizeNow, item)
      else this.#done.run(state, reason, hash, destinationId, destination, item)
      if (member.tried) trials.settled(item)
      if (member.kind === Container) this.#made(item, member)
      // Read again and found to be as recorded: nothing was carried out.
      const written = member.action !== reread || done.bytes[i]! > 0
      if (member.kind !== Container && member.action !== attributes && written) touched.add(member.parent)
      if (done.bytes[i]! > 0) writtenBytes += done.bytes[i]!
      if (written) carriedOut += 1
      last = item
    }
    for (const container of touched) this.#parts.containers.touch(container)
    if (last !== undefined) {
      // Ids of one batch lie close together, so this looks at few rows, mostly none.
      const [low, high] = boundsOf(done.item)
      if (this.#partials.get(low, high)) for (const item of done.item) this.#dropPartial.run(item, item)
      this.#written.run(carriedOut, BigInt(writtenBytes), last, lease.execution)
    }
  }

  #made(item: number, member: Member): void {
    const { containers } = this.#parts
    if (member.action === create) containers.exists(item, { id: '', made: true })
    else containers.touch(item)
    this.#parts.addresses.changed(item)
  }

  /** Its own listing failed meanwhile, which says more about it than that it was made. */
  #listingFailed(item: number, member: Member): boolean {
    const state = this.#parts.containers.stateOf(item)
    return member.again ? state === State.remediation : state !== State.pending
  }

  #recordFailed({ item, reason, why, retryAfterMs }: FailedItem, members: Map<number, Member>): void {
    const member = members.get(item)
    if (!member) return
    members.delete(item)
    const { trials, current, nowMs } = this.#parts
    if (member.kind === Container && this.#listingFailed(item, member)) return
    const state = trials.failed(item, current(), retryAfterMs === 'never' ? 'never' : nowMs() + retryAfterMs)
    this.#move(member, state, reason)
    this.#fail.run(state, reason, item)
    this.#why.run(item, why)
  }

  #move(member: Member, state: number, reason: string, size = member.size): void {
    const { counters } = this.#parts
    const container = member.kind === Container ? 1 : 0
    counters.remove({
      state: member.again ? State.retry : State.pending,
      reason: member.reason,
      container,
      size: member.size,
    })
    counters.add({ state, reason, container, size })
  }

  #giveBack(lease: Lease): void {
    const { leases, trials } = this.#parts
    const left = this.#members(lease)
    leases.remove(lease)
    if (left.size === 0) return
    // Only what earlier holders, or stagings on record, may have left is remembered: this holder cleaned up after itself.
    const staged = lease.staged === null ? null : filtered(lease.staged, new Set(left.keys()))
    const former = staged === null ? lease.former : [...lease.former, lease.token]
    const past = former.length > 0 ? { attempt: 0, former, staged } : undefined
    if (past) {
      this.#requeue(lease.parts, new Set(left.keys()), past, lease.token)
      return
    }
    this.#work.giveBack(lease.parts, new Set(left.keys()))
    trials.giveBack(lease.parts.trials, lease.token)
  }

  /** Back to the queue, with what is remembered of earlier holders; items tried again too. */
  #requeue(parts: Parts, left: ReadonlySet<number>, past: Past, token: number): void {
    this.#work.giveBack(parts, left, past)
    const trials = parts.trials.filter((id) => left.has(id))
    if (token !== queued) this.#parts.trials.hand(trials, token, queued)
  }
}

function arrays(db: DatabaseSync, sql: string): ReturnType<DatabaseSync['prepare']> {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement
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

function addPart(parts: Parts, row: WorkRow, rows: WireWork[]): void {
  if (row.ids === null) parts.spans.push([rows[0]![0], rows.at(-1)![0]])
  else for (const [id] of rows) parts.ids.push(id)
}

function partsOf(row: WorkRow): Parts {
  if (row.ids !== null) {
    const ids = JSON.parse(row.ids) as number[]
    return row.tried === 1 ? { spans: [], ids: [], trials: ids } : { spans: [], ids, trials: [] }
  }
  return { spans: [[row.first, row.last]], ids: [], trials: [] }
}

function pastOf(row: WorkRow): Past {
  return {
    attempt: row.attempt,
    former: row.former === null ? [] : (JSON.parse(row.former) as number[]),
    staged: row.staged,
  }
}

/** One more holder tries. */
function up(past: Past): Past {
  return { ...past, attempt: past.attempt + 1 }
}

function only(parts: Parts, item: number): Parts {
  if (parts.trials.includes(item)) return { spans: [], ids: [], trials: [item] }
  return { spans: [], ids: [item], trials: [] }
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

function boundsOf(ids: number[]): [number, number] {
  let low = Infinity
  let high = 0
  for (const id of ids) {
    if (id < low) low = id
    if (id > high) high = id
  }
  return [low, high]
}

function filtered(staged: string, items: ReadonlySet<number>): string | null {
  const entries = (JSON.parse(staged) as StagedEntry[]).filter(([item]) => items.has(item))
  return entries.length === 0 ? null : JSON.stringify(entries)
}

/** What an earlier holder had staged stays on record until the item has a result. */
function merged(before: string, now: string): string {
  const all = new Map(JSON.parse(before) as StagedEntry[])
  for (const [item, staged] of JSON.parse(now) as StagedEntry[]) all.set(item, staged)
  return JSON.stringify([...all])
}

function complete(execution: number): Holder {
  return { name: 'complete', execution, leaseMs: 24 * 60 * 60 * 1000 }
}
