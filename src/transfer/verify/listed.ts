import { scratchDatabase } from '../../database/scratch.ts'
import type { Item } from '../../connector/item.ts'
import { pack, unpack } from '../listing/packed.ts'

export interface ListedNaming {
  /** Names a child for good among its siblings. */
  keyOf(item: Item): string
  /** The side's own equality of names; children found by it when nobody has the key. */
  sameAs(name: string): string
}

const restAtOnce = 1_000

/**
 * The children one side lists in one container, each to be taken once. Up to `inMemory` of them are held in memory; more
 * go to a database without a name, so that memory stays flat and nothing stays behind.
 */
export class Listed {
  readonly #naming: ListedNaming
  readonly #inMemory: number
  readonly #items = new Map<string, Item>()
  #bySame: Map<string, string> | undefined
  #disk: OnDisk | undefined

  constructor(naming: ListedNaming, inMemory: number) {
    this.#naming = naming
    this.#inMemory = inMemory
  }

  put(items: readonly Item[]): void {
    if (this.#disk) return this.#disk.put(items, this.#naming)
    for (const item of items) this.#items.set(this.#naming.keyOf(item), item)
    if (this.#items.size <= this.#inMemory) return
    this.#disk = new OnDisk()
    this.#disk.put([...this.#items.values()], this.#naming)
    this.#items.clear()
  }

  /** @param name finds the child when nobody has the key; absent where only the key will do */
  take(key: string | undefined, name: string | undefined): Item | undefined {
    const known = key === undefined ? undefined : this.#remove(key)
    if (known || name === undefined) return known
    const same = this.#keyOfSame(this.#naming.sameAs(name))
    return same === undefined ? undefined : this.#remove(same)
  }

  /** Children nobody took. */
  *rest(): Generator<Item> {
    yield* this.#disk ? this.#disk.rest() : this.#items.values()
  }

  [Symbol.dispose](): void {
    this.#disk?.[Symbol.dispose]()
  }

  #remove(key: string): Item | undefined {
    if (this.#disk) return this.#disk.remove(key)
    const item = this.#items.get(key)
    if (item) this.#items.delete(key)
    return item
  }

  #keyOfSame(same: string): string | undefined {
    if (this.#disk) return this.#disk.keyOfSame(same)
    if (!this.#bySame) {
      this.#bySame = new Map()
      for (const [key, { name }] of this.#items) this.#bySame.set(this.#naming.sameAs(name), key)
    }
    return this.#bySame.get(same)
  }
}

class OnDisk {
  readonly #db = scratchDatabase(`
    CREATE TABLE child (key TEXT PRIMARY KEY, same TEXT NOT NULL, item TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX child_same ON child (same);
  `)
  readonly #put
  readonly #remove
  readonly #same
  readonly #page

  constructor() {
    this.#put = this.#db.prepare('INSERT OR REPLACE INTO child VALUES (?, ?, ?)')
    this.#remove = this.#db.prepare('DELETE FROM child WHERE key = ? RETURNING item')
    this.#same = this.#db.prepare('SELECT key FROM child WHERE same = ? LIMIT 1')
    this.#page = this.#db.prepare('SELECT key, item FROM child WHERE key > ? ORDER BY key LIMIT ?')
  }

  put(items: readonly Item[], { keyOf, sameAs }: ListedNaming): void {
    this.#db.exec('BEGIN')
    for (const item of items) this.#put.run(keyOf(item), sameAs(item.name), pack(item))
    this.#db.exec('COMMIT')
  }

  remove(key: string): Item | undefined {
    const row = this.#remove.get(key) as { item: string } | undefined
    return row && unpack<Item>(row.item)
  }

  keyOfSame(same: string): string | undefined {
    return (this.#same.get(same) as { key: string } | undefined)?.key
  }

  *rest(): Generator<Item> {
    for (let after = ''; ;) {
      const rows = this.#page.all(after, restAtOnce) as unknown as { key: string; item: string }[]
      for (const { item } of rows) yield unpack<Item>(item)
      const last = rows.at(-1)
      if (!last) return
      after = last.key
    }
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}

/** What is still to be looked at, last in first out; a folder may have a million folders in it. */
export class Stack<T extends object> {
  readonly #db = scratchDatabase('CREATE TABLE entry (n INTEGER PRIMARY KEY, entry TEXT NOT NULL)')
  readonly #push
  readonly #pop

  constructor() {
    this.#push = this.#db.prepare('INSERT INTO entry (entry) VALUES (?)')
    this.#pop = this.#db.prepare('DELETE FROM entry WHERE n = (SELECT max(n) FROM entry) RETURNING entry')
  }

  push(entry: T): void {
    this.#push.run(pack(entry))
  }

  pop(): T | undefined {
    const row = this.#pop.get() as { entry: string } | undefined
    return row && unpack<T>(row.entry)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}
