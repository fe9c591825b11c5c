/** What a platform can do. A claim is tested by the conformance kit; what is not claimed must fail with `Unsupported`. */

type Tri = 'none' | 'read' | 'readwrite'

export interface Limit {
  n: number
  unit: 'bytes' | 'utf16' | 'codepoints'
  /** With `bytes`: U+FFFD and two hex digits stand for one byte, as `fs` has names that are no UTF-8. */
  escapes?: boolean
}

/** How names live at a place. Pure data: the name plan (`src/policy/name_container.ts`) works from this alone. */
export interface NameRules {
  /** When two names are one: `bytes` never, `nfc` after Unicode normalisation. */
  unicode: 'bytes' | 'nfc'
  caseSensitive: boolean
  duplicateNames: boolean
  /** Every character that may not occur in a segment. */
  invalid: string
  /** Characters a segment may not begin or end with. */
  leading: string
  trailing: string
  /** Control characters (below U+0020, and U+007F) are refused. */
  controls: boolean
  /** Segments refused whatever their case, with or without an extension when `reservedStems` (`CON`, `con.txt`). */
  reserved: readonly string[]
  reservedStems: boolean
  /** Extensions refused, lower-case, without the dot. */
  invalidExtensions: readonly string[]
  /** U+FFFD stands only before the two hex digits of a byte that is no UTF-8; alone it is refused. */
  escapes?: boolean
  maxSegment?: Limit
  /** What the storage behind the rules takes, where it counts otherwise: both limits hold. */
  maxStoredSegment?: Limit
  maxPath?: Limit
  maxDepth?: number
}

export interface Capabilities {
  tree: {
    /** `path`: a container is known by its name and its parent (`childId`); `id`: by an id of the platform's, kept in the ledger. */
    model: 'path' | 'id'
    emptyContainers: boolean
    /** Most children of one container; not given where there is no limit. */
    maxItems?: number
    links: boolean
    /** Facts have no `identity`: a name is all there is, and a renamed item is another one. */
    identities?: false
    /** Only items can be moved and renamed. */
    moves?: 'items'
    /** Where what is removed can be got back from: the platform's trash, or former versions. Absent: it is gone for good. */
    removal?: 'trash' | 'versions'
  }
  names: NameRules
  content: {
    maxBytes?: bigint
    rangedRead: boolean
    /** A half-staged content can be continued (`stage` with `resumeAt`). */
    resumable: boolean
    /** What is continued is continued at a multiple of this, and what is not larger is begun again. */
    resumeUnit?: bigint
    /** Small contents wait in memory until they are published: a batch is not to hold more than this. */
    batchBytes?: bigint
    /** The listing states a SHA-256. */
    hash: boolean
    sparse: boolean
  }
  times: {
    modified: Tri
    created: Tri
    accessed: Tri
    precisionNs: bigint
    containers: boolean
    /** The first and the last there is, in nanoseconds since 1970; not given where whatever files have fits. */
    range?: { firstNs: bigint; lastNs: bigint }
  }
  owners: { owner: Tri; group: Tri }
  /** Whether items tell of themselves that they are hidden, or shared (`Item.hidden`, `Item.shared`). */
  marks: { hidden: boolean; shared: boolean }
  permissions: {
    mode: Tri
    deny: boolean
    breakInheritance: boolean
    /** Grants to somebody other than owner, owning group and everyone. */
    named: boolean
    /** What an owning group is said to have may be the mask of an ACL that can't be read: more than it has. */
    groupMayBeMask?: boolean
    /** The rights that can be told apart, as a bit set. */
    rights: number
  }
  identity: { impersonation: boolean; directory: boolean }
  metadata: { user: Tri }
}

/** One thing a connection cannot do here although its platform usually can; shown by `connection test` and in the report. */
export interface CapabilityNote {
  capability: string
  why: string
}
