import type { Capabilities } from '../connector/capabilities.ts'
import { Right, type PermissionEntry, type Permissions, type Principal } from '../connector/item.ts'
import type { Side } from '../job/endpoint.ts'
import type { Settings } from '../job/settings.ts'
import type { Resolution } from '../map/resolve.ts'
import { fail, type Verdict } from './verdict.ts'
import { keyOf, principalText, rightsText, whoText } from './who.ts'

/** Whether permissions go with items: the job wants them to, one side knows them, and the other can have them set. */
export function carriesPermissions(
  { policy }: Settings['permissions'],
  { source, destination }: Record<Side, { capabilities: Pick<Capabilities, 'permissions'> }>,
): boolean {
  const from = source.capabilities.permissions
  const to = destination.capabilities.permissions
  return policy !== 'none' && from.mode !== 'none' && to.mode === 'readwrite'
}

export interface Carry {
  source: Permissions
  /** Who `owner` and `owning_group` are at the source; absent when unknown. */
  owner?: Principal | undefined
  group?: Principal | undefined
  /** Who is going to own the item at the destination; absent when that is the running account. */
  newOwner?: Principal | undefined
  newGroup?: Principal | undefined
  /** The running account at the destination; spares a named entry for somebody who owns the item anyway. */
  account?: Principal | undefined
  resolve: (principal: Principal) => Resolution
  destination: Capabilities['permissions']
  /** `add` keeps what the destination's item has (`existing`); `diff` makes it what the source has. */
  policy?: Settings['permissions']['policy']
  existing?: Existing | undefined
  /** The item has no parent here that could pass anything on: the job's root. */
  isRoot?: boolean
}

/** What an item that is changed or replaced lets whom do at the destination. */
export interface Existing {
  permissions: Permissions
  /** Who `owner` and `owning_group` are in them; absent when unknown. */
  owner?: Principal | undefined
  group?: Principal | undefined
  /** They go on owning it, unless somebody else is made owner or group; else the running account owns it afterwards. */
  ownersStay: boolean
}

/** `standsIn`: whoever owns the item is the running account, which gets the owner's rights whoever that was. */
type Owned = Carry & { standsIn?: boolean }

interface EntryOutcome {
  entry: PermissionEntry
  result: 'applied' | 'narrowed' | 'dropped' | 'principal_unknown'
  why: string
}

interface CarriedPermissions {
  /** The whole set to have afterwards. */
  permissions: Permissions
  outcome: EntryOutcome[]
  /** Somebody was denied something at the source, and the destination can't say so. */
  lostDeny: boolean
  /** The item was cut off from its parent at the source, and the destination can't do that. */
  lostDisinheritance: boolean
  /** Somebody gets less than at the source. */
  narrowed: boolean
  /** Only its owner may reach it, because anything else could have granted too much. It is to be flagged. */
  isPrivate: boolean
}

/** Rights POSIX has words for; a platform with no others and no denials asks the first entry that fits, as POSIX does. */
const posixRights = Right.read | Right.write | Right.execute | Right.list

const roles = ['owner', 'owning_group', 'everyone'] as const

/**
 * Says a source's permissions in the destination's words, never granting more than the source does (brake 7): of
 * rights that can't be told apart the part that does not exceed; nobody unknown; nobody of another directory by number; no fallback.
 * setuid, setgid and sticky bits are no rights and don't travel; who may only add to a sticky folder does not get to remove from it.
 *
 * Under `add` all that is added to what is there already: nobody ends up with more than both sides together give him.
 *
 * @see reference: maps-filters-connections 1
 */
export function carryPermissions(asked: Carry): CarriedPermissions {
  const existing = asked.policy === 'add' ? asked.existing : undefined
  const carry = existing ? ownedAs(asked, existing) : asked
  const carried = new Carrying(carry).run(carry.source.entries)
  const defaults = carry.source.defaults && new Carrying(carry).run(carry.source.defaults)
  const { destination, source } = carry
  const lostDisinheritance = !source.inherits && !canCutOff(destination)
  const isPrivate = carried.lostDeny || lostDisinheritance
  const permissions = isPrivate ? onlyOwner(carry) : carried.permissions
  if (defaults) permissions.defaults = isPrivate ? [] : defaults.permissions.entries
  return {
    permissions: isPrivate || !existing ? permissions : withExisting(permissions, existing, carry),
    outcome: [...carried.outcome, ...(defaults?.outcome ?? []).map(forNewChildren)],
    lostDeny: carried.lostDeny,
    lostDisinheritance,
    narrowed: isPrivate || carried.narrowed || defaults?.narrowed === true,
    isPrivate,
  }
}

