import type { Access, Attributes, Session } from '../connector/connector.ts'
import { ConnectorError } from '../connector/errors.ts'
import { connectorFor } from '../connector/registry.ts'
import type { Facet, Facts, Item } from '../connector/item.ts'
import { then, type Maybe } from '../connector/maybe.ts'
import { compileFilters } from '../filter/compile.ts'
import { packFacts } from '../ledger/facts_text.ts'
import type { ContainerAddress, Ledger, TrackedRow, WorkItem } from '../ledger/ledger.ts'
import { itemBackoffMs } from '../policy/failure_policy.ts'
import { settledFacts } from '../policy/changed.ts'
import type { Decision, Tracked } from '../policy/decision.ts'
import { nameContainer, type NamePlan, type Named } from '../policy/name_container.ts'
import { compilePlanner, type Planner } from '../policy/plan.ts'
import { nameKey, type NameKey } from '../policy/same_name.ts'
import { namerOf, roomIn } from '../policy/segment.ts'
import { carriedTimes } from '../policy/timestamps.ts'
import { childIdOf, destinationContainerId, readable, type Roots } from './addresses.ts'
import { AttributeCarrier, type CarriedAccess, type CarriedTo } from './attributes.ts'
import { Audit } from './audit.ts'
import type { Notes } from './notes.ts'
import { ensureContainer, type Maker } from './containers.ts'
import { rootMade, type JobSpec } from './job_spec.ts'
import { hashContent, nowNs } from './read_content.ts'
import { Stop, type Obeys, type Signal } from './threads/signals.ts'
import { SideTrouble } from './trouble.ts'

/** Between two sightings of this path in hand, in milliseconds. */
const atEveryMs = 250
const readyContainersKept = 20_000

/** One execution as one I/O thread sees it: sessions, compiled decisions, caches. */
export class JobContext {
  readonly spec: JobSpec
  readonly ledger: Ledger
  readonly job: Signal
  readonly source: Session
  readonly destination: Session
  readonly roots: Roots
  readonly audit: Audit
  /** The destination's own equality of names. */
  readonly nameKey: NameKey
  readonly readyContainers = new Map<number, string>()
  /** Told the path in hand now and then. */
  onAt: (inHand: string) => void = () => undefined
  /** The first item error under `failure_policy: halt`, in this thread. */
  haltedBy: string | undefined

  readonly #planner: Planner
  readonly #carrier: AttributeCarrier
  readonly #carriedTimes: ReturnType<typeof carriedTimes>
  readonly #later = new Set<Promise<unknown>>()
  #laterFailed: unknown
  #atMs = 0

  static async open(spec: JobSpec, ledger: Ledger, job: Signal): Promise<JobContext> {
    const sessions: Session[] = []
    try {
      const source = await openSide('source', spec)
      sessions.push(source)
      const destination = await openSide('destination', spec)
      sessions.push(destination)
      const sourceRoot = await rootOf(source, 'source', spec)
      if (!sourceRoot) throw gone('source', spec)
      const destinationRoot = await rootOf(destination, 'destination', spec)
      if (!destinationRoot && !spec.simulated) throw gone('destination', spec)
      const roots = { sourceId: sourceRoot.id, destinationId: destinationRoot?.id }
      return new JobContext(spec, ledger, { job, source, destination, roots })
    } catch (error) {
      // It is tried again for as long as an outage lasts, and must not leave a descriptor behind each time.
      for (const session of sessions) await session.close()
      await ledger.close()
      throw error
    }
  }

