import type { Attributes, Session } from '../connector/connector.ts'
import type { Facet, Facts, Item, Permissions, Principal } from '../connector/item.ts'
import type { Maybe } from '../connector/maybe.ts'
import { ConnectorError } from '../connector/errors.ts'
import type { AuditRow } from '../ledger/ledger.ts'
import { carryPermissions, permissionsFailure } from '../policy/permissions.ts'
import type { JobSpec } from './job_spec.ts'
import { Principals } from './principals.ts'

/** What besides bytes and times goes with an item; equal for all items with the same owner and permissions. */
export interface CarriedAccess {
  attributes: Pick<Attributes, 'owner' | 'group' | 'permissions'>
  /** Something could not be said at the destination. */
  narrowed: boolean
  /** It arrives with nobody but its owner let in, and a person has to look at it. */
  flagged?: string
  /** `permissions.failures` stops the item; its sentence. */
  stopped: string | undefined
  /** Warnings to log with each item, in the reference's numbers. */
  warnings: Pick<AuditRow, 'level' | 'type' | 'message'>[]
}

const nothing: CarriedAccess = { attributes: {}, narrowed: false, stopped: undefined, warnings: [] }
const kept = 4_096

/**
 * Turns owners and permissions of the source into the destination's, through the maps. Whole trees share a handful of
 * combinations, and a facts' `facets` fingerprint names each: it is worked out once.
 */
export class AttributeCarrier {
  readonly wanted: readonly Facet[]
  readonly #spec: JobSpec
  readonly #source: Session
  readonly #destination: Session
  readonly #principals: Principals
  readonly #known = new Map<string, CarriedAccess>()

  constructor(spec: JobSpec, source: Session, destination: Session) {
    this.#spec = spec
    this.#source = source
    this.#destination = destination
    this.#principals = new Principals(spec, source, destination)
    const from = source.capabilities
    const to = destination.capabilities
    const wanted: Facet[] = []
    if (spec.settings.preserveOwners && from.owners.owner !== 'none' && to.owners.owner === 'readwrite')
      wanted.push('owner')
    if (
      spec.settings.permissions.policy !== 'none' &&
      from.permissions.mode !== 'none' &&
      to.permissions.mode === 'readwrite'
    ) {
      wanted.push('permissions')
    }
    this.wanted = wanted
  }

  /**
   * @param as `root`: the destination's root, which keeps its owner unless the job says otherwise
   * @throws ConnectorError `NotFound` when the source item is gone
   */
  accessOf(source: string, facts: Facts, as: Item['kind'] | 'root'): Maybe<CarriedAccess> {
    if (this.wanted.length === 0) return nothing
    const key = facts.facets === undefined ? undefined : `${as}:${facts.facets}`
    const known = key === undefined ? undefined : this.#known.get(key)
    return known ?? this.#readAccess(source, facts, { as, key })
  }

  async #readAccess(
    source: string,
    facts: Facts,
    { as, key }: { as: Item['kind'] | 'root'; key: string | undefined },
  ): Promise<CarriedAccess> {
    const item = await this.#source.stat(source, this.#readable())
    if (!item) throw new ConnectorError('NotFound', 'is gone')
    const access = await this.#carry(item, as === 'root')
    // Only what was read under the fingerprint it is kept under may be reused.
    if (key !== undefined && item.facets === facts.facets) {
      if (this.#known.size >= kept) this.#known.clear()
      this.#known.set(key, access)
    }
    return access
  }

  /** Permissions name the owner by role, so reading them needs the owner too. */
  #readable(): Facet[] {
    const facets = new Set(this.wanted)
    if (facets.has('permissions') && this.#source.capabilities.owners.owner !== 'none') facets.add('owner')
    return [...facets]
  }

  async #carry(item: Item, isRoot: boolean): Promise<CarriedAccess> {
    const access: CarriedAccess = { attributes: {}, narrowed: false, stopped: undefined, warnings: [] }
    if (this.wanted.includes('owner') && (!isRoot || this.#spec.settings.preserveDestinationRootOwner)) {
      await this.#carryOwner(item.owner, 'owner', access)
      await this.#carryOwner(item.group, 'group', access)
    }
    if (this.wanted.includes('permissions') && item.permissions) await this.#carryPermissions(item, isRoot, access)
    return access
  }

  /**
   * What is certain of permissions. The group bits of a mode are the mask of an ACL, if there is one: read unseen they may say
   * more than the group has, written unseen they may let through what the destination's folder hands down.
   */
  #knownOf(permissions: Permissions, access: CarriedAccess): Permissions {
    const unseen = [this.#source, this.#destination].some((s) => s.capabilities.permissions.groupMayBeMask)
    if (!unseen) return permissions
    const known = atMostEveryone(permissions)
    if (known.entries.every(({ rights }, i) => rights === permissions.entries[i]?.rights)) return permissions
    access.narrowed = true
    const message = 'its group gets no more than everyone: ACLs, whose mask would look the same, cannot be read here'
    access.warnings.push({ level: 'warn', type: '4005', message })
    return known
  }

  async #carryOwner(principal: Principal | undefined, as: 'owner' | 'group', access: CarriedAccess): Promise<void> {
    if (!principal) return
    const resolution = await this.#principals.resolve(principal)
    if (resolution.destination && resolution.mayOwn) {
      access.attributes[as] = resolution.destination
      return
    }
    if (resolution.how === 'excluded' || !this.#principals.warns(principal.type)) return
    access.warnings.push({
      level: 'warn',
      type: '4002',
      message: `${as} ${nameOf(principal)} has no counterpart at the destination (${resolution.why}); the running account owns it`,
    })
  }

  async #carryPermissions(item: Item, isRoot: boolean, access: CarriedAccess): Promise<void> {
    if (!item.permissions) return
    const permissions = this.#knownOf(item.permissions, access)
    const resolve = await this.#principals.resolveAll(item)
    const carried = carryPermissions({
      source: permissions,
      owner: item.owner,
      group: item.group,
      newOwner: access.attributes.owner,
      newGroup: access.attributes.group,
      ...(this.#destination.account ? { account: this.#destination.account } : {}),
      resolve,
      policy: this.#spec.settings.permissions.policy,
      destination: this.#destination.capabilities.permissions,
      isRoot,
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

/** An owning group that has no more than everyone has. */
function atMostEveryone(permissions: Permissions): Permissions {
  const everyone = permissions.entries.find(({ who }) => who === 'everyone')?.rights ?? 0
  const entries = permissions.entries.map((entry) =>
    entry.who === 'owning_group' ? { ...entry, rights: entry.rights & everyone } : entry,
  )
  return { ...permissions, entries }
}

function nameOf(principal: Principal): string {
  return principal.email ?? principal.username ?? principal.name ?? principal.id ?? 'nobody'
}
