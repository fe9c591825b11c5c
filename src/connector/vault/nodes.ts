import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'

/** A row of the tree. */
export interface Node {
  id: bigint
  parent: bigint | null
  name: string
  kind: 'item' | 'container'
  hash: string | null
  size: bigint
  created: bigint
  modified: bigint
  changed: bigint
  version: bigint
  key: string | null
}

type NewNode = Pick<Node, 'name' | 'kind' | 'hash' | 'size' | 'created' | 'modified'> & {
  parent: bigint
  key: string | null
}

export const rootNode = 1n
const columns = 'id, parent, name, kind, hash, size, created, modified, changed, version, key'

/** The tree in its table: one statement per question. Callers hold the transaction. */
export class Nodes {
  readonly #prepare: (sql: string) => StatementSync
  readonly #vaultId: string

  constructor(db: DatabaseSync) {
    const known = new Map<string, StatementSync>()
    this.#prepare = (sql) => {
      let statement = known.get(sql)
      if (!statement) {
        statement = db.prepare(sql)
        // Sizes and nanoseconds exceed what a double holds.
        statement.setReadBigInts(true)
        known.set(sql, statement)
      }
      return statement
    }
    this.#vaultId = (db.prepare('SELECT id FROM vault').get() as { id: string }).id
  }

  byId(id: bigint): Node | undefined {
    return this.#one('id = ?', id)
  }

  /** Of several siblings of one name the first that was made; with `kind`, of that kind. */
  byName(parent: bigint, name: string, kind?: Node['kind']): Node | undefined {
    return kind === undefined
      ? this.#one('parent = ? AND name = ? ORDER BY id LIMIT 1', parent, name)
      : this.#one('parent = ? AND name = ? AND kind = ? ORDER BY id LIMIT 1', parent, name, kind)
  }

  byKey(key: string): Node | undefined {
    return this.#one('key = ?', key)
  }

  /** In the order of ids, beginning after one. */
  children(parent: bigint, after: bigint, limit: number): Node[] {
    return this.#prepare(
      `SELECT ${columns} FROM nodes INDEXED BY nodes_listing WHERE parent = ? AND id > ? ORDER BY id LIMIT ?`,
    ).all(parent, after, limit) as unknown as Node[]
  }

  insert({ parent, name, kind, hash, size, created, modified, key }: NewNode): Node {
    return this.#prepare(
      `INSERT INTO nodes (parent, name, kind, hash, size, created, modified, changed, key)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ${columns}`,
    ).get(parent, name, kind, hash, size, created, modified, nowNs(), key) as unknown as Node
  }

  /** Every change of a node raises its version. */
  change(
    id: bigint,
    change: Partial<Pick<Node, 'parent' | 'name' | 'hash' | 'size' | 'created' | 'modified' | 'key'>>,
  ): Node {
    const set = Object.keys(change).map((column) => `${column} = ?, `)
    return this.#prepare(
      `UPDATE nodes SET ${set.join('')}changed = ?, version = version + 1 WHERE id = ? RETURNING ${columns}`,
    ).get(...Object.values(change), nowNs(), id) as unknown as Node
  }

  remove(id: bigint): void {
    this.#prepare('DELETE FROM nodes WHERE id = ?').run(id)
  }

  forgetKey(key: string): void {
    this.#prepare('UPDATE nodes SET key = NULL WHERE key = ?').run(key)
  }

  isBelow(id: bigint, above: bigint): boolean {
    for (let at = this.byId(id); at; at = at.parent === null ? undefined : this.byId(at.parent)) {
      if (at.id === above) return true
    }
    return false
  }

  holds(hash: string): boolean {
    return this.#prepare('SELECT 1 FROM nodes WHERE hash = ? LIMIT 1').get(hash) !== undefined
  }

  item(node: Node): Item {
    return {
      id: addressOf(node.id),
      name: node.name,
      kind: node.kind,
      // The vault's own id in front: node 7 of another vault, put in its place, is somebody else.
      identity: `${this.#vaultId}/${node.id}`,
      version: node.version.toString(),
      ...(node.hash !== null && { hash: node.hash }),
      sizeBytes: node.size,
      createdNs: node.created,
      modifiedNs: node.modified,
      changedNs: node.changed,
    }
  }

  /** The node an `identity` of {@link item} means, in this vault. */
  idOfIdentity(identity: string): bigint | undefined {
    const [vault, id] = identity.split('/')
    return vault === this.#vaultId && id !== undefined && /^\d{1,18}$/.test(id) ? BigInt(id) : undefined
  }

  /** @throws ConnectorError `PreconditionFailed` when the node is not, or no longer, what was expected */
  expect(node: Node, expected: Facts): void {
    const now = this.item(node)
    const differs = (['identity', 'version', 'hash', 'modifiedNs', 'changedNs'] as const).find(
      (fact) => expected[fact] !== undefined && expected[fact] !== now[fact],
    )
    const fact = differs ?? (expected.sizeBytes === now.sizeBytes ? undefined : 'sizeBytes')
    if (fact !== undefined) {
      throw new ConnectorError('PreconditionFailed', `changed meanwhile (${fact})`, { id: now.id })
    }
  }

  #one(where: string, ...values: SQLInputValue[]): Node | undefined {
    return this.#prepare(`SELECT ${columns} FROM nodes WHERE ${where}`).get(...values) as Node | undefined
  }
}

export function addressOf(id: bigint): string {
  return `n${id}`
}

/** @throws ConnectorError `NotFound`: whatever else the text is, nothing of this vault has that address */
export function idOf(address: string): bigint {
  if (!/^n\d{1,18}$/.test(address)) throw new ConnectorError('NotFound', 'is no address of a vault', { id: address })
  return BigInt(address.slice(1))
}

export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
