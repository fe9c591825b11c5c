import type { Capabilities, CapabilityNote } from './capabilities.ts'
import type { Facet, Facts, Item, ItemKind, Permissions, Principal } from './item.ts'
import type { Maybe } from './maybe.ts'

/**
 * The contract every platform lives by. A session belongs to one thread; a platform on this machine answers at once, a
 * remote one with a promise, and one transfer path serves both. Nothing retries inside a connector: its host's limiter waits
 * for what passes in moments, and Temporal owns all other retries.
 * Every failure is a `ConnectorError`.
 */
export interface Connector {
  /** The platform id: `fs`, `vault`, … also the name of its folder. */
  readonly platform: string
  /** Other ids of the same platform, as documents of elsewhere have them. */
  readonly aliases?: readonly string[]
  readonly name: string
  /**
   * `blocking`: a session answers at once, and its thread waits meanwhile, so that one operation is in flight in a thread.
   * `async`: it answers with promises, and one session serves as many operations side by side as it is asked for.
   */
  readonly io: 'blocking' | 'async'
  /** The wire keys of `auth`, each with what it means; used by errors and `connection add`. `secret` keys are stored encrypted. */
  readonly settings: readonly SettingDescription[]
  /** Checks the settings without touching the platform; one message per problem, each naming the key. */
  check(auth: Record<string, unknown>): string[]
  /** Opens a session; raises `Misconfigured`, `RootGone`, `AuthExpired`, `Unreachable`. */
  open(auth: Record<string, unknown>, host?: Host): Maybe<Session>
}

/** What a session finds around it. */
export interface Host {
  /** Every request of a remote platform goes through it. */
  readonly limiter: Limiter
}

export interface Limiter {
  /**
   * Makes a request when its turn has come. One that fails as `Throttled` is made again, after as long as the platform asks
   * for; one that `repeats` (twice has the effect of once) also when the platform was out of reach.
   *
   * @throws what the request throws when that does not pass within half a minute
   */
  run<T>(request: () => Promise<T>, how?: { repeats?: boolean }): Promise<T>
}

export interface SettingDescription {
  key: string
  meaning: string
  required?: boolean
  secret?: boolean
  values?: readonly string[]
}

export interface Page {
  items: Item[]
  /** True on the last page of a listing that saw every child without an error; a listing that ends without it is incomplete. */
  complete: boolean
}

export interface Session {
  readonly capabilities: Capabilities
  /** What this connection cannot do here, and why. */
  readonly notes: readonly CapabilityNote[]
  /** Who the session runs as. */
  readonly account: Principal | undefined
  /** The owning group of new items, unless their container says otherwise; where there is such a thing. */
  readonly group?: Principal
  /** Names the storage behind the root, through links and mounts: equal or nested identities mean overlapping roots (brake 10). */
  resolve(path: string): Maybe<ResolvedRoot>

  /** The container a job's `target.path` names; null when it does not exist. Raises `NotAContainer`, `Escapes`. */
  root(path: string): Maybe<Item | null>
  /** Creates the container `target.path` names, with missing parents. Idempotent. */
  makeRoot(path: string, access?: Access): Maybe<Item>

  /** On `path` platforms: the id of a child, by the parent's id and the child's name. */
  childId?(parent: string, name: string): string

  /** Children of a container in any order, in pages of at most 1,000, with memory bounded by the page. */
  list(container: string, want: readonly Facet[]): Iterable<Page> | AsyncIterable<Page>
  stat(id: string, want: readonly Facet[]): Maybe<Item | null>
  /**
   * Whether an item has permissions besides those that `facets` tell of in a listing that was not asked for them. Absent: none has.
   */
  hasAcl?(id: string): Maybe<boolean>

  /**
   * Opens the content for reading. With `expected`, `close` raises `ChangedWhileRead` unless the item, after the last byte
   * was read, still has those facts; `read` raises `ShortRead` when the content ends before `expected.sizeBytes` and
   * `GrewWhileRead` when it goes on past it.
   */
  open(id: string, expected?: Facts): Maybe<Reading>
  /**
   * Reads a content of `expected.sizeBytes` into `into`, which has room for more, and checks what `open`, `read` and `close`
   * check. Absent where it would be no cheaper than these.
   */
  readWhole?(id: string, expected: Facts, into: Uint8Array): Maybe<void>

