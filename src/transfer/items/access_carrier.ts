import type { AtMost, Attributes, Session } from '../../connector/connector.ts'
import type { Facet, Facts, Item, Permissions } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { AuditRow } from '../../ledger/ledger.ts'
import { keepsClosed, noMoreOpen } from '../../policy/no_more_open.ts'
import {
  carriesPermissions,
  carryPermissions,
  permissionsFailure,
  type Carry,
  type Existing,
} from '../../policy/permissions.ts'
import { preserveOwners } from '../../policy/preserve_owners.ts'
import type { ExecutionSpec } from '../engine/execution_spec.ts'
import { Principals } from './principals.ts'

/** What besides bytes and times goes with an item; equal for all items with the same owner and permissions. */
export interface CarriedAccess {
  attributes: Pick<Attributes, 'owner' | 'group' | 'permissions' | 'atMost'>
  /** Something could not be said at the destination. */
  narrowed: boolean
  /** Nobody asked for permissions, and who had some through a group or an ACL has none here. */
  closes: boolean
  /** Its owner or group has no counterpart. */
  ownersLost?: boolean
  /** It arrives with nobody but its owner let in, and a person has to look at it. */
  flagged?: string
  /** `permissions.failures` stops the item; its sentence. */
  stopped: string | undefined
  /** Warnings to log with each item, in the reference's numbers. */
  warnings: Pick<AuditRow, 'level' | 'type' | 'message'>[]
}

/** What somebody's access is carried to. */
export interface CarriedTo {
  /** `root`: the destination's root, which keeps its owner unless the job says otherwise. */
  as: Item['kind'] | 'root'
  /** What is there already, from {@link AccessCarrier.thereNow}, and whether a new content takes its place. */
  onto?: { item: Item; replaced: boolean } | undefined
  /** It is created: nobody may get more than the source lets him, whatever is carried. */
  isNew?: boolean
}

const nothing: CarriedAccess = { attributes: {}, narrowed: false, closes: false, stopped: undefined, warnings: [] }
const kept = 4_096

/**
 * Turns owners and permissions of the source into the destination's, through the maps. Whole trees share a handful of
 * combinations, and a facts' `facets` fingerprint, of both sides where both count, names each: it is worked out once.
 */
export class AccessCarrier {
  readonly wanted: readonly Facet[]
  readonly #spec: ExecutionSpec
  readonly #source: Session
  readonly #destination: Session
  readonly #principals: Principals
  readonly #known = new Map<string, CarriedAccess>()
  /** Under way. */
  readonly #reading = new Map<string, Promise<CarriedAccess>>()
  readonly #keepsClosed: boolean

  constructor(spec: ExecutionSpec, source: Session, destination: Session) {
    this.#spec = spec
    this.#source = source
    this.#destination = destination
    this.#principals = new Principals(spec, destination)
    const from = source.capabilities
    const to = destination.capabilities
    const wanted: Facet[] = []
    if (spec.settings.preserveOwners && from.owners.owner !== 'none' && to.owners.owner === 'readwrite')
      wanted.push('owner')
    if (carriesPermissions(spec.settings.permissions, { source, destination })) wanted.push('permissions')
    this.wanted = wanted
    this.#keepsClosed = keepsClosed(spec.settings.permissions, { source, destination })
  }

