import type { Claim, Holder } from '../ledger.ts'
import { LeaseLost } from '../ledger.ts'
import { hopeless } from '../../policy/hopeless.ts'
import { nothingText } from '../facts_text.ts'
import type { WireChanged, WireItems, WireListing, WireNote, WireToList, WireUnmatched } from '../wire.ts'
import { actionCode, Container, State, stateCode } from './codes.ts'
import type { Containers } from './containers.ts'
import { forgottenExecution } from './forgotten.ts'
import { LeaseKind, type CountedSum, type Lease } from './leases.ts'
import type { LedgerParts } from './parts.ts'
import type { Removals } from './removals.ts'

/** A listing whose holder died this often is repeated alone, and later given up. */
const aloneAfter = 2
const givenUpAfter = 5

const unchanged = 'unchanged'
const flaggedBefore = 'flagged_before'
const none = actionCode('none')
const create = actionCode('create')
const adopt = actionCode('adopt')
const reread = actionCode('reread')
const skip = actionCode('skip')
const fail = actionCode('fail')

interface Decided {
  kind: number
  action: number
  reason: string
  processing?: string | undefined
}

interface Before {
  state: number
  reason: string
  execution: number
  gone: number
  name: string
}

/** @param toSource whether it goes from the destination to the source */
type OnWork = (first: number, last: number, ids: number[] | undefined, toSource: boolean) => void

/** Containers to list, and what listing them found. */
export class Enumeration {
  readonly #parts: LedgerParts
  readonly #containers: Containers
  readonly #onWork: OnWork
  readonly #removals: Removals
  #nextId: number | undefined
  readonly #frontier
  readonly #join
  readonly #leave
  readonly #maxId
  readonly #hasExtent
  readonly #addExtent
  readonly #insert
  readonly #before
  readonly #update
  readonly #updateToSource
  readonly #gone
  readonly #goneUnsettled
  readonly #returned
  readonly #reason
  readonly #looked
  readonly #lookedIn
  readonly #stamp
  readonly #deadPartial

