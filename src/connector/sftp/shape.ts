import type { Facet, Facts, Item, ItemKind, Permissions } from '../item.ts'
import { aclTag, type AclEntry } from '../fs/acl.ts'
import { nameOf } from '../fs/ids.ts'
import { permissionsOf } from '../fs/permissions.ts'
import type { Channel, Stats } from './channel.ts'
import type { Accounts } from './accounts.ts'

const typeMask = 0o170000
const kinds: ReadonlyMap<number, ItemKind> = new Map([
  [0o100000, 'item'],
  [0o040000, 'container'],
  [0o120000, 'link'],
])
const specials: ReadonlyMap<number, string> = new Map([
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o020000, 'character device'],
  [0o060000, 'block device'],
])

/** Stands in a name that was no UTF-8, or is there itself: either way the server can't be asked for it by what we have. */
const replacement = '\uFFFD'
const second = 1_000_000_000n

interface Found {
  id: string
  stats: Stats
}

/** Turns what the server says of a file into facts. */
export class Shape {
  readonly #accounts: Accounts

  constructor(accounts: Accounts) {
    this.#accounts = accounts
  }

  kind({ mode }: Stats): ItemKind {
    return kinds.get(mode & typeMask) ?? 'special'
  }

  /** A link costs one more request, for where it leads. */
  async item(channel: Channel, path: string, { id, stats }: Found, want: readonly Facet[] = []): Promise<Item> {
    const name = id === '' ? '' : nameOf(id)
    const kind = this.kind(stats)
    const item: Item = {
      id,
      name,
      kind,
      sizeBytes: kind === 'item' ? BigInt(stats.size) : 0n,
      modifiedNs: BigInt(stats.mtime) * second,
      accessedNs: BigInt(stats.atime) * second,
      facets: `${(stats.mode & 0o7777).toString(8)}:${stats.uid}:${stats.gid}`,
      hidden: name.startsWith('.'),
    }
    if (name.includes(replacement)) {
      item.kind = 'special'
      item.special = 'file whose name is no UTF-8, which SFTP clients can’t name'
    } else if (kind === 'link') item.linkTarget = await channel.readlink(path, id)
    else if (kind === 'special') item.special = specials.get(stats.mode & typeMask) ?? 'unknown kind of file'
    if (want.includes('owner')) {
      item.owner = this.#accounts.of('account', stats.uid)
      item.group = this.#accounts.of('group', stats.gid)
    }
    if (want.includes('permissions') && kind !== 'link') item.permissions = this.#permissions(stats)
    return item
  }

  #permissions(stats: Stats): Permissions {
    const { mode } = stats
    const perm = (shift: number): number => (mode >> shift) & 7
    const acl: AclEntry[] = [
      { tag: aclTag.owner, perm: perm(6) },
      { tag: aclTag.owningGroup, perm: perm(3) },
      { tag: aclTag.other, perm: perm(0) },
    ]
    const kind = { container: this.kind(stats) === 'container', sticky: (mode & 0o1000) !== 0 }
    return permissionsOf(acl, undefined, kind, (type, id) => this.#accounts.of(type, id))
  }

  /** What is no longer as expected, in words. There is no identity to be asked for, and a folder's time moves with its children. */
  difference(expected: Facts, stats: Stats): string | undefined {
    const kind = this.kind(stats)
    if (kind === 'container') return undefined
    const size = kind === 'item' ? BigInt(stats.size) : 0n
    if (expected.sizeBytes !== size) return `${size} bytes, not ${expected.sizeBytes}`
    if (expected.modifiedNs !== undefined && expected.modifiedNs !== BigInt(stats.mtime) * second)
      return 'another modification time'
    return undefined
  }
}