  private constructor(
    spec: JobSpec,
    ledger: Ledger,
    { job, source, destination, roots }: { job: Signal; source: Session; destination: Session; roots: Roots },
  ) {
    this.spec = spec
    this.ledger = ledger
    this.job = job
    this.source = source
    this.destination = destination
    this.roots = roots
    this.audit = new Audit(spec.settings.auditLevel)
    this.nameKey = nameKey(destination.capabilities.names)
    this.#planner = compilePlanner({
      settings: spec.settings,
      source: source.capabilities,
      destination: destination.capabilities,
      clock: { toleranceNs: spec.toleranceNs },
      filter: compileFilters(spec.settings.filter, 'source', spec.nowNs),
    })
    this.#carrier = new AttributeCarrier(spec, source, destination)
    this.#carriedTimes = carriedTimes(spec.settings.timestamps, destination.capabilities.times)
    ledger.onCrashed = (why) => {
      if (this.halting) this.halted(why)
    }
  }

  /** Closed until its own permissions are set; where none are carried, as the platform has new containers. */
  get newContainers(): Access {
    return this.#carrier.wanted.includes('permissions') ? 'closed' : 'default'
  }

  get halting(): boolean {
    return this.spec.settings.failurePolicy === 'halt'
  }

  /** Stops every thread of this job before its next write. Kept before the failure itself is, in case nobody lives to tell. */
  halted(why: string): void {
    if (this.haltedBy === undefined) this.later(this.ledger.keepFailure(why))
    this.haltedBy ??= why
    this.job.raise(Stop.halt)
  }

  /** What listings must carry, of both sides: else our own writes look like somebody's. Owners are in the facts anyway. */
  get wanted(): readonly Facet[] {
    return this.#carrier.wanted.filter((facet) => facet === 'permissions')
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
    taken?: (name: string) => boolean,
  ): NamePlan {
    const siblings = this.source.childId ? items.map(asSibling) : items.map(asSiblingById)
    const before = taken ? { parents, taken } : { parents }
    return nameContainer(siblings, remembered, this.destination.capabilities.names, this.spec.settings, before)
  }

  /** Whether a name can stay as it is, were there no siblings. */
  isPlainName(name: string, parents: readonly string[]): boolean {
    const { names } = this.destination.capabilities
    return namerOf(names, this.spec.settings).plain(name, roomIn(names, parents))
  }

  decide(child: Child): Decision {
    const { item, path, named, counterpart, row, taken } = child
    return this.#planner.plan({
      source: item,
      path,
      named,
      counterpart,
      tracked: row ? trackedOf(row, item, counterpart) : null,
      taken,
    })
  }

  /** Attributes to stage with an item's content; notes what could not be carried. */
  attributesFor(source: string, work: WorkItem, notes: Notes): Maybe<Attributes> {
    return this.attributesOnto(source, work, { notes })
  }

  /** The same, onto something that is there. */
  attributesOnto(
    source: string,
    work: WorkItem,
    { notes, onto }: { notes: Notes; onto?: CarriedTo['onto'] },
  ): Maybe<Attributes> {
    const access = this.#carrier.accessOf(source, work.source, { as: work.kind, onto })
    return then(access, (carried) => this.#noted(carried, work, notes))
  }

  #noted(access: CarriedAccess, work: WorkItem, notes: Notes): Attributes {
    noteAccess(access, work.item, notes)
    return this.#withTimes(access.attributes, work.source, work.kind)
  }

  /** Who may do what with a destination item now, where that is to stay; else nothing. */
  thereNow(id: string): Promise<Item | undefined> {
    return this.#carrier.thereNow(id)
  }

  /** Attributes of a finished container, with notes as for an item; nothing when none is asked for. */
  async containerAttributes(
    { source, destination }: { source: string; destination: string },
    container: ContainerAddress & { made: boolean },
    notes: Notes,
  ): Promise<Attributes | undefined> {
    const isRoot = container.destinationNames.length === 0
    // A container that was there before keeps its own owner, permissions and times: its content is merged, not its identity.
    const ours = isRoot ? (await this.ledger.recall(rootMade)) === 'yes' : container.made
    if (!ours) return undefined
    // As listings have it: without its ACL in the fingerprint it would be taken for another folder of the same mode.
    const item = await this.source.stat(source, this.wanted)
    if (!item) throw new ConnectorError('NotFound', 'is gone')
    const isNew = container.madeIn === this.spec.execution
    const there = isNew ? undefined : await this.thereNow(destination)
    const onto = there && { item: there, replaced: false }
    const access = await this.#carrier.accessOf(source, item, { as: isRoot ? 'root' : 'container', onto })
    noteAccess(access, container.item, notes)
    return this.#withTimes(access.attributes, item, 'container')
  }

  #withTimes(access: Attributes, { modifiedNs }: Facts, kind: Item['kind']): Attributes {
    const carried = kind === 'container' ? this.#carriedTimes.containers : this.#carriedTimes.items
    return carried && modifiedNs !== undefined ? { ...access, modifiedNs } : access
  }

  /** Hash of a source's content, and the facts it holds for. */
  async hashOf(source: string, expected: Facts, obeys: Obeys): Promise<{ hash: string; read: Facts }> {
    const hash = await hashContent(this.source, source, expected, obeys)
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

  backoffMs(tries: number): number {
    return itemBackoffMs(tries) * this.spec.limits.patience
  }

  /** The destination id of an item's container, made with all above it when it isn't there yet. */
  async destinationOf(container: number, known: ReadonlyMap<number, ContainerAddress>, by: Maker): Promise<string> {
    const there = this.existingDestinationOf(container, known)
    if (there !== undefined) return there
    let id: string | undefined
    for (const address of await this.ledger.addresses(container)) {
      const here = destinationContainerId(this.destination, this.roots, address)
      const name = address.destinationNames.at(-1)
      if (here !== undefined) id = here
      else if (id !== undefined && name !== undefined)
        id = (await ensureContainer(this, { item: address.item, parent: id, name, ...by })).id
    }
    if (id === undefined)
      throw new SideTrouble('destination', { code: 'RootGone', message: 'the destination root is gone' })
    this.#remember(container, id)
    return id
  }

  existingDestinationOf(container: number, known: ReadonlyMap<number, ContainerAddress>): string | undefined {
    const ready = this.readyContainers.get(container)
    if (ready !== undefined) return ready
    const address = known.get(container)
    const id = address && destinationContainerId(this.destination, this.roots, address)
    if (id !== undefined) this.#remember(container, id)
    return id
  }

  /** Makes a container, and those above it, that the ledger knows and the destination has no more; false when all are there. */
  async remake(container: number, by: Maker): Promise<boolean> {
    const { destination } = this
    let parent = this.roots.destinationId
    let remade = false
    for (const { item, destinationNames, destinationId } of await this.ledger.addresses(container)) {
      const name = destinationNames.at(-1)
      if (parent === undefined || name === undefined) continue
      const id: string = childIdOf(destination, parent, name, destinationId)
      if (await destination.stat(id, [])) parent = id
      else {
        this.readyContainers.delete(item)
        parent = (await ensureContainer(this, { item, parent, name, ...by })).id
        remade = true
      }
    }
    return remade
  }

  #remember(container: number, id: string): void {
    if (this.readyContainers.size >= readyContainersKept) this.readyContainers.clear()
    this.readyContainers.set(container, id)
  }

  /** Keeps a promise that nobody waits for now; `settled` does before the next claim. */
  later(promise: Promise<unknown>): void {
    const kept = promise
      .catch((error: unknown) => {
        this.#laterFailed ??= error
      })
      .finally(() => this.#later.delete(kept))
    this.#later.add(kept)
  }

  /** Something that nobody waited for went wrong: `settled` tells. */
  get isUnsettled(): boolean {
    return this.#laterFailed !== undefined
  }

  async settled(): Promise<void> {
    if (this.#later.size > 0) await Promise.all(this.#later)
    const failed = this.#laterFailed
    this.#laterFailed = undefined
    if (failed !== undefined) throw failed
  }

  at(names: readonly string[], name?: string): void {
    const now = Date.now()
    if (now - this.#atMs < atEveryMs) return
    this.#atMs = now
    this.onAt(readable(names, name))
  }

  atWork(container: ContainerAddress, work: WorkItem): void {
    this.at(container.sourceNames, work.name)
  }

  async close(): Promise<void> {
    await this.source.close()
    await this.destination.close()
    await this.ledger.close()
  }
}

/** @throws ConnectorError when `permissions.failures` stops the item */
function noteAccess(access: CarriedAccess, item: number, notes: Notes): void {
  if (access.stopped !== undefined) throw new ConnectorError('AccessDenied', access.stopped)
  notes.narrowed ||= access.narrowed
  if (access.flagged !== undefined) notes.flagged = access.flagged
  for (const warning of access.warnings) notes.audit.push({ item, ...warning })
}

/** One child of a container with what stands and stood opposite. */
export interface Child {
  item: Item
  /** As people read it. */
  path: string
  named: Named
  counterpart: Item | null
  row: TrackedRow | undefined
  taken: (name: string) => boolean
}

function asSibling({ name, kind }: Item): { key: string; name: string; kind: Item['kind'] } {
  return { key: name, name, kind }
}

function asSiblingById({ id, name, kind }: Item): { key: string; name: string; kind: Item['kind'] } {
  return { key: id, name, kind }
}

/** Where an item is as it was recorded, it is its own baseline: unpacking what says the same would be most of a run without changes. */
function trackedOf(row: TrackedRow, source: Item, counterpart: Item | null): Tracked {
  const { sourceText, destinationText, hash } = row
  const tracked: Tracked = {
    source: sourceText !== undefined && sourceText === packFacts(source) ? source : row.source,
    settled: row.state === 'success' || row.state === 'processed',
    failed: row.state === 'retry' || row.state === 'remediation',
  }
  const isAsRecorded =
    counterpart !== null && destinationText !== undefined && destinationText === packFacts(counterpart)
  const destination = isAsRecorded ? counterpart : row.destination
  if (destination) tracked.destination = destination
  if (hash !== undefined) tracked.hash = hash
  return tracked
}

type Which = 'source' | 'destination'

function gone(side: Which, spec: JobSpec): SideTrouble {
  return new SideTrouble(side, { code: 'RootGone', message: `${JSON.stringify(spec[side].path)} is gone` })
}

async function rootOf(session: Session, side: Which, spec: JobSpec): Promise<Item | null> {
  try {
    return await session.root(spec[side].path)
  } catch (error) {
    throw error instanceof ConnectorError ? new SideTrouble(side, error) : error
  }
}

async function openSide(side: Which, spec: JobSpec): Promise<Session> {
  const { platform, auth } = spec[side]
  try {
    return await connectorFor(platform).open(auth)
  } catch (error) {
    throw error instanceof ConnectorError ? new SideTrouble(side, error) : error
  }
}
