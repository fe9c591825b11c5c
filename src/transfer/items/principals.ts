import type { PrincipalQuery, Session } from '../../connector/connector.ts'
import type { Item, Principal } from '../../connector/item.ts'
import { candidates, choose, compileMap, type CompiledMap, type Resolution } from '../../map/resolve.ts'
import type { ExecutionSpec } from '../engine/execution_spec.ts'

const kept = 10_000

/** Who somebody of the source is at the destination: the maps decide, the destination's directory is asked. */
export class Principals {
  readonly #maps: Record<Principal['type'], CompiledMap>
  readonly #destination: Session
  readonly #known = new Map<string, Resolution>()

  constructor(spec: ExecutionSpec, destination: Session) {
    this.#maps = {
      account: compileMap(spec.accountMap, 'account'),
      group: compileMap(spec.groupMap, 'group'),
    }
    this.#destination = destination
  }

  /** `unmapped_policy: ignore` says nothing of those without a counterpart. */
  warns(type: Principal['type']): boolean {
    return this.#maps[type].unmappedPolicy !== 'ignore'
  }

  async resolve(principal: Principal): Promise<Resolution> {
    const key = `${principal.type}\0${principal.directory}\0${principal.id ?? ''}\0${principal.username ?? ''}\0${principal.email ?? ''}\0${principal.name ?? ''}`
    const known = this.#known.get(key)
    if (known) return known
    const map = this.#maps[principal.type]
    const found: Principal[][] = []
    for (const query of candidates(principal, map, this.#destination.directory?.name))
      found.push(await this.#find(query))
    const resolution = choose(principal, map, found, this.#destination.directory?.name)
    if (this.#known.size >= kept) this.#known.clear()
    this.#known.set(key, resolution)
    return resolution
  }

  /** Everybody an item's permissions name, resolved ahead, so that the policy stays pure. */
  async resolveAll(item: Item): Promise<(principal: Principal) => Resolution> {
    const resolved = new Map<Principal, Resolution>()
    const { entries = [], defaults = [] } = item.permissions ?? {}
    const named = [...entries, ...defaults].map((entry) => entry.who).filter((who) => typeof who === 'object')
    for (const who of [...named, item.owner, item.group])
      if (who && !resolved.has(who)) resolved.set(who, await this.resolve(who))
    return (principal) => resolved.get(principal) ?? unresolved
  }

  #find(query: PrincipalQuery): Principal[] | Promise<Principal[]> {
    return this.#destination.directory?.find(query) ?? []
  }
}

const unresolved: Resolution = { how: 'unresolved', mayOwn: false, mayBeGranted: false, why: 'not looked up' }
