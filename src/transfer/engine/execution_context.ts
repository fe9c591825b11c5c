import type { Host, Session } from '../../connector/connector.ts'
import type { Facts, Item } from '../../connector/item.ts'
import { compileFilters, type Filter } from '../../filter/compile.ts'
import type { ContainerAddress, Ledger, TrackedRow, WorkItem } from '../../ledger/ledger.ts'
import type { ItemLimits } from '../../policy/max_items_per_container.ts'
import { settledFacts } from '../../policy/changed.ts'
import type { Decision } from '../../policy/decision.ts'
import { haltsOnFailure, itemBackoffMs } from '../../policy/failure_policy.ts'
import { nameContainer, type NamePlan, type Named } from '../../policy/name_container.ts'
import { compilePlanner, type Planner } from '../../policy/plan.ts'
import { nameKey, type NameKey } from '../../policy/same_name.ts'
import { removesAtDestination, unmatched, type Lonely } from '../../policy/unmatched.ts'
import { namerOf, roomIn } from '../../policy/segment.ts'
import { readable, type Roots } from '../items/addresses.ts'
import { Audit } from '../items/audit.ts'
import { DestinationContainers } from '../items/destination_containers.ts'
import { ItemAttributes } from '../items/item_attributes.ts'
import type { ExecutionSpec } from './execution_spec.ts'
import { PendingWrites } from '../io/pending_writes.ts'
import { ConnectionLimiter } from '../io/limiter.ts'
import { Mutex } from '../io/mutex.ts'
import { keepMet } from './met.ts'
import { hashContent, isSmall, nowNs } from '../items/read_content.ts'
import { Pace } from '../io/pace.ts'
import { requireSameRoot } from './root_identity.ts'
import { OpenSides, type SideName } from './sides.ts'
import { Stop, type StopToken, type StopFlag } from '../io/stop.ts'
import { isNotThere, trackedOf } from '../items/tracked_of.ts'
import { SideTrouble, troubleOf, type Side } from './trouble.ts'
import { exchangedSettings } from '../../policy/exchange.ts'
import { exchangedRow } from '../items/exchanged_row.ts'
import { protectingFilters } from './protecting_filters.ts'

/** Fewer are never worth a database of their own. */
const leastEntries = 2_000
/** Between two sightings of this path in hand, in milliseconds. */
const atEveryMs = 250

/** One execution as one I/O thread sees it: sessions, compiled decisions, caches. */
export class ExecutionContext {
  readonly spec: ExecutionSpec
  readonly ledger: Ledger
  readonly job: StopFlag
  readonly source: Session
  readonly destination: Session
  readonly roots: Roots
  readonly audit: Audit
  readonly attributes: ItemAttributes
  readonly containers: DestinationContainers
  /** Where calls block: has the thread for one batch after another, whatever slots they belong to. */
  readonly mutex: Mutex
  readonly pace: Pace
  /** Settled before the next claim. */
  readonly pendingWrites: PendingWrites
  /** Under `sync`: the same with both sides exchanged, for what goes from the destination to the source. */
  readonly back: ExecutionContext | undefined
  /** Of what it is that with both sides exchanged. */
  readonly #forth: ExecutionContext | undefined
  /** The destination's own equality of names. */
  readonly nameKey: NameKey
  /** Told the path in hand now and then. */
  onAt: (inHand: string) => void = () => undefined
  /** The first item error under `failure_policy: halt`, in this thread. */
  firstFailure: string | undefined

  readonly itemLimits: ItemLimits
  /** Things at the destination may be removed. */
  readonly removes: boolean
  readonly #planner: Planner
  /** What they leave out they also protect. */
  readonly #protecting: Filter[]
  /** Sessions and ledger. */
  #open!: AsyncDisposable
  #atMs = 0

  /** @throws SideTrouble */
  static async open(spec: ExecutionSpec, ledger: Ledger, job: StopFlag): Promise<ExecutionContext> {
    // It is tried again for as long as an outage lasts, and must not leave a descriptor behind each time.
    await using open = new AsyncDisposableStack()
    open.defer(() => ledger.close())
    const sides = open.use(new OpenSides())
    const hosts = hostsOf(spec, job)
    const source = await troubleOf('source', () => sides.open(spec.source, hosts.source))
    const destination = await troubleOf('destination', () => sides.open(spec.destination, hosts.destination))
    const sourceRoot = await sameRoot('source', source, { spec, ledger })
    if (!sourceRoot) throw gone('source', spec)
    const destinationRoot = await sameRoot('destination', destination, { spec, ledger })
    if (!destinationRoot && !spec.simulated) throw gone('destination', spec)
    const roots = { sourceId: sourceRoot.id, destinationId: destinationRoot?.id }
    const context = new ExecutionContext(spec, ledger, { job, source, destination, roots })
    context.#open = open.move()
    return context
  }

