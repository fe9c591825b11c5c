import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import type { Permissions, Principal } from '../item.ts'
import { accessAcl, aclTag, aclOfMode, decodeAcl, defaultAcl, encodeAcl, type AclEntry } from './acl.ts'
import type { IdDirectory } from './directory.ts'
import type { Folder } from './folders.ts'
import { throughHandle } from './handle.ts'
import { join } from './ids.ts'
import { aclOf, modeOf, permissionsOf, type Kind, type PrincipalOf } from './permissions.ts'
import { errno } from '../local/trouble.ts'
import type { Xattrs } from './xattr.ts'

const kindOf = ({ mode }: BigIntStats): Kind => {
  const container = (mode & 0o170000n) === 0o040000n
  return { container, sticky: container && (mode & 0o1000n) !== 0n }
}

/** Permissions as mode and POSIX ACL; without `xattrs` as mode alone. */
export class Access {
  readonly directory: IdDirectory
  /** ACLs can be read and written. */
  readonly named: boolean
  readonly #xattrs: Xattrs | null
  readonly #principal: PrincipalOf

  constructor(directory: IdDirectory, xattrs: Xattrs | null) {
    this.directory = directory
    this.named = xattrs !== null
    this.#xattrs = xattrs
    this.#principal = (type, id) => directory.of(type, id)
  }

  /** Of a child that `stats` describe. `print` tells one ACL from another, '' when there is none. */
  read(folder: Folder, name: string, stats: BigIntStats): { permissions: Permissions; print: string } {
    const found = this.#acls(folder, name, stats)
    const acl = found?.access ?? aclOfMode(Number(stats.mode & 0o777n))
    const permissions = permissionsOf(acl, found?.defaults, kindOf(stats), this.#principal)
    return { permissions, print: found?.print ?? '' }
  }

  /** @param path a descriptor's own path, or one whose end is known to be no link */
  hasAcl(path: string): boolean {
    return this.#list(path).includes(accessAcl)
  }

  /** Only the fingerprint. */
  print(folder: Folder, name: string, stats: BigIntStats): string {
    return this.#acls(folder, name, stats)?.print ?? ''
  }

  owner(stats: BigIntStats): Principal {
    return this.directory.of('account', Number(stats.uid))
  }

  group(stats: BigIntStats): Principal {
    return this.directory.of('group', Number(stats.gid))
  }

  /**
   * What to write so that exactly these permissions hold.
   *
   * @throws ConnectorError `Unsupported` when POSIX, or this connection, cannot say them
   */
  plan(permissions: Permissions, isContainer: boolean): PlannedAccess {
    const acl = aclOf(permissions.entries, isContainer, this.directory.name)
    const planned: PlannedAccess = { mode: modeOf(acl) }
    if (acl.length > 3) planned.named = acl
    if (isContainer && permissions.defaults) {
      const defaults = aclOf(permissions.defaults, true, this.directory.name)
      planned.defaults = permissions.defaults.length === 0 ? null : encodeAcl(defaults)
    }
    if ((planned.named || planned.defaults) && !this.named)
      throw new ConnectorError('Unsupported', 'grants to named accounts and groups need POSIX ACLs, which are off here')
    return planned
  }

  /**
   * Writes the ACLs of a plan; the mode is the caller's to set afterwards, never before: it is the ACL's mask.
   *
   * @param path a descriptor's own path, never one that a link could stand in
   * @param file `close` shuts everybody out but its owner: without its ACL the group has what was the mask
   */
  write(path: string, planned: PlannedAccess, file: { container: boolean; close: () => void }): void {
    const xattrs = this.#xattrs
    if (!xattrs) return
    const there = this.#list(path)
    if (planned.named) xattrs.setAttributeSync(path, accessAcl, encodeAcl(planned.named))
    // A folder's default ACL gave the new file grants that nobody asked for.
    else if (there.includes(accessAcl)) {
      file.close()
      xattrs.removeAttributeSync(path, accessAcl)
    }
    if (!file.container || planned.defaults === undefined) return
    if (planned.defaults) xattrs.setAttributeSync(path, defaultAcl, planned.defaults)
    else if (there.includes(defaultAcl)) xattrs.removeAttributeSync(path, defaultAcl)
  }

  #list(path: string): string[] {
    try {
      return this.#xattrs?.listAttributesSync(path) ?? []
    } catch (error) {
      if (errno(error) === 'ENOTSUP' || errno(error) === 'ENOENT') return []
      throw error
    }
  }

  #acls(folder: Folder, name: string, stats: BigIntStats): Acls | undefined {
    const xattrs = this.#xattrs
    if (!xattrs) return undefined
    const path = join(folder.base, name)
    // Most files have none, and a first look by name is cheap; what is believed is read through a descriptor.
    if (typeof path === 'string') {
      const there = this.#list(path)
      if (!there.includes(accessAcl) && !there.includes(defaultAcl)) return undefined
    }
    return throughHandle(path, stats, (own) => this.#readBoth(xattrs, own))
  }

  #readBoth(xattrs: Xattrs, path: string): Acls | undefined {
    const there = this.#list(path)
    const hash = createHash('sha256')
    const acls: Acls = { print: '' }
    if (there.includes(accessAcl)) {
      const bytes = xattrs.getAttributeSync(path, accessAcl)
      acls.access = decodeAcl(bytes)
      hash.update('a').update(bytes)
    }
    if (there.includes(defaultAcl)) {
      const bytes = xattrs.getAttributeSync(path, defaultAcl)
      acls.defaults = decodeAcl(bytes)
      hash.update('d').update(bytes)
    }
    if (!acls.access && !acls.defaults) return undefined
    acls.print = hash.digest('base64url').slice(0, 12)
    return acls
  }
}

/** The same without a grant to the owner or the owning group by name: an ACL that says nothing else is none. */
export function withoutOwnNames(planned: PlannedAccess, { uid, gid }: { uid: number; gid: number }): PlannedAccess {
  const { named, ...rest } = planned
  if (!named) return planned
  const left = named.filter(
    ({ tag, id }) => !(tag === aclTag.user && id === uid) && !(tag === aclTag.group && id === gid),
  )
  if (left.length === named.length) return planned
  const ofGroup = named.find(({ tag, id }) => tag === aclTag.group && id === gid)?.perm ?? 0
  const acl = left.map((entry) => (entry.tag === aclTag.owningGroup ? { ...entry, perm: entry.perm | ofGroup } : entry))
  if (acl.some(({ tag }) => tag === aclTag.user || tag === aclTag.group))
    return { ...rest, mode: modeOf(acl), named: acl }
  return { ...rest, mode: modeOf(acl.filter(({ tag }) => tag !== aclTag.mask)) }
}

interface Acls {
  access?: AclEntry[]
  defaults?: AclEntry[]
  print: string
}

export interface PlannedAccess {
  mode: number
  /** An ACL with grants by name. */
  named?: AclEntry[]
  /** Null: the folder is to have none. */
  defaults?: Buffer | null
}

/** Whether this file system has ACLs; else the reason it does not. */
export function probeAcls(xattrs: Xattrs | null, path: string): string | undefined {
  if (process.platform !== 'linux') return 'POSIX ACLs are read on Linux only'
  if (!xattrs) return 'the optional package fs-xattr is not installed'
  try {
    xattrs.getAttributeSync(path, accessAcl)
    return undefined
  } catch (error) {
    return errno(error) === 'ENODATA' ? undefined : `the file system has no POSIX ACLs (${errno(error) ?? 'unknown'})`
  }
}
