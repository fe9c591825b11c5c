import type { DatabaseSync } from 'node:sqlite'
import { nothingText } from '../facts_text.ts'
import type { WireAddress } from '../wire.ts'

interface ContainerRow {
  parent: number
  name: string
  destinationName: string
  sourceId: string | null
  destinationId: string | null
  /** At the destination; of what came from there, at the source. */
  ready: boolean
  toSource: boolean
  source: string
  destination: string | null
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
         destination_id AS destinationId, ready, to_source AS toSource, source, destination, depth, made, gone
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
    row.toSource = Boolean(row.toSource)
    this.#rows.set(container, row)
    if (this.#rows.size > remembered) {
      const [oldest] = this.#rows.keys()
      if (oldest !== undefined) this.#rows.delete(oldest)
    }
    return row
  }

  /** @param toSource as who writes to the source sees it: with both sides exchanged */
  of(container: number, toSource = false): WireAddress {
    const row = this.row(container)
    const sourceNames: string[] = []
    const destinationNames: string[] = []
    for (let at = row; at.parent !== 0; at = this.row(at.parent)) {
      sourceNames.push(at.name)
      destinationNames.push(at.destinationName)
    }
    const here = { names: sourceNames.reverse(), id: row.sourceId, facts: row.source }
    const there = { names: destinationNames.reverse(), id: row.destinationId, facts: row.destination ?? nothingText }
    const [from, to] = toSource ? [there, here] : [here, there]
    return {
      item: container,
      parent: row.parent,
      sourceNames: from.names,
      destinationNames: to.names,
      ...(from.id === null ? {} : { sourceId: from.id }),
      ...(to.id === null ? {} : { destinationId: to.id }),
      ready: isThere(row, toSource),
      ...(row.made === 0 || row.toSource !== toSource ? {} : { madeIn: row.made }),
      source: from.facts,
    }
  }

  /** The container and those above it, topmost first: from the root, or from the nearest that is at the destination. */
  chain(container: number, from: 'root' | 'nearest', toSource = false): WireAddress[] {
    const chain: WireAddress[] = []
    for (let id = container; id !== 0; id = this.row(id).parent) {
      const address = this.of(id, toSource)
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

/** Whether a container is at the side that is written: made there, or where it came from. */
function isThere({ ready, toSource: cameBack, gone }: ContainerRow, toSource: boolean): boolean {
  if (cameBack === toSource) return ready
  return toSource ? gone === 0 : true
}
