import type { Item } from '../../connector/item.ts'
import type { Filter } from '../../filter/compile.ts'
import type { ItemState } from '../../ledger/item_state.ts'
import { rootItem } from '../../ledger/ledger.ts'
import type { LedgerReader } from '../../ledger/sqlite/reader.ts'
import type { ChildRow } from '../../ledger/sqlite/reader_types.ts'
import { isConflictCopy } from '../../policy/conflict_name.ts'
import { nameKey } from '../../policy/same_name.ts'
import { stagedItem } from '../engine/execution_spec.ts'
import type { LoadedExecution } from '../engine/load_execution.ts'
import { protectingFilters } from '../engine/protecting_filters.ts'
import type { SideName } from '../engine/sides.ts'
import { Counts } from './counts.ts'
import type { Difference, Finding, Verified } from './difference.ts'
import { listWhole } from './list_whole.ts'
import { Listed, type ListedNaming, type Stack } from './listed.ts'
import { keyIn, namingOf } from './naming.ts'
import { backAtTheSource, PairComparison } from './pair_comparison.ts'
import { hasArrived, owed, owedWith, standingOf } from './standing.ts'
import type { VerifyParts } from './verify.ts'
import type { WholeSides } from './whole_sides.ts'

/** One container, as far as it is known to each side and to the ledger. */
export interface Pair {
  /** With a slash at the end. */
  path: string
  destinationPath: string
  row?: number
  from?: string
  to?: string
  /** It left the source, and an execution noticed. */
  gone?: boolean
  /** Why children that have no row are no surprise: the container itself was not looked into. */
  unsettled?: { state: ItemState; reason: string }
}

/** A child of the pair in hand. */
interface Place {
  path: string
  destinationPath: string
}

/** The walk over both sides, a container at a time. */
export class Verification {
  readonly #loaded: LoadedExecution
  readonly #ledger: LedgerReader
  readonly #sides: WholeSides
  readonly #naming: Record<SideName, ListedNaming>
  readonly #comparison: PairComparison
  readonly #pairs: Stack<Pair>
  readonly #counts: Counts
  #filters: Filter[] | undefined

