import type { DatabaseSync } from 'node:sqlite'
import { rootItem } from '../ledger.ts'

/** Where a path leads in the ledger. */
export type FoundPath =
  | { item: number }
  /** The last of it that is known, and the name that is not known in there. */
  | { below: number; missing: string }
  /** Several are meant as well. */
  | { several: string[] }

interface Named {
  id: number
  name: string
  destination_name: string | null
}

/** Finds items by paths as people and shells write them. */
export class ItemFinder {
  readonly #extents
  readonly #exact
  readonly #all

  constructor(db: DatabaseSync) {
    this.#extents = db.prepare('SELECT first, last FROM extent WHERE container = ? ORDER BY first')
    this.#exact = db.prepare(
      `SELECT id, name, destination_name FROM item WHERE id BETWEEN ?2 AND ?3 AND parent = ?4
         AND (name = ?1 OR destination_name = ?1)`,
    )
    this.#all = db.prepare('SELECT id, name, destination_name FROM item WHERE id BETWEEN ? AND ? AND parent = ?')
  }

  /** @param names from the job's root down */
  find(names: readonly string[]): FoundPath {
    let item = rootItem
    for (const name of names) {
      const found = this.#child(item, name)
      if (found.length > 1) return { several: found.map((row) => row.name) }
      if (found[0] === undefined) return { below: item, missing: name }
      item = found[0].id
    }
    return { item }
  }

  /** By its name at the source, else by that at the destination, else by what is the same to the eye. */
  #child(container: number, name: string): Named[] {
    const extents = this.#extents.all(container) as unknown as { first: number; last: number }[]
    const exact = extents.flatMap(
      ({ first, last }) => this.#exact.all(name, first, last, container) as unknown as Named[],
    )
    const same = exact.filter((row) => row.name === name)
    if (same.length > 0 || exact.length > 0) return (same.length > 0 ? same : exact).slice(0, 1)
    const wanted = alike(name)
    return extents.flatMap(({ first, last }) =>
      (this.#all.all(first, last, container) as unknown as Named[]).filter(
        (row) =>
          alike(row.name) === wanted || (row.destination_name !== null && alike(row.destination_name) === wanted),
      ),
    )
  }
}

/**
 * A file system may spell a name in other case or composition than it was given. And of bytes that are no UTF-8 a program
 * gets only that they were there: U+FFFD, which in names of ours is followed by the byte.
 */
function alike(name: string): string {
  return name
    .replaceAll(/(?:\uFFFD[0-9A-F]{2})+|\uFFFD+/gu, '\uFFFD')
    .normalize('NFC')
    .toLowerCase()
}