  /** Begins a content that nobody sees yet. The same key names the same staging, also after a crash. */
  stage(spec: StageSpec): Maybe<Staging>
  /** What became of a staging recorded earlier: found as it was, already published under the target, or gone. */
  reconcile(
    staged: Staged,
    target: Target,
  ): Maybe<{ state: 'staged' } | { state: 'published'; item: Item } | { state: 'gone' }>
  /**
   * Makes a finished staging the item of that name, at once and whole. What it replaces hands its owner and permissions on,
   * those aside that came with the staging. Raises `Conflict` / `PreconditionFailed` when the condition does not hold.
   */
  publish(staged: Staged, target: Target): Maybe<Item>
  /** Removes what a staging key left, finished or not. Idempotent; never touches anything else. */
  discard(container: string, key: string, left?: Left): Maybe<void>

  /** Creates a container. Raises `Conflict` when something of that name exists. The same key names the same container, also after a crash. */
  makeContainer(container: string, name: string, key: string, access?: Access): Maybe<Item>
  /** Containers that appear with all that is in them; on `path` platforms whose names are equal only when their bytes are. */
  readonly newContainers?: NewContainers
  /** Creates a symbolic link. Raises `Conflict`, `Unsupported`. */
  makeLink(container: string, name: string, linkTarget: string): Maybe<Item>
  /** Renames inside or between containers; never replaces. Raises `Conflict`, and `PreconditionFailed` unless `expected` holds. */
  move(id: string, container: string, name: string, expected: Facts): Maybe<Item>
  /**
   * Removes an item or a link, or a container that holds nothing. Gone already, also with its container, is no error. Raises
   * `PreconditionFailed` unless what is there has `expected`'s facts, of a container its kind and identity alone; `Conflict`
   * when a container holds something. Whether it can be got back says `tree.removal`.
   */
  remove(id: string, expected: Facts & { kind: ItemKind }): Maybe<void>
  /** Applies attributes to something that exists; answers the facts afterwards. `Unsupported` where it would reach other items too. */
  setAttributes(id: string, attributes: Attributes, expected?: Facts): Maybe<Item>
  /** The principals this platform knows, for maps; absent without `identity.directory`. */
  directory?: Directory
  /** Flushes what `id`, and its name in `container`, need to survive a power cut. For what was not staged to do so. */
  flush?(id: string, container: string): Maybe<void>
  close(): Maybe<void>
}

/**
 * A container staged as a whole: made out of sight, filled with small contents under their final names, published by one
 * step. Cheaper than publishing each, where a container is new and all that is to be in it is at hand.
 */
export interface NewContainers {
  /** Begins a container that nobody looks for. The key names it for good, as with `Session.stage`. Raises `Conflict`. */
  stage(container: string, key: string, access: Access): Maybe<StagedContainer>
  /**
   * Writes a whole content; the answer has the facts it will have, but not yet its id. When it fails the container may
   * hold a part of it and is to be discarded.
   */
  put(staged: StagedContainer, name: string, placing: Placing): Maybe<Item>
  /** Makes it the container of that name, with all that is in it. Raises `Conflict` when something of that name exists. */
  publish(staged: StagedContainer, target: { container: string; name: string; power: boolean }): Maybe<void>
  /**
   * Removes the container that a key left, when nothing but these names is in it, and in any case these names. Idempotent;
   * never touches anything else.
   *
   * @returns false when it stays, with something in it that was not named
   */
  discard(container: string, key: string, names: readonly string[]): Maybe<boolean>
}

export interface StagedContainer {
  id: string
  identity: string
}

export interface Placing {
  content: Uint8Array
  attributes: Attributes
  /** Survives a power cut, once it is published. */
  power: boolean
}

/**
 * `closed`, unless it is said: nobody but its owner, until permissions are set; `platform`: as the platform has new containers;
 * else that, cut down to what is given, but for its owner's own rights to work in it: those are cut by `setAttributes`.
 */
export type Access = 'closed' | 'platform' | AtMost

