/** What a connector says about one thing it stores. Plain data: it crosses threads and goes into the ledger. */

/** `item` is a file, `container` a folder, `link` a symbolic link, `special` a device, socket or pipe (never read). */
export type ItemKind = 'item' | 'container' | 'link' | 'special'

/** The parts of an item besides its bytes that a listing may carry; asking for one a platform lacks is an `Unsupported` error. */
export type Facet = 'owner' | 'permissions' | 'hash' | 'metadata'

/**
 * Somebody or some group, as one directory knows them. Two principals are comparable only when `directory` is equal:
 * uid 1000 on two hosts is two people (brake 8).
 */
export interface Principal {
  type: 'account' | 'group'
  /** Which directory the `id` belongs to: `passwd:<file or host>`, `vault:<folder>`, … */
  directory: string
  id?: string
  email?: string
  username?: string
  name?: string
  disabled?: boolean
}

/** Rights as a bit set; the vendor's composed rights are unions of these. */
export const Right = {
  read: 1,
  write: 2,
  append: 4,
  delete: 8,
  readPermissions: 16,
  writePermissions: 32,
  execute: 64,
  list: 128,
  share: 256,
} as const

export interface PermissionEntry {
  /** Who; or one of the roles that every POSIX-like store has. */
  who: Principal | 'owner' | 'owning_group' | 'everyone'
  /** Union of {@link Right} bits. */
  rights: number
  access: 'allow' | 'deny'
  origin: 'direct' | 'inherited'
}

export interface Permissions {
  entries: PermissionEntry[]
  /** False when the item cut itself off from what its parent grants. */
  inherits: boolean
  /** Of a container, where that is a thing of its own (POSIX default ACL): what a new child gets. Absent: left as it is. */
  defaults?: PermissionEntry[]
}

/** The facts that tell whether an item is still what it was; what is compared, stored as a baseline, and written on condition of. */
export interface Facts {
  /** Stays through renames and is unlikely to be reused: inode and birth time on fs, the node id in a vault. */
  identity?: string
  /** The platform's own change token (etag), when it has one. */
  version?: string
  /** SHA-256, lower-case hex, when the platform states it without reading the content. */
  hash?: string
  sizeBytes: bigint
  /** Nanoseconds since 1970, negative before. */
  modifiedNs?: bigint
  /** When anything about the item last changed (`ctime`); cannot be set by a client. */
  changedNs?: bigint
  /** Fingerprint of owner, mode and permissions; differs when one of them differs. Short, opaque. */
  facets?: string
}

export interface Item extends Facts {
  /** Address inside the session. On `path` platforms it is derived from the parent's (`childId`), so it is not stored. */
  id: string
  /** Well-formed Unicode; bytes that are not are escaped injectively by the connector. Never contains `/` on `path` platforms. */
  name: string
  kind: ItemKind
  createdNs?: bigint
  accessedNs?: bigint
  hidden?: boolean
  /** Belongs to somebody else than the person whose place it is; where it is known whose that is. */
  shared?: boolean
  /** With facet `owner`. */
  owner?: Principal
  group?: Principal
  /** With facet `permissions`. */
  permissions?: Permissions
  /** With facet `metadata`: properties that people and programs attached to it. No part of `facets`. */
  metadata?: Record<string, string>
  /** Of kind `link`. */
  linkTarget?: string
  /** More than 1: other names of the same bytes exist (hard links). */
  linkCount?: number
  /** What `special` is: `fifo`, `socket`, `character device`, `block device`, `symbolic link outside the root`, … */
  special?: string
  /** Of kind `special`: a symbolic link that was to be followed, and leads to nothing that can be. */
  deadLink?: true
  /** The content has holes. */
  sparse?: boolean
}