  constructor({ loaded, ledger, ...listeners }: VerifyParts, sides: WholeSides, pairs: Stack<Pair>) {
    this.#loaded = loaded
    this.#ledger = ledger
    this.#sides = sides
    this.#pairs = pairs
    this.#counts = new Counts(listeners)
    const { source, destination } = sides
    this.#comparison = new PairComparison({ loaded, ledger }, sides, this.#counts.soFar)
    this.#naming = {
      source: namingOf(source.session, (name) => name),
      destination: namingOf(destination.session, nameKey(destination.session.capabilities.names)),
    }
  }

  async *whole(): AsyncGenerator<Difference, Verified> {
    const { source, destination } = this.#sides
    const pair: Pair = { path: '/', destinationPath: '/', row: rootItem, from: source.root.id, to: destination.root.id }
    const row = this.#ledger.item(rootItem)
    // Nobody's child, it has a state of its own only when it failed.
    const failed = row !== undefined && (row.state === 'retry' || row.state === 'remediation')
    if (failed) yield this.#counts.differs(placeOf(pair), owed(row))
    yield* this.#all(placeOf(pair), await this.#comparison.ofRoots())
    this.#pairs.push(failed ? { ...pair, unsettled: row } : pair)
    for (let next = this.#pairs.pop(); next; next = this.#pairs.pop()) yield* this.#container(next)
    return this.#counts.soFar
  }

  /** Compares the children of a container, and remembers the containers among them for later. */
  async *#container(pair: Pair): AsyncGenerator<Difference> {
    const { entriesInMemory } = this.#loaded.spec.limits
    using source = new Listed(this.#naming.source, entriesInMemory)
    using destination = new Listed(this.#naming.destination, entriesInMemory)
    const troubles = [
      ...(await this.#list('source', pair.from, source)),
      ...(await this.#list('destination', pair.to, destination)),
    ]
    if (troubles.length > 0) return yield* this.#all(placeOf(pair), troubles)
    // What is gone comes last: by the destination's equality of names what is there may be its successor's.
    for (const gone of [false, true])
      for (const row of pair.row === undefined ? [] : this.#ledger.children(pair.row)) {
        if (row.gone !== gone) continue
        const from = source.take(...keyIn(this.#sides.source.session, row.name, row.sourceId))
        const to = destination.take(...keyIn(this.#sides.destination.session, row.destinationName, row.destinationId))
        yield* this.#tracked(pair, row, from, to)
        await this.#counts.looked()
      }
    for (const item of source.rest()) {
      if (this.#isKeptCopy(item)) this.#counts.left({ ...placeIn(pair, item), status: 'skipped', reason: 'kept_copy' })
      else yield this.#untracked(pair, item)
      await this.#counts.looked()
    }
    for (const item of destination.rest()) yield* this.#beside(pair, item)
  }

  /** Where both sides are written, a conflict copy is at one of them alone. */
  #isKeptCopy({ kind, name }: Item): boolean {
    return this.#loaded.spec.settings.transferType === 'sync' && kind === 'item' && isConflictCopy(name)
  }

  async #list(side: SideName, id: string | undefined, into: Listed): Promise<Finding[]> {
    if (id === undefined) return []
    return listWhole(this.#sides, { side, id, want: this.#comparison.wanted(side) }, into)
  }

  async *#tracked(pair: Pair, row: ChildRow, from: Item | undefined, to: Item | undefined): AsyncGenerator<Difference> {
    const counts = this.#counts
    const at = { path: pair.path + row.name, destinationPath: pair.destinationPath + row.destinationName }
    const inside = { ...insideOf(at), ...idsOf(from, to), ...(row.kind === 'container' ? { row: row.item } : {}) }
    const isContainer = row.kind === 'container'
    if (!from && (row.gone || pair.gone)) {
      if (to) counts.soFar.gone += 1
      if (isContainer) this.#pairs.push({ ...inside, gone: true })
      return
    }
    const standing = standingOf(row)
    if (standing === 'left') {
      counts.left({ ...at, status: row.state, reason: row.reason })
      // Of what was left out with all that is in it, nothing is known.
      if (isContainer && (row.state !== 'skipped' || row.reason === 'empty_container')) this.#pairs.push(inside)
      return
    }
    if (standing === 'owed' && !row.gone) yield counts.differs(at, owed(row))
    if (!hasArrived(row)) {
      if (row.gone) yield counts.differs(at, backAtTheSource)
      // Of what failed, children may have arrived earlier.
      if (isContainer) this.#pairs.push({ ...inside, unsettled: { state: row.state, reason: row.reason } })
      return
    }
    if (isContainer || from?.kind === 'container') this.#pairs.push(inside)
    yield* this.#all(at, await this.#comparison.of(row, { from, to, path: at.destinationPath }))
  }

  /** At the source without a row. */
  #untracked({ path: above, unsettled }: Pair, item: Item): Difference {
    const path = above + item.name
    if (item.kind === 'container')
      this.#pairs.push({
        path: `${path}/`,
        destinationPath: '',
        from: item.id,
        ...(unsettled === undefined ? {} : { unsettled }),
      })
    return this.#counts.differs({ path }, unsettled ? owedWith(unsettled) : unseen)
  }

  /** At the destination without a row. */
  *#beside({ path, destinationPath }: Pair, item: Item): Generator<Difference> {
    const staged = stagedItem(this.#loaded.spec.jobId, item.name)
    if (staged === undefined) {
      if (this.#isOwedToSource(item, path))
        yield this.#counts.differs(placeIn({ path, destinationPath }, item), unseenThere)
      else this.#counts.soFar.foreign += 1
      return
    }
    const row = this.#ledger.item(staged)
    const kept = row?.partialBytes !== undefined && row.partialBytes > 0n
    const whose = row ? `${JSON.stringify(row.name)}` : 'an item the ledger does not know'
    const message = kept
      ? `holds the first ${row.partialBytes} bytes of ${whose}, for the next execution to go on with`
      : `was left behind by the transfer of ${whose}`
    yield this.#counts.differs(
      { path: path + item.name, destinationPath: destinationPath + item.name },
      { kind: 'staging', message },
    )
  }

  #isOwedToSource(item: Item, path: string): boolean {
    if (this.#loaded.spec.settings.transferType !== 'sync' || this.#isKeptCopy(item)) return false
    this.#filters ??= protectingFilters(this.#loaded.spec, this.#sides.destination.session)
    return this.#filters.every((filter) => filter.judge(item, path + item.name) === undefined)
  }

  *#all(at: Pick<Difference, 'path' | 'destinationPath'>, findings: readonly Finding[]): Generator<Difference> {
    for (const finding of findings) yield this.#counts.differs(at, finding)
  }
}

const unseenThere: Finding = {
  kind: 'untracked',
  message: 'is at the destination, and no execution has seen it yet',
}

function placeIn({ path, destinationPath }: Place, { name }: Item): Place {
  return { path: path + name, destinationPath: destinationPath + name }
}

const unseen: Finding = { kind: 'untracked', message: 'is at the source, and no execution has seen it yet' }

function insideOf({ path, destinationPath }: Place): Place {
  return { path: `${path}/`, destinationPath: `${destinationPath}/` }
}

function placeOf({ path, destinationPath }: Pair): Pick<Difference, 'path' | 'destinationPath'> {
  const bare = (text: string): string => (text.length > 1 ? text.slice(0, -1) : text)
  return { path: bare(path), ...(destinationPath === '' ? {} : { destinationPath: bare(destinationPath) }) }
}

function idsOf(from: Item | undefined, to: Item | undefined): { from?: string; to?: string } {
  return {
    ...(from?.kind === 'container' ? { from: from.id } : {}),
    ...(to?.kind === 'container' ? { to: to.id } : {}),
  }
}
