import type { RoleRights } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { Right, type PermissionEntry, type Permissions, type Principal } from '../item.ts'
import { aclTag, type AclEntry } from './acl.ts'

/** What POSIX can tell apart. */
export const posixRights = Right.read | Right.write | Right.execute | Right.list

/** What an item's mode says beside the rights. */
export interface Kind {
  container: boolean
  /** In such a folder nobody but its owner removes or renames what others put there. */
  sticky: boolean
}

/** Right bits of `r`, `w`, `x`: on a folder `r` is seeing the names, `x` passing through. */
function rightsOf(perm: number, { container, sticky }: Kind): number {
  return (
    (perm & 4 ? (container ? Right.list : Right.read) : 0) |
    (perm & 2 ? (sticky ? Right.append : Right.write) : 0) |
    (perm & 1 ? Right.execute : 0)
  )
}

/** The largest `rwx` that grants nothing beyond `rights`. */
function permOf(rights: number, container: boolean): number {
  return (
    (rights & (container ? Right.list : Right.read) ? 4 : 0) |
    (rights & Right.write ? 2 : 0) |
    (rights & Right.execute ? 1 : 0)
  )
}

/** As mode bits that grant no more; for an item itself, whose group is the real one. */
export function modeOfRoles({ owner, owningGroup, everyone }: RoleRights, container: boolean): number {
  return (permOf(owner, container) << 6) | (permOf(owningGroup, container) << 3) | permOf(everyone, container)
}

export type PrincipalOf = (type: Principal['type'], id: number) => Principal

/**
 * Effective rights: the mask is applied, so what it takes away is not there. All three roles are always listed, also with no
 * rights at all, because POSIX asks the first that fits: an owner without rights has none, whatever everyone has.
 */
export function entriesOf(acl: readonly AclEntry[], kind: Kind, principal: PrincipalOf): PermissionEntry[] {
  const mask = acl.find((e) => e.tag === aclTag.mask)?.perm ?? 7
  const entries: PermissionEntry[] = []
  const owned = { ...kind, sticky: false }
  const add = (who: PermissionEntry['who'], perm: number) =>
    entries.push({ who, rights: rightsOf(perm, who === 'owner' ? owned : kind), access: 'allow', origin: 'direct' })
  for (const { tag, perm, id = 0 } of acl) {
    if (tag === aclTag.owner) add('owner', perm)
    else if (tag === aclTag.other) add('everyone', perm)
    else if (tag === aclTag.owningGroup) add('owning_group', perm & mask)
    else if (tag === aclTag.user) add(principal('account', id), perm & mask)
    else if (tag === aclTag.group) add(principal('group', id), perm & mask)
  }
  return entries
}

/**
 * As an ACL that grants no more: who is not named gets nothing, rights that POSIX has no word for are dropped. The mask is the union of
 * what it has to let through.
 *
 * @param directory the only directory whose ids mean anything here
 * @throws ConnectorError `Unsupported` for a deny, or a principal of another directory
 */
export function aclOf(entries: readonly PermissionEntry[], container: boolean, directory: string): AclEntry[] {
  const roles = { owner: 0, owning_group: 0, everyone: 0 }
  const named = new Map<string, AclEntry>()
  for (const { who, rights, access } of entries) {
    if (access === 'deny') throw new ConnectorError('Unsupported', 'POSIX permissions cannot deny')
    const perm = permOf(rights, container)
    if (typeof who === 'string') {
      roles[who] |= perm
      continue
    }
    const tag = who.type === 'account' ? aclTag.user : aclTag.group
    const id = idIn(directory, who)
    const known = named.get(`${tag} ${id}`)
    if (known) known.perm |= perm
    else named.set(`${tag} ${id}`, { tag, perm, id })
  }
  const acl: AclEntry[] = [
    { tag: aclTag.owner, perm: roles.owner },
    { tag: aclTag.owningGroup, perm: roles.owning_group },
    { tag: aclTag.other, perm: roles.everyone },
  ]
  if (named.size === 0) return acl
  const mask = [...named.values()].reduce((union, e) => union | e.perm, roles.owning_group)
  return [...acl, ...named.values(), { tag: aclTag.mask, perm: mask }]
}

/** Mode bits of an ACL; a group's are the mask, where there is one. */
export function modeOf(acl: readonly AclEntry[]): number {
  const perm = (tag: number) => acl.find((e) => e.tag === tag)?.perm
  const group = perm(aclTag.mask) ?? perm(aclTag.owningGroup) ?? 0
  return ((perm(aclTag.owner) ?? 0) << 6) | (group << 3) | (perm(aclTag.other) ?? 0)
}

/** Nothing is ever granted to "the same number" of another directory. */
export function idIn(directory: string, who: Principal): number {
  const id = who.directory === directory && who.id !== undefined && /^\d{1,10}$/.test(who.id) ? Number(who.id) : NaN
  if (id <= 0xfffffffe) return id
  const name = who.email ?? who.username ?? who.name ?? who.id ?? 'somebody'
  throw new ConnectorError('Unsupported', `${name} of ${who.directory} is nobody in ${directory}`)
}

export function permissionsOf(
  acl: readonly AclEntry[],
  defaults: readonly AclEntry[] | undefined,
  kind: Kind,
  principal: PrincipalOf,
): Permissions {
  const permissions: Permissions = { entries: entriesOf(acl, kind, principal), inherits: false }
  // What a default ACL gives is meant for files and folders alike; its `r` is told as a folder's.
  if (kind.container && defaults)
    permissions.defaults = entriesOf(defaults, { container: true, sticky: false }, principal)
  return permissions
}
