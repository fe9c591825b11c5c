/** POSIX ACLs in the kernel's binary form (`system.posix_acl_access`, version 2): little-endian tag, permissions, id. */

export const aclTag = { owner: 1, user: 2, owningGroup: 4, group: 8, mask: 16, other: 32 } as const
type AclTag = (typeof aclTag)[keyof typeof aclTag]

export interface AclEntry {
  tag: AclTag
  /** `rwx` as 4, 2, 1. */
  perm: number
  /** Of tags `user` and `group`. */
  id?: number
}

export const accessAcl = 'system.posix_acl_access'
export const defaultAcl = 'system.posix_acl_default'

const version = 2
const noId = 0xffffffff
const tags: ReadonlySet<number> = new Set(Object.values(aclTag))

/** @throws RangeError when the bytes are no ACL of version 2 */
export function decodeAcl(bytes: Buffer): AclEntry[] {
  if (bytes.length < 4 || (bytes.length - 4) % 8 !== 0 || bytes.readUInt32LE(0) !== version)
    throw new RangeError(`not a POSIX ACL of version 2: ${bytes.length} bytes`)
  const entries: AclEntry[] = []
  for (let at = 4; at < bytes.length; at += 8) {
    const tag = bytes.readUInt16LE(at)
    if (!tags.has(tag)) throw new RangeError(`unknown ACL tag ${tag}`)
    const perm = bytes.readUInt16LE(at + 2) & 7
    const named = tag === aclTag.user || tag === aclTag.group
    entries.push(named ? { tag, perm, id: bytes.readUInt32LE(at + 4) } : { tag: tag as AclTag, perm })
  }
  return entries
}

/** In the order the kernel demands: by tag, then by id. */
export function encodeAcl(entries: readonly AclEntry[]): Buffer {
  const sorted = [...entries].sort((a, b) => a.tag - b.tag || (a.id ?? 0) - (b.id ?? 0))
  const bytes = Buffer.alloc(4 + 8 * sorted.length)
  bytes.writeUInt32LE(version, 0)
  sorted.forEach(({ tag, perm, id }, i) => {
    bytes.writeUInt16LE(tag, 4 + 8 * i)
    bytes.writeUInt16LE(perm, 6 + 8 * i)
    bytes.writeUInt32LE(id ?? noId, 8 + 8 * i)
  })
  return bytes
}

/** The three entries every file has. */
export function aclOfMode(mode: number): AclEntry[] {
  return [
    { tag: aclTag.owner, perm: (mode >> 6) & 7 },
    { tag: aclTag.owningGroup, perm: (mode >> 3) & 7 },
    { tag: aclTag.other, perm: mode & 7 },
  ]
}