/**
 * Whether `permissions.failures` stops the item.
 *
 * @param threw what the platform said when the permissions were applied; absent when it took them
 */
export function permissionsFailure(
  setting: Settings['permissions']['failures'],
  carried: Pick<CarriedPermissions, 'lostDeny' | 'lostDisinheritance'>,
  threw?: string,
): Verdict | undefined {
  if (threw !== undefined && (setting === 'exceptions' || setting === 'all')) return fail('permissions_lost', threw)
  if (setting !== 'deny' && setting !== 'all') return undefined
  if (carried.lostDeny) return fail('permissions_lost', 'a denial can not be carried to the destination')
  return carried.lostDisinheritance
    ? fail('permissions_lost', 'it is cut off from its folder at the source, and can not be at the destination')
    : undefined
}

function forNewChildren(outcome: EntryOutcome): EntryOutcome {
  return outcome.why === '' ? outcome : { ...outcome, why: `for what is new in it, ${outcome.why}` }
}

function canCutOff(destination: Carry['destination']): boolean {
  return destination.breakInheritance || asksFirstFit(destination)
}

function asksFirstFit({ rights, deny }: Carry['destination']): boolean {
  return !deny && (rights & ~posixRights) === 0
}

/** One entry to be: whom it is for, and which source principals it stands for. */
interface Grant {
  who: PermissionEntry['who']
  rights: number
  from: string
}

class Carrying {
  readonly #carry: Owned
  readonly #firstFit: boolean
  readonly #grants = new Map<string, Grant>()
  readonly #denies: PermissionEntry[] = []
  readonly #outcome: EntryOutcome[] = []
  /** What people who lost their own entry had: what they may fall back to must not exceed it. */
  #groupsAtMost = ~0
  #everyoneAtMost = ~0
  #lostDeny = false
  #narrowed = false

  constructor(carry: Owned) {
    this.#carry = carry
    this.#firstFit = asksFirstFit(carry.destination)
  }

  run(entries: readonly PermissionEntry[]): {
    permissions: Permissions
    outcome: EntryOutcome[]
    lostDeny: boolean
    narrowed: boolean
  } {
    // Only POSIX-like sources list an owning group; there the first entry that fits decides, so a small one takes rights away.
    const sourceFirstFit = entries.some((entry) => entry.who === 'owning_group')
    for (const entry of entries) {
      if (this.#comesFromParent(entry)) continue
      if (entry.access === 'deny') this.#deny(entry)
      else this.#allow(entry, sourceFirstFit)
    }
    if (this.#firstFit) {
      for (const role of roles) {
        if (!this.#grants.has(role)) this.#grants.set(role, { who: role, rights: 0, from: role })
      }
    }
    const allowed = [...this.#grants.values()].map((grant) => this.#entry(grant))
    return {
      permissions: {
        entries: [...this.#denies, ...allowed],
        inherits: this.#firstFit ? false : this.#carry.source.inherits,
      },
      outcome: this.#outcome,
      lostDeny: this.#lostDeny,
      narrowed: this.#narrowed || this.#outcome.some(({ result }) => result !== 'applied'),
    }
  }

  /** The parent passes it on at the destination too: writing it here would make it the item's own. */
  #comesFromParent({ origin }: PermissionEntry): boolean {
    return origin === 'inherited' && this.#carry.source.inherits && !this.#firstFit && this.#carry.isRoot !== true
  }

  #deny(entry: PermissionEntry): void {
    if (entry.rights === 0) return
    const { destination } = this.#carry
    const found = this.#counterpart(entry.who)
    const sayable = destination.deny && (entry.rights & ~destination.rights) === 0
    if ('who' in found && sayable) {
      this.#denies.push({ ...entry, who: found.who, origin: 'direct' })
      this.#note(entry, 'applied', '')
      return
    }
    this.#lostDeny = true
    const why = 'who' in found ? 'the destination has no denials like it' : found.why
    this.#note(entry, 'dropped', `${textOf(entry)}: ${why}`)
  }

  #allow(entry: PermissionEntry, sourceFirstFit: boolean): void {
    const { destination } = this.#carry
    const found = this.#counterpart(entry.who)
    const rights = entry.rights & destination.rights
    const arrives = 'who' in found
    if (arrives) this.#grant(found.who, rights, keyOf(entry.who))
    if (entry.who === 'owner' && !this.#keepsOwner() && this.#carry.standsIn !== false) {
      // Whoever owns the item now must be able to work on it; that is the running account, which wrote it.
      this.#grants.set('owner', { who: 'owner', rights, from: 'owner' })
    }
    // Those without an entry of their own, or whose entries add up with others', may not get more from elsewhere.
    if (sourceFirstFit && entry.who !== 'everyone' && !(arrives && this.#firstFit)) {
      this.#everyoneAtMost &= entry.rights
      if (!isGroup(entry.who)) this.#groupsAtMost &= entry.rights
    }
    if (!arrives) this.#note(entry, found.unknown ? 'principal_unknown' : 'dropped', `${textOf(entry)}: ${found.why}`)
    else if (rights === entry.rights) this.#note(entry, 'applied', '')
    else {
      const lost = `the destination can not say ${rightsText(entry.rights & ~rights)}`
      this.#note(entry, rights === 0 ? 'dropped' : 'narrowed', `${textOf(entry)}: ${lost}`)
    }
  }

  /** Several people at the source who are one at the destination get what all of them had. */
  #grant(who: PermissionEntry['who'], rights: number, from: string): void {
    const key = keyOf(who)
    const known = this.#grants.get(key)
    if (!known) this.#grants.set(key, { who, rights, from })
    else if (known.from === from) known.rights |= rights
    else {
      if ((known.rights | rights) !== (known.rights & rights)) this.#narrowed = true
      known.rights &= rights
    }
  }

  #counterpart(who: PermissionEntry['who']): { who: PermissionEntry['who'] } | { why: string; unknown: boolean } {
    if (who === 'everyone') return { who }
    if (who === 'owner') return this.#keepsOwner() ? { who } : this.#named(this.#carry.owner, 'its owner is unknown')
    if (who === 'owning_group')
      return this.#keepsGroup() ? { who } : this.#named(this.#carry.group, 'its group is unknown')
    return this.#named(who, '')
  }