/** The most that something new lets people do, as unions of `Right` bits; of whoever its platform makes its owner and group. */
export interface AtMost extends RoleRights {
  /** Instead, where this is the owning group. */
  inGroup?: RoleRights & { group: Principal }
}

export interface RoleRights {
  owner: number
  owningGroup: number
  everyone: number
}

export interface ResolvedRoot {
  /** Equal for two ways to the same place, whatever the address. */
  place: string
  /** The places above it, nearest first, as far as they can be known. */
  above: string[]
  exists: boolean
}

export interface Reading {
  readonly sizeBytes: bigint
  /** Fills `into` from offset `at`; the number of bytes, 0 at the end. */
  read(into: Uint8Array, at: bigint): Maybe<number>
  /** Checks `expected` (see `Session.open`) unless `aborted`. Always releases what it holds. */
  close(aborted?: boolean): Maybe<void>
}

/** What is applied besides bytes; each part is idempotent on its own, an absent part is left as it is. */
export interface Attributes {
  modifiedNs?: bigint
  accessedNs?: bigint
  createdNs?: bigint
  owner?: Principal
  group?: Principal
  /** The whole set to have afterwards. */
  permissions?: Permissions
  /** Cuts down what its platform, or whoever made it, lets people do with it; adds nothing. */
  atMost?: AtMost
  /** All properties to have afterwards. */
  metadata?: Record<string, string>
}

export interface StageSpec {
  container: string
  /** Short, unique to item and attempt, made of `[a-z0-9.-]`; names the staging for good. */
  key: string
  sizeBytes: bigint
  /** Applied before `publish` makes the content visible. */
  attributes: Attributes
  /** It is to replace something that may be closed to others: until then nobody but its owner gets at it. */
  replaces?: boolean
  /** The name it will be published under. Needed where an upload is begun at its address (S3 in parts). */
  name?: string
  /** Continue after this many bytes, which are there already; needs `content.resumable`. */
  resumeAt?: bigint
  /** `Staging.resume` of the one to continue, where there was one. */
  resume?: string
  durability: 'process' | 'power'
}

export interface Staging {
  /** What the platform calls it (an upload's id). Without it the staging is not found again, so it is put on record before the first byte. */
  readonly resume?: string
  /** Where it really goes on, when that is another place than asked for with `resumeAt`. */
  readonly resumesAt?: bigint
  /** The chunk is the caller's again as soon as it is answered. */
  write(chunk: Uint8Array, at: bigint): Maybe<void>
  /** Waits until all that was written is there, before it is recorded as such. Absent where `write` does so itself. */
  written?(): Maybe<void>
  /** Reads staged bytes back, to hash a resumed prefix again. */
  read?(into: Uint8Array, at: bigint): Maybe<number>
  /** Where they can't be read back: told, in order, what the source has of the resumed prefix now; raises `IntegrityMismatch` when it differs. */
  verify?(chunk: Uint8Array): void
  /** Applies attributes, checks the size, and leaves it ready to publish. */
  finish(hash: string): Maybe<Staged>
  /** Lets go without removing: what was written stays for `resumeAt`. */
  suspend(): Maybe<void>
}

/** Plain data, committed in the ledger between `finish` and `publish`. */
export interface Staged {
  container: string
  key: string
  hash: string
  sizeBytes: bigint
  /** Identity of the staged content, which the published item keeps (an inode). */
  identity?: string
  /** As `Staging.resume`. */
  resume?: string
}

/** What is known of a staging that is to be discarded, besides its key. */
export interface Left {
  /** As in `StageSpec`. */
  name?: string
  sizeBytes?: bigint
  /** As `Staging.resume`; absent when its beginner died before that was on record. */
  resume?: string
}

export interface Target {
  container: string
  name: string
  /** `absent`: nothing of that name may exist. Facts: exactly that item is replaced. */
  condition: 'absent' | Facts
  /** What the answered facts tell of, as in a listing that asks for the same. */
  want?: readonly Facet[]
}

export interface Directory {
  /** The directory's own name, as in `Principal.directory`. */
  readonly name: string
  find(query: PrincipalQuery): Maybe<Principal[]>
}

/** All given parts must match; text without regard to case. */
export interface PrincipalQuery {
  type: 'account' | 'group'
  id?: string
  email?: string
  username?: string
  name?: string
}
