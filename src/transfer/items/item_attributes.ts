import type { Capabilities } from '../../connector/capabilities.ts'
import type { Access, Attributes, Session } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facet, Facts, Item } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import type { ContainerAddress, Ledger, WorkItem } from '../../ledger/ledger.ts'
import { carriedTimes, timeLeftOut } from '../../policy/timestamps.ts'
import { AccessCarrier, type CarriedAccess, type CarriedTo } from './access_carrier.ts'
import { Audit } from './audit.ts'
import { rootMade, type ExecutionSpec } from '../engine/execution_spec.ts'
import { accessOfNew } from './new_access.ts'
import { keepMet } from '../engine/met.ts'
import type { Notes } from '../engine/notes.ts'

/** What goes with the content of items and with containers: times, and who may do what; notes what could not be carried. */
export class ItemAttributes {
  /** How a container is made. */
  readonly accessOfNew: 'closed' | 'platform'
  readonly #spec: ExecutionSpec
  readonly #ledger: Ledger
  readonly #source: Session
  readonly #carrier: AccessCarrier
  readonly #carriedTimes: ReturnType<typeof carriedTimes>
  readonly #range: Capabilities['times']['range']
  readonly #audit: Audit
  #toldOfClosed = false

  constructor(spec: ExecutionSpec, ledger: Ledger, { source, destination }: { source: Session; destination: Session }) {
    this.#spec = spec
    this.#ledger = ledger
    this.#source = source
    this.accessOfNew = accessOfNew(spec, { source, destination })
    this.#carrier = new AccessCarrier(spec, source, destination)
    const { times } = destination.capabilities
    this.#range = times.range
    this.#carriedTimes = carriedTimes(spec.settings.timestamps, times)
    this.#audit = new Audit(spec.settings.auditLevel)
  }

  /** What listings must carry, of both sides: else our own writes look like somebody's. Owners are in the facts anyway. */
  get listed(): readonly Facet[] {
    return this.#carrier.wanted.filter((facet) => facet === 'permissions')
  }

  /** Who may do what with a destination item now, where that is to stay; else nothing. */
  thereNow(id: string): Promise<Item | undefined> {
    return this.#carrier.thereNow(id)
  }

  /**
   * Attributes to stage with an item's content, or to set on what is there.
   *
   * @param source its id
   */
  ofItem(
    source: string,
    work: WorkItem,
    { notes, ...to }: { notes: Notes } & Pick<CarriedTo, 'onto' | 'isNew'>,
  ): Maybe<Attributes> {
    const access = this.#carrier.accessOf(source, work.source, { as: work.kind, ...to })
    return then(access, (carried) => this.#noted(carried, work, notes))
  }

  #noted(access: CarriedAccess, work: WorkItem, notes: Notes): Attributes {
    this.#note(access, work.item, notes)
    return this.#withTimes(access.attributes, work.source, { item: work.item, kind: work.kind, notes })
  }

  /** Attributes of a finished container; nothing when none is asked for. */
  async ofContainer(
    { source, destination }: { source: string; destination: string },
    container: ContainerAddress & { made: boolean },
    notes: Notes,
  ): Promise<Attributes | undefined> {
    const isRoot = container.destinationNames.length === 0
    // A container that was there before keeps its own owner, permissions and times: its content is merged, not its identity.
    const ours = isRoot ? (await this.#ledger.recall(rootMade)) === 'yes' : container.made
    if (!ours) return undefined
    // As listings have it: without its ACL in the fingerprint it would be taken for another folder of the same mode.
    const item = await this.#source.stat(source, this.listed)
    if (!item) throw new ConnectorError('NotFound', 'is gone')
    const isNew = container.madeIn === this.#spec.execution
    const there = isNew ? undefined : await this.thereNow(destination)
    const onto = there && { item: there, replaced: false }
    const access = await this.#carrier.accessOf(source, item, { as: isRoot ? 'root' : 'container', onto, isNew })
    this.#note(access, container.item, notes)
    return this.#withTimes(access.attributes, item, { item: container.item, kind: 'container', notes })
  }

  /** How a new container is made; until it is finished, its owner has all rights in it. */
  async ofNewContainer(source: string): Promise<Access> {
    return (await this.#carrier.ofNewContainer(source)) ?? this.accessOfNew
  }

  #note(access: CarriedAccess, item: number, notes: Notes): void {
    noteAccess(access, item, notes)
    if (!access.closes || this.#toldOfClosed) return
    this.#toldOfClosed = true
    // What can't be kept now, the next thread, or the next start of this one, finds as well.
    void keepMet(this.#ledger, this.#spec.execution, 'closed').catch(() => undefined)
  }

  #withTimes(access: Attributes, { modifiedNs }: Facts, { item, kind, notes }: Carried): Attributes {
    const carried = kind === 'container' ? this.#carriedTimes.containers : this.#carriedTimes.items
    if (!carried || modifiedNs === undefined) return access
    const why = timeLeftOut(this.#range, modifiedNs)
    if (why === undefined) return { ...access, modifiedNs }
    notes.altered.push('times_left_out')
    this.#audit.add(notes.audit, 'time_left_out', () => ({ item, message: why }))
    return access
  }
}

/** Whose attributes are asked for. */
interface Carried {
  item: number
  kind: Item['kind']
  notes: Notes
}

/** @throws ConnectorError when `permissions.failures` stops the item */
function noteAccess(access: CarriedAccess, item: number, notes: Notes): void {
  if (access.stopped !== undefined) throw new ConnectorError('AccessDenied', access.stopped)
  if (access.narrowed) notes.altered.push('permissions_narrowed')
  if (access.ownersLost === true) notes.altered.push('owners_lost')
  if (access.flagged !== undefined) notes.flagged = access.flagged
  for (const warning of access.warnings) notes.audit.push({ item, ...warning })
}