  constructor(
    parts: LedgerParts,
    containers: Containers,
    { onWork, removals }: { onWork: OnWork; removals: Removals },
  ) {
    const { db } = parts
    this.#parts = parts
    this.#containers = containers
    this.#onWork = onWork
    this.#removals = removals
    this.#frontier = db.prepare('SELECT item FROM frontier ORDER BY item LIMIT ?')
    this.#join = db.prepare('INSERT OR IGNORE INTO frontier (item) VALUES (?)')
    this.#leave = db.prepare('DELETE FROM frontier WHERE item = ?')
    this.#maxId = db.prepare('SELECT max(id) AS id FROM item')
    this.#hasExtent = db.prepare('SELECT 1 FROM extent WHERE container = ? LIMIT 1')
    this.#addExtent = db.prepare('INSERT INTO extent (container, first, last) VALUES (?, ?, ?)')
    this.#insert = db.prepare(
      `INSERT INTO item (id, parent, name, kind, state, action, execution, size, reason, destination_name, source_id,
         destination_id, source, destination, to_source, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#before = db.prepare('SELECT state, reason, execution, gone, name FROM item WHERE id = ?')
    this.#update = db.prepare(
      `UPDATE item SET kind = ?, state = ?, action = ?, execution = ?, gone = 0, to_source = 0, size = ?, reason = ?,
         destination_name = ?, source_id = ?, source = ?, destination = coalesce(?, destination),
         destination_id = coalesce(?, destination_id), hash = CASE WHEN ? THEN NULL ELSE hash END WHERE id = ?`,
    )
    this.#updateToSource = db.prepare(
      `UPDATE item SET name = coalesce(?, name), kind = ?, state = ?, action = ?, execution = ?, gone = ?, to_source = 1,
         size = ?, reason = ?, destination_name = ?, destination_id = coalesce(?, destination_id), destination = ? WHERE id = ?`,
    )
    this.#gone = db.prepare('UPDATE item SET gone = 1 WHERE id = ?')
    this.#goneUnsettled = db.prepare("UPDATE item SET gone = 1, state = ?, reason = 'source_gone' WHERE id = ?")
    this.#returned = db.prepare('UPDATE item SET gone = 0 WHERE id = ?')
    this.#reason = db.prepare('UPDATE item SET reason = ? WHERE id = ?')
    this.#looked = db.prepare('UPDATE container SET looked = ?, looked_ms = ? WHERE item = ?')
    this.#lookedIn = db.prepare(`SELECT looked > ${forgottenExecution} AS looked FROM container WHERE item = ?`)
    this.#stamp = db.prepare('UPDATE item SET execution = ? WHERE id = ?')
    this.#deadPartial = db.prepare('DELETE FROM partial WHERE item = ?')
  }

  /** Puts the root where enumeration starts. */
  start(root: number): void {
    this.#join.run(root)
  }

  claim(holder: Holder, limit: number): Claim<WireToList[]> {
    const { leases, nowMs } = this.#parts
    const { name, execution, leaseMs } = holder
    const untilMs = nowMs() + leaseMs
    const claimed: WireToList[] = []
    for (const orphan of leases.orphans(LeaseKind.listing, holder, nowMs())) {
      if (claimed.length >= limit) break
      const deaths = leases.deathsOf(orphan)
      const alone = deaths >= aloneAfter
      if (alone && claimed.length > 0) continue
      const lease = this.#takeOver(orphan, deaths, { name, untilMs })
      if (lease) claimed.push(this.#toList(lease))
      if (alone && lease) return { state: 'claimed', claim: claimed }
    }
    for (const { item } of this.#frontier.all(limit - claimed.length) as unknown as { item: number }[]) {
      this.#leave.run(item)
      const given = { kind: LeaseKind.listing, execution, holder: name, untilMs, attempt: 1, container: item }
      claimed.push(this.#toList(leases.give(given)))
    }
    if (claimed.length > 0) return { state: 'claimed', claim: claimed }
    return { state: this.closed(execution) ? 'closed' : 'wait' }
  }

  /** No container is to be listed or being listed. */
  closed(execution: number): boolean {
    return !this.#parts.leases.some(LeaseKind.listing, execution) && this.#frontier.get(1) === undefined
  }

  enumerated(listing: WireListing): void {
    const { leases, counters, audit, current, wholes } = this.#parts
    const containers = this.#containers
    const lease = leases.require(listing.token, LeaseKind.listing)
    if (lease.container !== listing.container || lease.execution !== listing.execution) {
      throw new LeaseLost(`lease ${listing.token} is not on container ${listing.container}`)
    }
    if (listing.failed) {
      containers.fail(listing.container, listing.failed)
    } else {
      const { container } = listing
      const { depth, ready, toSource } = this.#parts.addresses.row(container)
      // Before its children: where they are claimed together, it can be made with all that is in it.
      const isWork = !ready && containers.becomesWork(container)
      if (isWork) this.#onWork(container, container, [container], toSource)
      const items = this.#insertFresh(container, depth + 1, listing.fresh)
      nameFresh(listing.audit, (this.#nextId ?? 0) - listing.fresh.name.length)
      if (isWork && !toSource && items > 0 && isWhole(listing)) wholes.add(container, items)
      this.#decideAgain(depth + 1, listing.changed)
      const as = listing.unchanged.some(({ reason }) => reason === unchanged) ? unchanged : null
      const countedAs = this.#countedAs(listing, as)
      for (const container of listing.descend) this.#enter(container, countedAs(container))
      for (const item of listing.gone) this.#markGone(item)
      if (listing.unmatched.length > 0) this.#planRemovals(container, depth + 1, listing.unmatched)
      if (listing.holdsOthers) this.#removals.keep(container)
      for (const item of listing.returned ?? []) this.#return(item)
      for (const note of listing.notes) this.#note(note)
      this.#countUnchanged(listing, lease, as)
      for (const met of listing.met) counters.met(met)
      if (listing.last) this.#looked.run(listing.execution, this.#parts.nowMs(), container)
    }
    audit.write(listing.audit, current())
    if (listing.last || listing.failed) leases.remove(lease)
    else {
      leases.page(lease)
      // It gets further each time, so whatever keeps killing its holders is not the container.
      if (lease.attempt > 1 && listing.fresh.name.length > 0) leases.startAfresh(lease)
    }
    counters.flush(listing.execution)
  }

  /** Whoever comes next takes them over at once, as the first. */
  giveBack(tokens: number[]): void {
    const { leases } = this.#parts
    for (const token of tokens) {
      const lease = leases.all().get(token)
      if (lease?.kind === LeaseKind.listing) this.#takeOver(lease, -1, { name: '', untilMs: 0 })
    }
  }

  forget(): void {
    this.#nextId = undefined
  }

  /** @returns how many became work */
  #insertFresh(parent: number, depth: number, fresh: WireItems): number {
    const count = fresh.name.length
    if (count === 0) return 0
    const { counters, current, plans } = this.#parts
    const containers = this.#containers
    const { n } = current()
    const first = (this.#nextId ??= ((this.#maxId.get() as { id: number | null }).id ?? 0) + 1)
    const ids = fresh.sourceId.length > 0
    let work = 0
    let workToSource = 0
    for (let i = 0; i < count; i++) {
      const id = first + i
      const kind = fresh.kind[i]!
      const action = fresh.action[i]!
      const reason = fresh.reason[i]!
      const size = fresh.size[i]!
      const name = fresh.name[i]!
      const destinationName = fresh.destinationName[i]!
      const rest = fresh.rest[i]
      const baseline = isDone(action) ? rest : undefined
      const toSource = rest?.toSource === true
      const state = this.#stateOfDecision(id, { kind, action, reason, processing: rest?.processing })
      if (state === State.pending) {
        if (toSource) workToSource += 1
        else work += 1
      }
      const listed = { id: ids ? fresh.sourceId[i]! : null, facts: fresh.source[i]! }
      const opposite = { id: baseline?.counterpartId || null, facts: baseline?.counterpart ?? null }
      this.#insert.run(
        id,
        parent,
        name,
        kind,
        state,
        action,
        n,
        size,
        reason,
        destinationName === name ? null : destinationName,
        toSource ? null : listed.id,
        toSource ? rest.originId || null : opposite.id,
        toSource ? nothingText : listed.facts,
        toSource ? listed.facts : opposite.facts,
        Number(toSource),
        Number(toSource && rest.counterpart === undefined),
      )
      if (rest) plans.write(id, rest)
      if (kind === Container) {
        const enters = action !== skip && action !== fail
        containers.insert(id, depth, enters && action !== create, enters ? n : 0)
        if (enters) this.#join.run(id)
      }
      counters.add({ state, reason, container: kind === Container ? 1 : 0, size })
    }
    this.#addExtent.run(parent, first, first + count - 1)
    this.#nextId = first + count
    if (work > 0) this.#onWork(first, first + count - 1, undefined, false)
    if (workToSource > 0) this.#onWork(first, first + count - 1, undefined, true)
    return work
  }

  #decideAgain(depth: number, changed: WireChanged[]): void {
    const { counters, current, plans, trials } = this.#parts
    const containers = this.#containers
    const { n } = current()
    const work: number[] = []
    const workToSource: number[] = []
    for (const row of changed) {
      const { item, kind, action } = row
      const before = this.#before.get(item) as unknown as Before | undefined
      // Decided in this execution already, by an earlier try at this listing: that decision stands.
      if (!before || before.execution === n) continue
      const baseline = isDone(action) ? row : undefined
      if (action === reread) this.#keepAltered(row)
      const state = this.#stateOfDecision(item, row)
      if (row.toSource) this.#decideToSource(row, state)
      else
        this.#update.run(
          kind,
          state,
          action,
          n,
          row.size,
          row.reason,
          row.destinationName === before.name ? null : row.destinationName,
          row.sourceId,
          row.source,
          baseline?.counterpart ?? null,
          baseline?.counterpartId || null,
          row.forgetHash ? 1 : 0,
          item,
        )
      if (row.why ?? row.keepAs ?? row.processing ?? row.counterpart) plans.write(item, row)
      else plans.drop(item)
      // What is held against a container is settled by a whole execution without trouble.
      if (kind !== Container && (baseline || action === skip)) trials.settled(item)
      if (kind === Container) {
        const enters = action !== skip && action !== fail
        containers.insert(item, depth, false, 0)
        if (enters) {
          containers.decided(item, action !== create)
          this.#enter(item, null)
        }
      }
      if (state === State.pending) (row.toSource ? workToSource : work).push(item)
      counters.add({ state, reason: row.reason, container: kind === Container ? 1 : 0, size: row.size })
    }
    if (work.length > 0) this.#onWork(work[0]!, work.at(-1)!, work, false)
    if (workToSource.length > 0) this.#onWork(workToSource[0]!, workToSource.at(-1)!, workToSource, true)
  }

  /** Its name is that at the source, as it is to be. */
  #decideToSource(row: WireChanged, state: number): void {
    const { item, kind, action, name, destinationName, size, reason, counterpart, originId, source } = row
    this.#updateToSource.run(
      name,
      kind,
      state,
      action,
      this.#parts.current().n,
      Number(counterpart === undefined),
      size,
      reason,
      destinationName,
      originId || null,
      source,
      item,
    )
  }

  /** A container to be made is no work before it is looked into. */
  #stateOfDecision(item: number, { kind, action, reason, processing }: Decided): number {
    if (isDone(action)) return processing === undefined ? State.success : State.processed
    if (action === skip) return State.skipped
    if (action === fail) return this.#parts.trials.strike(item, this.#parts.current(), isHopeless(reason))
    return kind === Container && action === create ? State.lazy : State.pending
  }

  /** What is read again, and may be found to be the same, is as altered as it was. */
  #keepAltered(row: WireChanged): void {
    const planned = JSON.parse(row.processing ?? '[]') as string[]
    const altered = new Set([...planned, ...this.#parts.plans.processing(row.item)])
    if (altered.size > planned.length) row.processing = JSON.stringify([...altered])
  }

  /** Flagged containers that are looked into all the same, and deleted ones, are counted under a reason of their own. */
  #countedAs({ unchanged, countedAs }: WireListing, as: string | null): (container: number) => string | null {
    if (countedAs) return (container) => countedAs[container] ?? as
    if (!unchanged.some(({ reason }) => reason === flaggedBefore)) return () => as
    return (container) => {
      const { state } = this.#before.get(container) as unknown as Before
      return state === State.remediation ? flaggedBefore : as
    }
  }

  /** A known container joins the frontier, once per execution. */
  #enter(container: number, countedAs: string | null): void {
    if (this.#containers.enter(container, this.#parts.current().n, countedAs)) this.#join.run(container)
  }

  /** A tracked item is gone from a complete listing of the source. */
  #markGone(item: number): void {
    const before = this.#before.get(item) as unknown as Before | undefined
    if (!before || before.gone === 1 || before.execution === this.#parts.current().n) return
    this.#parts.addresses.changed(item)
    const settled = before.state === State.success || before.state === State.processed || before.state === State.none
    if (settled) {
      this.#gone.run(item)
      return
    }
    this.#goneUnsettled.run(State.none, item)
    this.#parts.trials.settled(item)
    this.#deadPartial.run(item)
  }

  /** What only the destination has gets a row, so that people find what became of it. */
  #planRemovals(container: number, depth: number, unmatched: readonly WireUnmatched[]): void {
    const strays = unmatched.filter(({ item }) => item === null)
    const first = (this.#nextId ??= ((this.#maxId.get() as { id: number | null }).id ?? 0) + 1)
    strays.forEach((stray, i) => this.#insertStray(container, first + i, stray))
    if (strays.length > 0) {
      this.#addExtent.run(container, first, first + strays.length - 1)
      this.#nextId = first + strays.length
    }
    let next = first
    for (const one of unmatched) {
      const item = one.item ?? next++
      this.#removals.plan(item, depth, one)
      if (one.kind !== Container) continue
      this.#containers.insert(item, depth, true, 0)
      this.#enter(item, null)
    }
  }

  #insertStray(parent: number, id: number, { name, kind, reason, platformId }: WireUnmatched): void {
    const { n } = this.#parts.current()
    this.#insert.run(
      id,
      parent,
      name,
      kind,
      State.none,
      none,
      n,
      0,
      reason,
      null,
      null,
      platformId || null,
      nothingText,
      null,
      0,
      1,
    )
  }

  #return(item: number): void {
    this.#returned.run(item)
    this.#parts.addresses.changed(item)
  }

  /** Of the few rows of which something else is to be said than before; state and baselines stay. */
  #note(note: WireNote): void {
    if (note.reason !== null) this.#reason.run(note.reason, note.item)
    this.#parts.plans.note(note)
  }

  /**
   * Unchanged rows are counted, not rewritten. If the listing goes on, its sums are kept to be taken back when it has to
   * start over; containers among them may by then have been listed and have failed, so they are counted by themselves.
   */
  #countUnchanged(listing: WireListing, lease: Lease, as: string | null): void {
    const { counters } = this.#parts
    listing.unchanged.forEach(({ status, reason, items, bytes, containers }, index) => {
      const among = containers ?? (index === 0 ? listing.descend.length : 0)
      const state = stateCode(status)
      counters.addSum(state, reason, { items, containers: among, bytes })
      if (!listing.last) addTo(lease.counted, { state, reason, items, containers: among, bytes: String(bytes) })
    })
    if (listing.last) return
    const countedAs = this.#countedAs(listing, as)
    const { n } = this.#parts.current()
    for (const container of listing.descend) {
      const { state, reason } = this.#before.get(container) as unknown as Before
      addTo(lease.counted, { state, reason: countedAs(container) ?? reason, items: -1, containers: -1, bytes: '0' })
      this.#stamp.run(n, container)
    }
  }

  /** The listing starts over, so what its dead holder only counted is taken back; rows it decided stay decided. */
  #takeOver(orphan: Lease, deaths: number, by: { name: string; untilMs: number }): Lease | undefined {
    const { counters, leases, crashed } = this.#parts
    leases.remove(orphan)
    const container = orphan.container!
    let lease: Lease | undefined
    if (deaths >= givenUpAfter) {
      const why = `the worker died ${deaths} times while listing it`
      this.#containers.fail(container, { reason: 'crashed_worker', why, flag: true })
      crashed(container, why)
    } else {
      for (const { state, reason, items, containers: among, bytes } of orphan.counted) {
        counters.addSum(state, reason, { items: -items, containers: -among, bytes: -BigInt(bytes) })
      }
      const { execution, former, token, pages } = orphan
      lease = leases.give({
        kind: LeaseKind.listing,
        execution,
        holder: by.name,
        untilMs: by.untilMs,
        attempt: deaths + 1,
        former: [...former, token],
        container,
        pages,
      })
    }
    counters.flush(orphan.execution)
    return lease
  }

  #toList(lease: Lease): WireToList {
    const container = lease.container!
    const { addresses } = this.#parts
    return {
      ...addresses.of(container),
      token: lease.token,
      gone: addresses.row(container).gone === 1,
      removing: this.#removals.isPlanned(container),
      known: this.#hasExtent.get(container) !== undefined,
      looked: ((this.#lookedIn.get(container) as { looked: number } | undefined)?.looked ?? 0) > 0,
      resumed: lease.pages > 0,
    }
  }
}

/** Rows about fresh children, who have ids only now. */
function nameFresh(audit: WireListing['audit'], first: number): void {
  audit.item.forEach((item, i) => {
    if (item !== null && item < 0) audit.item[i] = first - 1 - item
  })
}

/** All its children are in this one commit, new, and none of them is a container. */
function isWhole({ last, fresh, changed, descend, unchanged }: WireListing): boolean {
  if (!last || changed.length > 0 || descend.length > 0 || unchanged.length > 0) return false
  return !fresh.kind.includes(Container)
}

function addTo(sums: CountedSum[], more: CountedSum): void {
  const sum = sums.find((s) => s.state === more.state && s.reason === more.reason)
  if (!sum) {
    sums.push(more)
    return
  }
  sum.items += more.items
  sum.containers += more.containers
  sum.bytes = String(BigInt(sum.bytes) + BigInt(more.bytes))
}

/** Nothing is to be carried out: what the destination has is the baseline. */
function isDone(action: number): boolean {
  return action === adopt || action === none
}

/** Another execution would decide the same: a person is asked at once. */
function isHopeless(reason: string): boolean {
  return (hopeless as ReadonlySet<string>).has(reason)
}
