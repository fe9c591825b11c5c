import { scratchDatabase } from '../../database/scratch.ts'
import type { Item } from '../../connector/item.ts'
import type { TrackedRow } from '../../ledger/ledger.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import type { SideName } from '../engine/sides.ts'
import { pack, unpack } from './packed.ts'

export interface SpooledChild {
  /** Order of listing, from 1. */
  n: number
  key: string
  item: Item
  row: TrackedRow | undefined
  counterpart: Item | null
}

type Naming = Pick<ExecutionContext, 'keyOf' | 'keyOfRow' | 'nameKey'>

/**
 * One wide container on disk: what both sides list and what is tracked of it. The database has no name, so that SQLite
 * removes it when it is closed and the system when the process dies.
 */
export class Spool {
  readonly #db = scratchDatabase(`
    CREATE TABLE source (n INTEGER PRIMARY KEY, key TEXT NOT NULL, same TEXT NOT NULL, plain INTEGER NOT NULL DEFAULT 0, item TEXT NOT NULL);
    CREATE TABLE destination (same TEXT PRIMARY KEY, item TEXT NOT NULL, matched INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE tracked (key TEXT PRIMARY KEY, id INTEGER NOT NULL, same TEXT NOT NULL, name TEXT NOT NULL, gone INTEGER NOT NULL, row TEXT NOT NULL) WITHOUT ROWID;
  `)
  readonly #putSource
  readonly #putDestination
  readonly #putTracked
  readonly #page
  #hasNamesAtSource = false
  readonly #counterpart
  readonly #matched
  readonly #holds
  readonly #plain

  constructor() {
    this.#putSource = this.#db.prepare('INSERT INTO source (key, same, item) VALUES (?, ?, ?)')
    this.#putDestination = this.#db.prepare('INSERT OR IGNORE INTO destination (same, item) VALUES (?, ?)')
    this.#putTracked = this.#db.prepare(
      'INSERT OR IGNORE INTO tracked (key, id, same, name, gone, row) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#page = this.#db.prepare(
      'SELECT n, source.key, item, row FROM source LEFT JOIN tracked ON tracked.key = source.key WHERE n > ? ORDER BY n LIMIT ?',
    )
    this.#counterpart = this.#db.prepare('SELECT item FROM destination WHERE same = ?')
    this.#matched = this.#db.prepare('UPDATE destination SET matched = 1 WHERE same = ?')
    this.#holds = this.#db.prepare('SELECT 1 FROM destination WHERE same = ?')
    this.#plain = this.#db.prepare('SELECT item FROM source WHERE same = ? AND plain = 1')
  }

  put(side: SideName, items: readonly Item[], naming: Naming): void {
    this.#together(() => {
      for (const item of items) {
        const same = naming.nameKey(item.name)
        if (side === 'source') this.#putSource.run(naming.keyOf(item), same, pack(item))
        else this.#putDestination.run(same, pack(item))
      }
    })
  }

  /** Nothing of what one side has listed is there. */
  clear(side: SideName): void {
    this.#db.exec(`DELETE FROM ${side}`)
  }

  track(rows: readonly TrackedRow[], naming: Naming): void {
    this.#together(() => {
      for (const row of rows) {
        const gone = row.sourceGone || row.decided ? 1 : 0
        this.#putTracked.run(
          naming.keyOfRow(row),
          row.item,
          naming.nameKey(row.destinationName),
          row.destinationName,
          gone,
          pack(row),
        )
      }
    })
  }

  /**
   * Children whose names can't simply stay: refused ones, those another child's or another row's name meets, and those
   * remembered under another name. All others are plain from then on.
   */
  toBeNamed(isPlain: (item: Item) => boolean): { item: Item; key: string; destinationName: string | undefined }[] {
    this.#db.exec('CREATE INDEX IF NOT EXISTS same_source ON source (same)')
    this.#db.exec('CREATE INDEX IF NOT EXISTS key_source ON source (key)')
    this.#db.exec(`
      UPDATE source SET plain = 1 WHERE
        NOT EXISTS (SELECT 1 FROM source other WHERE other.same = source.same AND other.n <> source.n)
        AND NOT EXISTS (SELECT 1 FROM tracked WHERE tracked.key = source.key AND tracked.name <> json_extract(source.item, '$.name'))`)
    this.#db.exec('CREATE INDEX IF NOT EXISTS same_tracked ON tracked (same)')
    // A name remembered for somebody else is theirs, whether or not they are here.
    this.#db.exec(`
      UPDATE source SET plain = 0 WHERE plain = 1
        AND EXISTS (SELECT 1 FROM tracked WHERE tracked.same = source.same AND tracked.key <> source.key)`)
    const notPlain = this.#db.prepare('UPDATE source SET plain = 0 WHERE n = ?')
    const refused: number[] = []
    for (const { n, item } of this.#db.prepare('SELECT n, item FROM source WHERE plain = 1').iterate() as Iterable<{
      n: number
      item: string
    }>) {
      if (!isPlain(unpack<Item>(item))) refused.push(n)
    }
    this.#together(() => {
      for (const n of refused) notPlain.run(n)
    })
    const rows = this.#db
      .prepare(
        'SELECT source.key AS key, item, tracked.name AS name FROM source LEFT JOIN tracked ON tracked.key = source.key WHERE plain = 0 ORDER BY n',
      )
      .all() as unknown as { key: string; item: string; name: string | null }[]
    return rows.map(({ key, item, name }) => ({ key, item: unpack<Item>(item), destinationName: name ?? undefined }))
  }

  /** Names remembered for children that are gone: a newcomer leaves them free for who comes back. */
  *namesOfGone(): Iterable<{ key: string; name: string }> {
    yield* this.#db
      .prepare('SELECT key, name FROM tracked WHERE NOT EXISTS (SELECT 1 FROM source WHERE source.key = tracked.key)')
      .iterate() as Iterable<{ key: string; name: string }>
  }

  /** The plain child of that name, or of one the destination takes for the same. */
  plain(same: string): string | undefined {
    const found = this.#plain.get(same) as { item: string } | undefined
    return found && unpack<Item>(found.item).name
  }

  /** Whether the destination has something of that name. */
  holds(same: string): boolean {
    return this.#holds.get(same) !== undefined
  }

  children(after: number, limit: number, sameAtDestination: (key: string, name: string) => string): SpooledChild[] {
    const rows = this.#page.all(after, limit) as unknown as {
      n: number
      key: string
      item: string
      row: string | null
    }[]
    return rows.map(({ n, key, item, row }) => {
      const child = unpack<Item>(item)
      const same = sameAtDestination(key, child.name)
      const there = this.#counterpart.get(same) as unknown as { item: string } | undefined
      if (there) this.#matched.run(same)
      return {
        n,
        key,
        item: child,
        row: row === null ? undefined : unpack<TrackedRow>(row),
        counterpart: there ? unpack<Item>(there.item) : null,
      }
    })
  }

  /** Ids of tracked rows whose source is gone now and was not before. */
  gone(): number[] {
    const rows = this.#db.prepare(
      'SELECT id FROM tracked WHERE gone = 0 AND NOT EXISTS (SELECT 1 FROM source WHERE source.key = tracked.key)',
    )
    return (rows.all() as unknown as { id: number }[]).map(({ id }) => id)
  }

  /** What the destination has and no child at the source stands for, with the row of what did; asked when all children were. */
  *lonely(atOnce: number): Generator<{ counterpart: Item; row?: TrackedRow }[]> {
    this.#db.exec('CREATE INDEX IF NOT EXISTS same_tracked ON tracked (same)')
    const query = this.#db.prepare(
      `SELECT same, item, (SELECT row FROM tracked WHERE tracked.same = destination.same
           AND NOT EXISTS (SELECT 1 FROM source WHERE source.key = tracked.key)) AS row
       FROM destination WHERE matched = 0 AND same > ? ORDER BY same LIMIT ?`,
    )
    for (let after = ''; ;) {
      const rows = query.all(after, atOnce) as unknown as { same: string; item: string; row: string | null }[]
      const last = rows.at(-1)
      if (!last) return
      after = last.same
      yield rows.map(({ item, row }) => ({
        counterpart: unpack<Item>(item),
        ...(row === null ? {} : { row: unpack<TrackedRow>(row) }),
      }))
    }
  }

  /** Whether a child at the source, or one that was, has a name; by the source's own equality. */
  isNameAtSource(same: string, { nameKey }: Pick<ExecutionContext, 'nameKey'>): boolean {
    if (!this.#hasNamesAtSource) {
      this.#hasNamesAtSource = true
      this.#db.exec('CREATE TABLE source_name (same TEXT PRIMARY KEY) WITHOUT ROWID')
      const rows = this.#db.prepare('SELECT item AS text FROM source UNION ALL SELECT row AS text FROM tracked')
      for (const { text } of rows.iterate() as Iterable<{ text: string }>)
        this.nameAtSource(nameKey(unpack<{ name: string }>(text).name))
    }
    return this.#db.prepare('SELECT 1 FROM source_name WHERE same = ?').get(same) !== undefined
  }

  nameAtSource(same: string): void {
    if (this.#hasNamesAtSource) this.#db.prepare('INSERT OR IGNORE INTO source_name (same) VALUES (?)').run(same)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  #together(work: () => void): void {
    this.#db.exec('BEGIN')
    work()
    this.#db.exec('COMMIT')
  }
}
