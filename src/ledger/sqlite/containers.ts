import type { Processing } from '../../policy/decision.ts'
import type { MadeContainer } from '../ledger.ts'
import { State } from './codes.ts'
import type { LedgerParts } from './parts.ts'

interface ContainerTrouble {
  reason: string
  why: string
  flag: boolean
}

interface ItemRow {
  parent: number
  state: number
  reason: string
  execution: number
}

const permissionsLost = 'permissions_lost'

const ofAttributes: ReadonlySet<Processing> = new Set<Processing>([
  'permissions_narrowed',
  'owners_lost',
  'times_left_out',
])

function isSettled({ state }: ItemRow): boolean {
  return state === State.success || state === State.processed
}

/** How many touched containers are known to be recorded, so that not every batch writes them again. */
const remembered = 20_000

/** What becomes of containers besides being listed: they get made, fail, and are to be finished at the end. */
export class Containers {
  readonly #parts: LedgerParts
  readonly #touched = new Set<number>()
  readonly #item
  readonly #countedAs
  readonly #countedByItself
  readonly #setState
  readonly #setId
  readonly #setSourceId
  readonly #cameFrom
  readonly #ready
  readonly #made
  readonly #countMade
  readonly #touch
  readonly #insert
  readonly #enter
  readonly #decided
  readonly #carriedOut

