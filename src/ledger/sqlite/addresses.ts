import type { DatabaseSync } from 'node:sqlite'
import type { WireAddress } from '../wire.ts'

interface ContainerRow {
  parent: number
  name: string
  destinationName: string
  sourceId: string | null
  destinationId: string | null
  ready: boolean
  source: string
  depth: number
  made: number
  gone: number
}

const remembered = 20_000

/** Where containers are, by walking up to the root; the most recently used are remembered. */
export class Addresses {
  readonly #rows = new Map<number, ContainerRow>()
  readonly #select

  constructor(db: DatabaseSync) {
    this.#select = db.prepare(
      `SELECT parent, name, coalesce(destination_name, name) AS destinationName, source_id AS sourceId,
         destination_id AS destinationId, ready, source, depth, made, gone
       FROM item JOIN container ON container.item = item.id WHERE item.id = ?`,
    )
  }

  /** @throws Error when the ledger has no such container */
  row(container: number): ContainerRow {
    const known = this.#rows.get(container)
    if (known) {
      this.#rows.delete(container)
      this.#rows.set(container, known)
      return known
    }
    const row = this.#select.get(container) as unknown as ContainerRow | undefined
    if (!row) throw new Error(`the ledger has no container ${container}`)
    row.ready = Boolean(row.ready)
    this.#rows.set(container, row)
    if (this.#rows.size > remembered) {
      const [oldest] = this.#rows.keys()
      if (oldest !== undefined) this.#rows.delete(oldest)
    }
    return row
  }

  of(container: number): WireAddress {
    const row = this.row(container)
    const sourceNames: string[] = []
    const destinationNames: string[] = []
    for (let at = row; at.parent !== 0; at = this.row(at.parent)) {
      sourceNames.push(at.name)
      destinationNames.push(at.destinationName)
    }
    return {
      item: container,
      parent: row.parent,
      sourceNames: sourceNames.reverse(),
      destinationNames: destinationNames.reverse(),
      ...(row.sourceId === null ? {} : { sourceId: row.sourceId }),
      ...(row.destinationId === null ? {} : { destinationId: row.destinationId }),
      ready: row.ready,
      ...(row.made === 0 ? {} : { madeIn: row.made }),
      source: row.source,
    }
  }

  /** The container and those above it, topmost first: from the root, or from the nearest that is at the destination. */
  chain(container: number, from: 'root' | 'nearest'): WireAddress[] {
    const chain: WireAddress[] = []
    for (let id = container; id !== 0; id = this.row(id).parent) {
      const address = this.of(id)
      chain.push(address)
      if (from === 'nearest' && address.ready) break
    }
    return chain.reverse()
  }

  changed(container: number): void {
    this.#rows.delete(container)
  }

  forget(): void {
    this.#rows.clear()
  }
}