  /** Who may do what with a destination item now, where that is to stay (`permissions.policy: add`); else nothing. */
  async thereNow(id: string): Promise<Item | undefined> {
    if (!this.wanted.includes('permissions') || this.#spec.settings.permissions.policy !== 'add') return undefined
    return (await this.#destination.stat(id, toRead(['permissions'], this.#destination))) ?? undefined
  }

  /** @throws ConnectorError `NotFound` when the source item is gone */
  accessOf(source: string, facts: Facts, to: CarriedTo): Maybe<CarriedAccess> {
    if (!this.#keepsClosed || to.isNew !== true || to.as === 'link') {
      if (this.wanted.length === 0) return nothing
      return this.#accessBy(keyOf(facts, to), source, facts, to)
    }
    // The listing was not asked for permissions, so that what it says of two of them may be the same.
    return then(this.#source.hasAcl?.(source) ?? false, (hasAcl) =>
      this.#accessBy(hasAcl ? undefined : keyOf(facts, to), source, facts, to),
    )
  }

  /**
   * How a new container is made that is to be no more open than its source; nothing where that is settled otherwise.
   *
   * @throws ConnectorError `NotFound` when the source item is gone
   */
  async ofNewContainer(source: string): Promise<AtMost | undefined> {
    if (!this.#keepsClosed) return undefined
    const item = await this.#source.stat(source, toRead(['permissions'], this.#source))
    if (!item) throw new ConnectorError('NotFound', 'is gone')
    return (await this.#carry(item, { as: 'container', isNew: true })).attributes.atMost
  }

  #accessBy(key: string | undefined, source: string, facts: Facts, to: CarriedTo): Maybe<CarriedAccess> {
    if (key === undefined) return this.#readAccess(source, facts, { to, key })
    return this.#known.get(key) ?? this.#readOnce(key, source, facts, to)
  }

  /** Of many items under way at once whose access is the same, one is looked at, and the others wait for it. */
  async #readOnce(key: string, source: string, facts: Facts, to: CarriedTo): Promise<CarriedAccess> {
    const other = this.#reading.get(key)
    if (other) {
      await other.catch(() => undefined)
      const known = this.#known.get(key)
      if (known) return known
    }
    const reading = this.#readAccess(source, facts, { to, key })
    if (this.#reading.has(key)) return reading
    this.#reading.set(key, reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(key)
    }
  }

  async #readAccess(
    source: string,
    facts: Facts,
    { to, key }: { to: CarriedTo; key: string | undefined },
  ): Promise<CarriedAccess> {
    const item = await this.#source.stat(source, toRead(this.#facetsFor(to), this.#source))
    if (!item) throw new ConnectorError('NotFound', 'is gone')
    const access = await this.#carry(item, to)
    // Only what was read under the fingerprint it is kept under may be reused.
    if (key !== undefined && item.facets === facts.facets) {
      if (this.#known.size >= kept) this.#known.clear()
      this.#known.set(key, access)
    }
    return access
  }

  #facetsFor({ isNew, as }: CarriedTo): readonly Facet[] {
    return this.#keepsClosed && isNew === true && as !== 'link' ? [...this.wanted, 'permissions'] : this.wanted
  }

  async #carry(item: Item, to: CarriedTo): Promise<CarriedAccess> {
    const isRoot = to.as === 'root'
    const access: CarriedAccess = { attributes: {}, narrowed: false, closes: false, stopped: undefined, warnings: [] }
    if (this.wanted.includes('owner') && (!isRoot || this.#spec.settings.preserveDestinationRootOwner))
      await this.#carryOwners(item, access)
    if (this.wanted.includes('permissions')) await this.#carryPermissions(item, to, access)
    else if (this.#facetsFor(to).includes('permissions')) await this.#keepClosed(item, access)
    return access
  }

  async #keepClosed(item: Item, access: CarriedAccess): Promise<void> {
    if (!item.permissions) return
    const carry = await this.#carryOf(item, item.permissions, access)
    const { most, closes } = noMoreOpen(carry, this.#destination.group)
    access.attributes.atMost = most
    access.closes = closes
  }

  async #carryOf(item: Item, permissions: Permissions, { attributes }: CarriedAccess): Promise<Carry> {
    return {
      source: this.#certainOf(permissions),
      owner: item.owner,
      group: item.group,
      newOwner: attributes.owner,
      newGroup: attributes.group,
      ...(this.#destination.account ? { account: this.#destination.account } : {}),
      resolve: await this.#principals.resolveAll(item),
      destination: this.#destination.capabilities.permissions,
    }
  }

  /**
   * What is certain of permissions. The group bits of a mode are the mask of an ACL, if there is one: read unseen they may say
   * more than the group has, written unseen they may let through what the destination's folder hands down.
   */
  #certainOf(permissions: Permissions): Permissions {
    const unseen = [this.#source, this.#destination].some((s) => s.capabilities.permissions.groupMayBeMask)
    return unseen ? atMostEveryone(permissions) : permissions
  }

  #knownOf(permissions: Permissions, access: CarriedAccess): Permissions {
    const known = this.#certainOf(permissions)
    if (known.entries.every(({ rights }, i) => rights === permissions.entries[i]?.rights)) return permissions
    access.narrowed = true
    const message = 'its group gets no more than everyone: ACLs, whose mask would look the same, cannot be read here'
    access.warnings.push({ level: 'warn', type: '4005', message })
    return known
  }

  async #carryOwners(item: Item, access: CarriedAccess): Promise<void> {
    const resolve = await this.#principals.resolveAll(item)
    const { warnings, ...owners } = preserveOwners(item, resolve, this.#destination.capabilities.owners)
    Object.assign(access.attributes, owners)
    for (const { principal, message } of warnings) {
      if (!this.#principals.warns(principal.type)) continue
      access.ownersLost = true
      access.warnings.push({ level: 'warn', type: '4002', message })
    }
  }

  #existing({ as, onto }: CarriedTo, access: CarriedAccess): Existing | undefined {
    if (!onto?.item.permissions || (as !== 'item' && isClosed(onto.item))) return undefined
    const { owner, group } = onto.item
    const { owners } = this.#destination.capabilities
    const handsOn = owners.owner === 'readwrite' && !access.attributes.owner && !access.attributes.group
    return {
      permissions: this.#knownOf(onto.item.permissions, access),
      owner,
      group,
      ownersStay: !onto.replaced || handsOn,
    }
  }

  async #carryPermissions(item: Item, to: CarriedTo, access: CarriedAccess): Promise<void> {
    if (!item.permissions) return
    const carried = carryPermissions({
      ...(await this.#carryOf(item, this.#knownOf(item.permissions, access), access)),
      policy: this.#spec.settings.permissions.policy,
      existing: this.#existing(to, access),
      isRoot: to.as === 'root',
    })
    access.attributes.permissions = carried.permissions
    access.narrowed ||= carried.narrowed
    if (carried.isPrivate)
      access.flagged = 'a denial or a cut-off from its folder could not be carried; only its owner may reach it'
    for (const { result, why } of carried.outcome) {
      if (result === 'applied') continue
      const type = result === 'principal_unknown' ? '4002' : '4005'
      access.warnings.push({ level: 'warn', type, message: why })
    }
    access.stopped = permissionsFailure(this.#spec.settings.permissions.failures, carried)?.why
  }
}

/** Permissions name the owner by role, so reading them needs the owner too. */
export function toRead(wanted: readonly Facet[], { capabilities }: Session): Facet[] {
  const facets = new Set(wanted)
  if (facets.has('permissions') && capabilities.owners.owner !== 'none') facets.add('owner')
  return [...facets]
}

/** Undefined when a side states no fingerprint. */
function keyOf({ facets }: Facts, { as, onto, isNew }: CarriedTo): string | undefined {
  if (facets === undefined || (onto && onto.item.facets === undefined)) return undefined
  if (onto) return `${as}:${facets}>${onto.replaced}:${onto.item.facets}`
  return isNew === true ? `new ${as}:${facets}` : `${as}:${facets}`
}

/** Nobody but its owner has any rights: a container as the job makes it, with nothing in it to keep. */
export function isClosed({ permissions }: Item): boolean {
  return permissions?.entries.every(({ who, rights }) => who === 'owner' || rights === 0) ?? false
}

/** An owning group that has no more than everyone has. */
function atMostEveryone(permissions: Permissions): Permissions {
  const everyone = permissions.entries.find(({ who }) => who === 'everyone')?.rights ?? 0
  const entries = permissions.entries.map((entry) =>
    entry.who === 'owning_group' ? { ...entry, rights: entry.rights & everyone } : entry,
  )
  return { ...permissions, entries }
}