  private constructor(
    spec: ExecutionSpec,
    ledger: Ledger,
    { job, source, destination, roots }: Opened,
    forth?: ExecutionContext,
  ) {
    this.#forth = forth
    this.mutex = forth?.mutex ?? new Mutex()
    this.pendingWrites = forth?.pendingWrites ?? new PendingWrites()
    this.spec = spec
    this.ledger = ledger
    this.job = job
    this.source = source
    this.destination = destination
    this.roots = roots
    this.pace = new Pace(spec.settings.bandwidth, spec.pace)
    this.audit = new Audit(spec.settings.auditLevel)
    this.nameKey = nameKey(destination.capabilities.names)
    this.itemLimits = {
      given: spec.settings.maxItemsPerContainer,
      destination: destination.capabilities.tree.maxItems,
    }
    this.#protecting = protectingFilters(spec, destination)
    this.#planner = compilePlanner({
      settings: spec.settings,
      source: source.capabilities,
      destination: destination.capabilities,
      clock: { toleranceNs: spec.toleranceNs },
      filter: compileFilters(spec.settings.filter, 'source', {
        nowNs: spec.nowNs,
        caseSensitive: source.capabilities.names.caseSensitive,
        onMatch: (rule) => this.pendingWrites.add(keepMet(ledger, spec.execution, `filter ${rule}`)),
      }),
      ...(spec.settings.transferType === 'sync' ? { destinationFilter: this.#protecting[1]! } : {}),
    })
    this.removes = removesAtDestination(spec.settings)
    this.attributes = new ItemAttributes(spec, ledger, { source, destination })
    this.containers = new DestinationContainers(this)
    ledger.onCrashed = (why) => void this.failed(why)
    if (spec.settings.transferType !== 'sync' || forth || roots.destinationId === undefined) return
    const exchanged = { sourceId: roots.destinationId, destinationId: roots.sourceId }
    const sides = { job, source: destination, destination: source, roots: exchanged }
    this.back = new ExecutionContext(exchangedSpec(spec), ledger, sides, this)
  }

  /** Its source is the job's destination. */
  get toSource(): boolean {
    return this.#forth !== undefined
  }

  /** Which of the job's sides is meant. */
  sideName(side: Side): Side {
    if (!this.toSource || side === 'home') return side
    return side === 'source' ? 'destination' : 'source'
  }

