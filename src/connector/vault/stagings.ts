import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { transaction } from '../../database/sqlite.ts'
import type { Blobs } from './blobs.ts'
import type { Nodes } from './nodes.ts'

/** A content that is whole and waits to be published. */
export interface StagedRow {
  key: string
  container: bigint
  hash: string
  size: bigint
  created: bigint | null
  modified: bigint | null
  /** 1: to survive a power cut. */
  power: bigint
}

/** What belongs to no item: stagings, and blobs that lost their last one. */
export class Stagings {
  readonly #db: DatabaseSync
  readonly #nodes: Nodes
  readonly #blobs: Blobs
  readonly #find: StatementSync
  readonly #insert: StatementSync
  readonly #remove: StatementSync
  readonly #holds: StatementSync
  readonly #loosen: StatementSync
  readonly #loose: StatementSync
  readonly #tighten: StatementSync

  constructor(db: DatabaseSync, nodes: Nodes, blobs: Blobs) {
    this.#db = db
    this.#nodes = nodes
    this.#blobs = blobs
    this.#find = db.prepare('SELECT * FROM stagings WHERE key = ?')
    this.#find.setReadBigInts(true)
    this.#insert = db.prepare('INSERT OR REPLACE INTO stagings VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#remove = db.prepare('DELETE FROM stagings WHERE key = ?')
    this.#holds = db.prepare('SELECT 1 FROM stagings WHERE hash = ? LIMIT 1')
    this.#loosen = db.prepare('INSERT OR IGNORE INTO loose VALUES (?)')
    this.#loose = db.prepare('SELECT hash FROM loose LIMIT 500')
    this.#tighten = db.prepare('DELETE FROM loose WHERE hash = ?')
  }

  find(key: string): StagedRow | undefined {
    return this.#find.get(key) as StagedRow | undefined
  }

  insert({ key, container, hash, size, created, modified, power }: StagedRow): void {
    this.#insert.run(key, container, hash, size, created, modified, power)
  }

  remove(key: string): void {
    this.#remove.run(key)
  }

  /** Notes, inside the transaction that takes an item or staging from it, that nothing may need this blob any more. */
  loosen(hash: string): void {
    this.#loosen.run(hash)
  }

  /**
   * Removes blobs that nothing holds. Safe beside others who publish: they and this hold the write lock while a blob gets
   * its name or loses it, so none can come to be held between the look and the removal. Safe to die in: what was noted stays noted.
   *
   * @returns how many were removed
   */
  sweep(): number {
    let removed = 0
    for (;;) {
      const some = this.#loose.all() as { hash: string }[]
      if (some.length === 0) return removed
      transaction(this.#db, () => {
        for (const { hash } of some) {
          if (!this.#nodes.holds(hash) && this.#holds.get(hash) === undefined) {
            this.#blobs.remove(hash)
            removed++
          }
          this.#tighten.run(hash)
        }
      })
    }
  }
}