  #named(
    who: Principal | undefined,
    nobody: string,
  ): { who: PermissionEntry['who'] } | { why: string; unknown: boolean } {
    if (!who) return { why: nobody, unknown: true }
    const { mayBeGranted, destination, how, why } = this.#carry.resolve(who)
    if (how === 'excluded') return { why, unknown: false }
    if (!mayBeGranted || !destination)
      return { why: `${principalText(who)} has no counterpart (${why})`, unknown: true }
    if (!this.#carry.destination.named) {
      return { why: 'the destination grants to owner, owning group and everyone only', unknown: false }
    }
    return { who: destination }
  }

  /** Whether the owner at the destination is the source's owner, and not somebody standing in. */
  #keepsOwner(): boolean {
    const { owner, newOwner, account, resolve } = this.#carry
    if (newOwner) return true
    if (!owner || !account) return false
    const { destination, mayBeGranted } = resolve(owner)
    return mayBeGranted && destination !== undefined && keyOf(destination) === keyOf(account)
  }

  /** A fallback group may own, but its members receive nothing. */
  #keepsGroup(): boolean {
    const { group, newGroup, resolve } = this.#carry
    if (!group || !newGroup) return false
    const { mayBeGranted, destination } = resolve(group)
    return mayBeGranted && destination !== undefined && keyOf(destination) === keyOf(newGroup)
  }

  #entry({ who, rights }: Grant): PermissionEntry {
    let kept = rights
    if (who === 'everyone') kept &= this.#everyoneAtMost & this.#groupsAtMost
    else if (isGroup(who)) kept &= this.#groupsAtMost
    if (kept !== rights) this.#narrowed = true
    return { who, rights: kept, access: 'allow', origin: 'direct' }
  }

  #note(entry: PermissionEntry, result: EntryOutcome['result'], why: string): void {
    this.#outcome.push({ entry, result, why })
  }
}

/** All the destination's rights for the owner, none for anybody else. */
function onlyOwner({ destination }: Carry): Permissions {
  const entries: PermissionEntry[] = [{ who: 'owner', rights: destination.rights, access: 'allow', origin: 'direct' }]
  if (asksFirstFit(destination)) {
    for (const who of ['owning_group', 'everyone'] as const)
      entries.push({ who, rights: 0, access: 'allow', origin: 'direct' })
  }
  return { entries, inherits: !canCutOff(destination) }
}