  /**
   * An item has failed. Where the job halts for that, every thread of it stops before its next write; the failure is kept
   * before the item's own record is, in case nobody lives to tell.
   *
   * @returns whether it halts
   */
  failed(why: string): boolean {
    if (this.#forth) return this.#forth.failed(why)
    if (!haltsOnFailure(this.spec.settings.failurePolicy)) return false
    if (this.firstFailure === undefined) this.pendingWrites.add(this.ledger.keepFailure(why))
    this.firstFailure ??= why
    this.job.raise(Stop.halt)
    return true
  }

  /** What names a child among its siblings for good: its name, or its id where names repeat. */
  keyOf(item: Item): string {
    return this.source.childId ? item.name : item.id
  }

  keyOfRow(row: TrackedRow): string {
    return this.source.childId ? row.name : (row.sourceId ?? row.name)
  }

  /** Destination names of one container's children, fixed for good. */
  nameContainer(
    items: readonly Item[],
    remembered: ReadonlyMap<string, string>,
    parents: readonly string[],
    holder?: (name: string) => string | undefined,
  ): NamePlan {
    const siblings = this.source.childId ? items.map(asSibling) : items.map(asSiblingById)
    const before = holder ? { parents, holder } : { parents }
    return nameContainer(siblings, remembered, this.destination.capabilities.names, this.spec.settings, before)
  }

  /** Whether a name can stay as it is, were there no siblings. */
  isPlainName(name: string, parents: readonly string[]): boolean {
    const { names } = this.destination.capabilities
    return namerOf(names, this.spec.settings).plain(name, roomIn(names, parents))
  }

  decide(child: Child): Decision {
    const { item, path, named, counterpart, row, taken, takenAtSource, isLookedAt } = child
    if (row?.state === 'skipped' && row.reason === ignored.reason) return ignored
    return this.#planner.plan({
      source: item,
      path,
      named,
      counterpart,
      tracked: row ? trackedOf(row, item, counterpart) : null,
      isLookedAt,
      taken,
      ...(takenAtSource ? { takenAtSource } : {}),
    })
  }

  /** Under `sync`, about what only the destination has; the child is told with both sides exchanged. */
  decideBack({ item, path, named, row, taken, isLookedAt }: Child): Decision {
    if (row?.state === 'skipped' && row.reason === ignored.reason) return { ...ignored, toSource: true }
    const isOfThis = row?.kind === item.kind && !isNotThere(row)
    const tracked = isOfThis ? trackedOf(exchangedRow(row), item, null) : null
    return this.#planner.planBack({ source: item, path, named, counterpart: null, tracked, isLookedAt, taken })
  }

  /** Whether a filter of either side leaves out what the destination has. */
  isProtected(counterpart: Item, path: string): boolean {
    return this.#protecting.some((filter) => filter.judge(counterpart, path) !== undefined)
  }

  /** Why something at the destination, which nothing at the source stands for, is to be removed; nothing when it stays. */
  unmatched(counterpart: Item, path: string, tracked: Lonely['tracked']): ReturnType<typeof unmatched> {
    const isFiltered = this.isProtected(counterpart, path)
    return unmatched(this.spec.settings, { counterpart, isFiltered, ...(tracked ? { tracked } : {}) })
  }

  /** Hash of a source's content, and the facts it holds for. */
  async hashOf(source: string, expected: Facts, stop: StopToken): Promise<{ hash: string; read: Facts }> {
    const hash = await hashContent(this.source, source, expected, { stop, pace: this.pace })
    return { hash, read: this.settledFacts(expected, nowNs()) }
  }

  /**
   * The baseline to remember of something at the source.
   *
   * @param seenNs when it was read, nanoseconds since 1970; when that is not known, it was not before the execution began
   */
  settledFacts(facts: Facts, seenNs = this.spec.nowNs): Facts {
    return settledFacts(facts, seenNs, this.source.capabilities.times.precisionNs)
  }

  /** Where the job is to survive a power cut: of what was not staged, which sees to that itself. */
  async flush(id: string, container: string): Promise<void> {
    if (this.spec.settings.durability === 'power') await this.destination.flush?.(id, container)
  }

  /** Entries of one container that are held in memory at most: listings side by side share the room there is. */
  get entriesInMemory(): number {
    const { io, inFlight, limits } = this.spec
    if (io === 'blocking') return limits.entriesInMemory
    return Math.min(limits.entriesInMemory, Math.max(leastEntries, Math.floor(limits.entriesInMemory / inFlight)))
  }

  /** Read, hashed and written in one piece. */
  isSmall(sizeBytes: bigint): boolean {
    return isSmall(sizeBytes) && sizeBytes <= BigInt(this.pace.pieceBytes)
  }

  backoffMs(tries: number): number {
    return itemBackoffMs(tries) * this.spec.limits.patience
  }

  at(names: readonly string[], name?: string): void {
    if (this.#forth) return this.#forth.at(names, name)
    const now = Date.now()
    if (now - this.#atMs < atEveryMs) return
    this.#atMs = now
    this.onAt(readable(names, name))
  }

  atWork(container: ContainerAddress, work: WorkItem): void {
    this.at(container.sourceNames, work.name)
  }

  /** Also what was open of the ledger. */
  async close(): Promise<void> {
    await this.#open[Symbol.asyncDispose]()
  }
}

const ignored: Decision = { action: 'skip', reason: 'ignored' }

interface Opened {
  job: StopFlag
  source: Session
  destination: Session
  roots: Roots
}

/** One child of a container with what stands and stood opposite. */
export interface Child {
  item: Item
  /** As people read it. */
  path: string
  named: Named
  counterpart: Item | null
  row: TrackedRow | undefined
  /** An earlier execution looked at all that is in its container. */
  isLookedAt: boolean
  taken: (name: string) => boolean
  /** Under `sync`. */
  takenAtSource?: (name: string) => boolean
}

/** Filters are asked before sides are exchanged. */
function exchangedSpec(spec: ExecutionSpec): ExecutionSpec {
  return { ...spec, source: spec.destination, destination: spec.source, settings: exchangedSettings(spec.settings) }
}

function asSibling({ name, kind }: Item): { key: string; name: string; kind: Item['kind'] } {
  return { key: name, name, kind }
}

function asSiblingById({ id, name, kind }: Item): { key: string; name: string; kind: Item['kind'] } {
  return { key: id, name, kind }
}

/** One connection has one limiter, also when it is on both sides. */
function hostsOf(spec: ExecutionSpec, job: StopFlag): Record<SideName, Host> {
  const { patienceMs } = spec.limits
  const stopped = (): boolean => job.stop !== Stop.run
  const source = { limiter: new ConnectionLimiter({ patienceMs, stopped }) }
  if (spec.source.connectionId === spec.destination.connectionId) return { source, destination: source }
  return { source, destination: { limiter: new ConnectionLimiter({ patienceMs, stopped }) } }
}

/** Where a disk went away while the execution was under way, its empty mount point is no place to go on. */
async function sameRoot(
  side: SideName,
  session: Session,
  { spec, ledger }: { spec: ExecutionSpec; ledger: Ledger },
): Promise<Item | null> {
  const { path } = spec[side]
  const root = await troubleOf(side, () => session.root(path))
  if (root) await troubleOf(side, () => requireSameRoot(ledger, { side, path }, root))
  return root
}

function gone(side: SideName, spec: ExecutionSpec): SideTrouble {
  return new SideTrouble(side, { code: 'RootGone', message: `${JSON.stringify(spec[side].path)} is gone` })
}