  constructor(parts: LedgerParts) {
    const { db } = parts
    this.#parts = parts
    this.#item = db.prepare('SELECT parent, state, reason, execution FROM item WHERE id = ?')
    this.#countedAs = db.prepare('SELECT counted_as FROM container WHERE item = ? AND listed = ?')
    this.#countedByItself = db.prepare('UPDATE container SET counted_as = NULL WHERE item = ?')
    this.#setState = db.prepare('UPDATE item SET state = ?, reason = ?, execution = ? WHERE id = ?')
    this.#setId = db.prepare('UPDATE item SET destination_id = ? WHERE id = ?')
    this.#setSourceId = db.prepare(
      "UPDATE item SET source_id = coalesce(nullif(?, ''), source_id), gone = 0 WHERE id = ?",
    )
    this.#cameFrom = db.prepare('UPDATE item SET to_source = ? WHERE id = ?')
    this.#ready = db.prepare('UPDATE container SET ready = 1 WHERE item = ?')
    this.#made = db.prepare('UPDATE container SET ready = 1, made = ? WHERE item = ?')
    this.#countMade = db.prepare('UPDATE execution SET containers_made = containers_made + 1 WHERE n = ?')
    this.#touch = db.prepare(
      'INSERT OR IGNORE INTO touched (container, depth, lease) SELECT item, depth, 0 FROM container WHERE item = ?',
    )
    this.#insert = db.prepare(
      'INSERT OR IGNORE INTO container (item, depth, ready, made, listed) VALUES (?, ?, ?, 0, ?)',
    )
    this.#enter = db.prepare('UPDATE container SET listed = ?, counted_as = ? WHERE item = ? AND listed <> ?')
    this.#decided = db.prepare('UPDATE container SET ready = ?, counted_as = NULL WHERE item = ?')
    this.#carriedOut = db.prepare('UPDATE execution SET carried_out = carried_out + 1 WHERE n = ?')
  }

  /** A container, unless it is known; `listed` is the execution that looks into it, 0 when none does. */
  insert(item: number, depth: number, ready: boolean, listed: number): void {
    this.#insert.run(item, depth, ready ? 1 : 0, listed)
  }

  /** A container decided anew. */
  decided(item: number, ready: boolean): void {
    this.#decided.run(Number(ready), item)
    this.#parts.addresses.changed(item)
  }

  /** A known container is to be listed in this execution; false when it is, or was, already. */
  enter(item: number, n: number, countedAs: string | null): boolean {
    return this.#enter.run(n, countedAs, item, n).changes === 1
  }

  /** A container to be made has been looked into, and becomes work; false when it waits for something to arrive in it. */
  becomesWork(container: number): boolean {
    const { counters, current } = this.#parts
    const { n, lazyContainers } = current()
    if (lazyContainers) return false
    const { state, reason, execution } = this.#item.get(container) as unknown as ItemRow
    if (state !== State.lazy || execution !== n) return false
    counters.remove({ state: State.lazy, reason, container: 1, size: 0 })
    counters.add({ state: State.pending, reason, container: 1, size: 0 })
    this.#setState.run(State.pending, reason, n, container)
    return true
  }

  /** A container is there now. Who made it in this execution stands: somebody else of ours may have found it since. */
  exists(
    container: number,
    { id, made, toSource = false }: Omit<MadeContainer, 'token'> & { toSource?: boolean },
  ): void {
    const { addresses, counters, current, plans } = this.#parts
    let row = addresses.row(container)
    const { n } = current()
    if (row.toSource !== toSource) {
      // It was removed from the side that it had come from, and is made there anew.
      this.#cameFrom.run(Number(toSource), container)
      row = { ...row, toSource, ready: true, made: 0 }
    }
    if (made && row.made !== n) {
      this.#made.run(n, container)
      this.#countMade.run(n)
    } else if (!made && row.made !== 0 && row.made !== n) {
      // What an earlier execution made is gone, or nobody would have made it anew.
      this.#made.run(0, container)
    } else if (!row.ready) this.#ready.run(container)
    if (toSource) this.#setSourceId.run(id, container)
    else if (id !== '' && id !== row.destinationId) this.#setId.run(id, container)
    addresses.changed(container)
    const item = this.#item.get(container) as unknown as ItemRow
    const settle = (reason: string): void => {
      const state = plans.processing(container).length === 0 ? State.success : State.processed
      counters.remove({ state: item.state, reason: item.reason, container: 1, size: 0 })
      counters.add({ state, reason, container: 1, size: 0 })
      this.#setState.run(state, reason, n, container)
    }
    if (item.state === State.lazy && item.execution === n) {
      settle(made ? item.reason : 'matched')
      this.#carriedOut.run(n)
    } else if (made && row.made !== n && isSettled(item) && item.execution === n) {
      // Another thread was told that it was there before the one that made it had said so.
      if (item.reason === 'matched') settle('new')
    }
    this.touch(container)
    if (made && row.parent !== 0) this.touch(row.parent)
  }

  /** One of our threads made it in this execution. */
  madeNow(container: number): boolean {
    return this.#parts.addresses.row(container).made === this.#parts.current().n
  }

  /** Its times, mode and owner are to be put right at the end. */
  touch(container: number): void {
    if (this.#touched.has(container)) return
    this.#touch.run(container)
    if (this.#touched.size >= remembered) this.#touched.clear()
    this.#touched.add(container)
  }

  /** It could not be listed or finished: a strike against the container itself. */
  fail(container: number, { reason, why, flag }: ContainerTrouble): void {
    const { current, trials } = this.#parts
    this.#becomes(container, trials.strike(container, current(), flag), { reason, why })
  }

  /** It arrived, and is private where it was not: a person is asked, once. */
  flag(container: number, why: string): void {
    const { state, reason } = this.#item.get(container) as unknown as ItemRow
    if (state !== State.remediation || reason !== permissionsLost)
      this.#becomes(container, State.remediation, { reason: permissionsLost, why })
  }

  /** Its attributes are set: with less than the source has, it arrived altered; what was altered by its name stays so. */
  altered(container: number, altered: readonly Processing[]): void {
    const { plans } = this.#parts
    const item = this.#item.get(container) as unknown as ItemRow
    if (item.parent === 0 || !isSettled(item)) return
    const before = plans.processing(container)
    const now = [...before.filter((processing) => !ofAttributes.has(processing)), ...altered]
    if (now.join() === before.join()) return
    plans.altered(container, now)
    const state = now.length === 0 ? State.success : State.processed
    if (state !== item.state) this.#becomes(container, state, {})
  }

  #becomes(container: number, state: number, { reason: given, why }: Partial<ContainerTrouble>): void {
    const { counters, current, plans } = this.#parts
    const execution = current()
    const before = this.#item.get(container) as unknown as ItemRow
    const counted = { container: 1, size: 0 }
    const as = this.#countedAs.get(container, execution.n) as { counted_as: string | null } | undefined
    const countedAs = as?.counted_as ?? before.reason
    // The root is nobody's child: it is counted only for having failed.
    if (before.execution === execution.n || before.parent !== 0) {
      counters.remove({ state: before.state, reason: countedAs, ...counted })
      this.#countedByItself.run(container)
    }
    const reason = given ?? countedAs
    counters.add({ state, reason, ...counted })
    this.#setState.run(state, reason, execution.n, container)
    if (why !== undefined) plans.explain(container, why)
  }

  /** What the container is, for results that come after it failed in another way. */
  stateOf(container: number): number {
    return (this.#item.get(container) as unknown as ItemRow).state
  }

  forget(): void {
    this.#touched.clear()
  }
}
