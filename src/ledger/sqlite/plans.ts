import type { DatabaseSync } from 'node:sqlite'
import type { Processing } from '../../policy/decision.ts'
import type { WireNote, WireRest } from '../wire.ts'

interface PlanRow {
  item: number
  keep_as: string | null
  processing: string | null
  counterpart: string | null
  counterpart_id: string | null
}

/** Particulars of what was decided about items, and of why they failed since. */
export class Plans {
  readonly #write
  readonly #drop
  readonly #note
  readonly #explain
  readonly #explainAgain
  readonly #altered
  readonly #processing
  readonly #between

  constructor(db: DatabaseSync) {
    this.#write = db.prepare(
      'INSERT OR REPLACE INTO plan (item, why, keep_as, processing, counterpart, counterpart_id) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#drop = db.prepare('DELETE FROM plan WHERE item = ?')
    this.#note = db.prepare(
      `INSERT INTO plan (item, why, source, counterpart, counterpart_id) VALUES (?, ?, ?, ?, ?) ON CONFLICT (item) DO UPDATE
       SET why = excluded.why, source = excluded.source, counterpart = excluded.counterpart, counterpart_id = excluded.counterpart_id`,
    )
    this.#explain = db.prepare(
      'INSERT INTO plan (item, why) VALUES (?, ?) ON CONFLICT (item) DO UPDATE SET why = excluded.why',
    )
    this.#explainAgain = db.prepare('UPDATE plan SET why = ? WHERE item = ?')
    this.#altered = db.prepare(
      'INSERT INTO plan (item, processing) VALUES (?, ?) ON CONFLICT (item) DO UPDATE SET processing = excluded.processing',
    )
    this.#processing = db.prepare('SELECT processing FROM plan WHERE item = ?')
    this.#between = db.prepare(
      'SELECT item, keep_as, processing, counterpart, counterpart_id FROM plan WHERE item BETWEEN ? AND ?',
    )
  }

  write(item: number, { why, keepAs, processing, counterpart, counterpartId }: WireRest): void {
    this.#write.run(item, why ?? null, keepAs ?? null, processing ?? null, counterpart ?? null, counterpartId ?? null)
  }

  drop(item: number): void {
    this.#drop.run(item)
  }

  /** What was said and seen of an item that is left as it is; how it arrived stays. */
  note({ item, why, source, counterpart, counterpartId }: WireNote): void {
    this.#note.run(item, why, source, counterpart, counterpartId)
  }

  /** Why it is as it is now; the rest of its plan stays. */
  explain(item: number, why: string): void {
    this.#explain.run(item, why)
  }

  /** As {@link explain}, of an item that has a plan; null takes the explanation away. */
  explainAgain(item: number, why: string | null): void {
    this.#explainAgain.run(why, item)
  }

  /** How it arrived altered. */
  altered(item: number, processing: readonly string[]): void {
    this.#altered.run(item, processing.length === 0 ? null : JSON.stringify(processing))
  }

  processing(item: number): Processing[] {
    const row = this.#processing.get(item) as { processing: string | null } | undefined
    return JSON.parse(row?.processing ?? '[]') as Processing[]
  }

  between(first: number, last: number): PlanRow[] {
    return this.#between.all(first, last) as unknown as PlanRow[]
  }
}
