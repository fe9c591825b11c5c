import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../database/sqlite.ts'
import type { Capabilities } from '../capabilities.ts'
import { ConnectorError } from '../errors.ts'
import { nameGate } from '../local/names.ts'
import { Blobs } from './blobs.ts'
import { addressOf, idOf, Nodes, nowNs, rootNode, type Node } from './nodes.ts'
import { Stagings } from './stagings.ts'
import { guarded } from './trouble.ts'

export interface VaultPlace {
  /** The vault's folder. */
  folder: string
  /** Its `vault.db`. */
  file: string
  /** Raises `RootGone` or `RootReplaced` when it is not the file that was opened any more. */
  check(): void
}

/** An open vault: its tree, its contents, and the transactions that keep the two in step. */
export class Store {
  readonly place: VaultPlace
  readonly capabilities: Capabilities
  readonly nodes: Nodes
  readonly blobs: Blobs
  readonly stagings: Stagings
  /** Refuses names that a new node may not have. */
  readonly checkName: (name: string) => void
  readonly #db: DatabaseSync

  constructor(place: VaultPlace, db: DatabaseSync, capabilities: Capabilities) {
    this.place = place
    this.capabilities = capabilities
    this.#db = db
    this.nodes = new Nodes(db)
    this.blobs = new Blobs(place.folder)
    this.stagings = new Stagings(db, this.nodes, this.blobs)
    this.checkName = nameGate(capabilities.names)
  }

  /** Several questions about one state of the tree. `id` is what an error is about. */
  read<T>(id: string, work: () => T): T {
    return guarded(id, () => {
      if (this.#db.isTransaction) return work()
      this.#db.exec('BEGIN')
      try {
        return work()
      } finally {
        if (this.#db.isTransaction) this.#db.exec('COMMIT')
      }
    })
  }

  /** Changes that happen together or not at all. */
  write<T>(id: string, work: () => T): T {
    return guarded(id, () => {
      // SQLite goes on writing into a file that was removed: everything would seem to succeed.
      this.place.check()
      return transaction(this.#db, work as () => T extends Promise<unknown> ? never : T)
    })
  }

  /** What `work` commits, and everything committed before it, survives a power cut. */
  durably<T>(work: () => T): T {
    this.#db.exec('PRAGMA synchronous = FULL')
    try {
      return work()
    } finally {
      this.#db.exec('PRAGMA synchronous = NORMAL')
    }
  }

  /** Brings everything committed so far to the disk: the log is written in order, so the last of it is enough. */
  flush(): void {
    this.durably(() => this.write('', () => this.#db.exec('UPDATE vault SET id = id')))
  }

  /** @throws ConnectorError `NotFound` */
  known(id: string, nodes = this.nodes): Node {
    const node = nodes.byId(idOf(id))
    if (!node) throw new ConnectorError('NotFound', 'does not exist', { id })
    return node
  }

  /** @throws ConnectorError `NotFound`, `NotAContainer` */
  container(id: string, nodes = this.nodes): Node {
    const node = this.known(id, nodes)
    if (node.kind !== 'container') throw new ConnectorError('NotAContainer', 'is not a folder', { id })
    return node
  }

  /** Follows names from the root. @throws ConnectorError `NotAContainer` where one is a file */
  descend(names: readonly string[]): Node | undefined {
    let at = this.nodes.byId(rootNode)
    for (const name of names) at = at && this.#childContainer(at, name)
    return at
  }

  /** As {@link descend}, making what is missing. */
  makePath(names: readonly string[]): Node {
    let at = this.nodes.byId(rootNode)!
    for (const name of names) at = this.#childContainer(at, name) ?? this.newContainer(at.id, name, null)
    return at
  }

  newContainer(parent: bigint, name: string, key: string | null): Node {
    this.checkName(name)
    const now = nowNs()
    const empty = { kind: 'container', hash: null, size: 0n, created: now, modified: now } as const
    return this.nodes.insert({ parent, name, key, ...empty })
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  #childContainer({ id }: Node, name: string): Node | undefined {
    const found = this.nodes.byName(id, name, 'container')
    if (!found && this.nodes.byName(id, name)) {
      throw new ConnectorError('NotAContainer', `${JSON.stringify(name)} is a file`, { id: addressOf(id) })
    }
    return found
  }
}