/** Of an item that is there, somebody is the owner already, whether or not the job makes anybody owner. */
function ownedAs(carry: Carry, { owner, group, ownersStay }: Existing): Owned {
  if (!ownersStay) return carry
  const { account, newOwner, newGroup } = carry
  return {
    ...carry,
    account: newOwner ?? owner,
    newGroup: newGroup ?? group,
    standsIn: owner === undefined || (account !== undefined && keyOf(owner) === keyOf(account)),
  }
}

/** `add` takes nothing away from what the destination's item has. */
function withExisting(ours: Permissions, existing: Existing, { destination, ...after }: Owned): Permissions {
  const firstFit = asksFirstFit(destination)
  const theirs = inRolesAfter(existing, after, { named: destination.named, firstFit })
  const inherits = ours.inherits || existing.permissions.inherits
  const permissions: Permissions = { entries: united(ours.entries, theirs, firstFit), inherits }
  const { defaults } = existing.permissions
  // Roles of what is new in a folder are those of its own owner, whoever that will be.
  if (ours.defaults) permissions.defaults = united(ours.defaults, defaults ?? [], firstFit && defaults !== undefined)
  return permissions
}

/** The entries of what is there, with its roles said of those who have them afterwards. */
function inRolesAfter(
  { permissions, owner, group }: Existing,
  { newOwner, newGroup, account }: Pick<Carry, 'newOwner' | 'newGroup' | 'account'>,
  { named, firstFit }: { named: boolean; firstFit: boolean },
): PermissionEntry[] {
  const after = { owner: newOwner ?? account, owning_group: newGroup }
  const before = { owner, owning_group: group }
  const entries: PermissionEntry[] = []
  // Who loses the role, and can't be named, must not fall back to more.
  let othersAtMost = ~0
  for (const entry of permissions.entries) {
    if (entry.origin === 'inherited') continue
    const { who, rights } = entry
    if (typeof who === 'object') {
      // While he owned it, an owner's own entry meant nothing; what counted is said of him below.
      if (isSame(who, before.owner) && !isSame(who, after.owner)) continue
      entries.push(entry)
      // Whoever gets the role brings along what he had by name.
      for (const role of ['owner', 'owning_group'] as const)
        if (isSame(who, after[role]) && !isSame(who, before[role])) entries.push({ ...entry, who: role })
    } else if (who === 'everyone' || isSame(before[who], after[who])) entries.push(entry)
    else if (before[who] && named) entries.push({ ...entry, who: before[who] })
    else if (firstFit) othersAtMost &= rights
  }
  return entries.map((entry) =>
    entry.access === 'allow' && (entry.who === 'everyone' || isGroup(entry.who))
      ? { ...entry, rights: entry.rights & othersAtMost }
      : entry,
  )
}

function isSame(a: Principal | undefined, b: Principal | undefined): boolean {
  return a === undefined || b === undefined ? a === b : keyOf(a) === keyOf(b)
}

/**
 * Both together. Where the first entry that fits decides, an entry that only one of them has would take from its principal
 * what the other gave him as a member of a group, or as anybody: of that it gets what he had for certain.
 */
function united(a: readonly PermissionEntry[], b: readonly PermissionEntry[], firstFit: boolean): PermissionEntry[] {
  const all = new Map<string, PermissionEntry>()
  const [inA, inB] = [new Map<string, number>(), new Map<string, number>()]
  for (const [entries, sums] of [
    [a, inA],
    [b, inB],
  ] as const) {
    for (const entry of entries) {
      const key = `${entry.access} ${keyOf(entry.who)}`
      if (!all.has(key)) all.set(key, entry)
      sums.set(key, (sums.get(key) ?? 0) | entry.rights)
    }
  }
  const [leastA, leastB] = firstFit ? [leastOf(a), leastOf(b)] : [0, 0]
  return [...all].map(([key, entry]) => ({ ...entry, rights: (inA.get(key) ?? leastA) | (inB.get(key) ?? leastB) }))
}

/** What nobody without an entry of his own can have less than, whatever groups he is in. */
function leastOf(entries: readonly PermissionEntry[]): number {
  let least = entries.find(({ who }) => who === 'everyone')?.rights ?? 0
  for (const { who, rights } of entries) if (isGroup(who)) least &= rights
  return least
}

function isGroup(who: PermissionEntry['who']): boolean {
  return typeof who === 'string' ? who === 'owning_group' : who.type === 'group'
}

function textOf({ who, rights, access }: PermissionEntry): string {
  return `${rightsText(rights)} ${access === 'deny' ? 'denied to' : 'for'} ${whoText(who)}`
}
