import type { DatabaseSync } from 'node:sqlite'
import type { Parts } from './leases.ts'

export interface WorkRow {
  seq: number
  first: number
  last: number
  /** JSON; null: every pending row from first to last, but for containers to be made, which are named. */
  ids: string | null
  /** 1: the ids are items that failed before in this execution and are to be tried again. */
  tried: number
  attempt: number
  former: string | null
  staged: string | null
  to_source: number
}

/** What a batch that was given back, or split, still remembers. */
export interface Past {
  attempt: number
  former: number[]
  staged: string | null
}

/** Open work as ranges of ids: one row stands for thousands of items. */
export class WorkQueue {
  readonly #append
  readonly #prepend
  readonly #newest
  readonly #extend
  readonly #oldest
  readonly #last
  readonly #any
  readonly #cutRange
  readonly #cutIds
  readonly #remove
  readonly #withPast

  constructor(db: DatabaseSync) {
    this.#append = db.prepare('INSERT INTO work (first, last, ids, to_source) VALUES (?, ?, ?, ?)')
    this.#prepend = db.prepare(
      `INSERT INTO work (seq, first, last, ids, tried, attempt, former, staged, to_source)
       VALUES ((SELECT min(0, coalesce(min(seq), 0)) - 1 FROM work), ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#newest = db.prepare('SELECT seq, last, ids, former, to_source FROM work ORDER BY seq DESC LIMIT 1')
    this.#extend = db.prepare('UPDATE work SET last = ? WHERE seq = ?')
    this.#oldest = db.prepare('SELECT * FROM work WHERE attempt < ? ORDER BY seq LIMIT ?')
    this.#last = db.prepare('SELECT * FROM work WHERE attempt >= ? ORDER BY seq LIMIT 1')
    this.#any = db.prepare('SELECT 1 FROM work LIMIT 1')
    this.#cutRange = db.prepare('UPDATE work SET first = ? WHERE seq = ?')
    this.#cutIds = db.prepare('UPDATE work SET first = ?, ids = ? WHERE seq = ?')
    this.#remove = db.prepare('DELETE FROM work WHERE seq = ?')
    this.#withPast = db.prepare('SELECT * FROM work WHERE former IS NOT NULL ORDER BY seq')
  }

  /** New work; a range that goes on where the newest one ends makes that one longer. */
  add(first: number, last: number, ids: number[] | undefined, toSource = false): void {
    if (!ids) {
      const newest = this.#newest.get() as unknown as WorkRow | undefined
      const goesOn = newest?.ids === null && newest.former === null && newest.last === first - 1
      if (goesOn && newest.to_source === Number(toSource)) {
        this.#extend.run(last, newest.seq)
        return
      }
    }
    this.#append.run(first, last, ids ? JSON.stringify(ids) : null, Number(toSource))
  }

  /** Puts what is left of a batch back, before all other work; items tried again only when there is a past to remember. */
  giveBack(parts: Parts, left: ReadonlySet<number>, past?: Past): void {
    const attempt = past?.attempt ?? 0
    const former = past ? JSON.stringify(past.former) : null
    const staged = past?.staged ?? null
    const toSource = Number(parts.toSource ?? false)
    if (past) this.#prependIds(parts.trials, left, { tried: 1, toSource }, past)
    this.#prependIds(parts.ids, left, { tried: 0, toSource }, past)
    for (const [first, last] of parts.spans.toReversed()) {
      let from: number | undefined
      let to = 0
      for (const id of left) {
        if (id < first || id > last) continue
        if (from === undefined || id < from) from = id
        if (id > to) to = id
      }
      if (from !== undefined) this.#prepend.run(from, to, null, 0, attempt, former, staged, toSource)
    }
  }

  #prependIds(
    all: number[],
    left: ReadonlySet<number>,
    { tried, toSource }: { tried: number; toSource: number },
    past: Past | undefined,
  ): void {
    const ids = all.filter((id) => left.has(id))
    if (ids.length === 0) return
    const former = past ? JSON.stringify(past.former) : null
    const text = JSON.stringify(ids)
    this.#prepend.run(ids[0]!, ids.at(-1)!, text, tried, past?.attempt ?? 0, former, past?.staged ?? null, toSource)
  }

  /** Of those that fewer holders than this died with. */
  oldest(limit: number, deaths: number): WorkRow[] {
    return this.#oldest.all(deaths, limit) as unknown as WorkRow[]
  }

  /** One of those that at least so many holders died with: they come last. */
  last(deaths: number): WorkRow | undefined {
    return this.#last.get(deaths) as unknown as WorkRow | undefined
  }

  /** Work that an earlier holder may have left traces of. */
  withPast(): WorkRow[] {
    return this.#withPast.all() as unknown as WorkRow[]
  }

  cutRange(row: WorkRow, first: number): void {
    this.#cutRange.run(first, row.seq)
  }

  cutIds(row: WorkRow, ids: number[]): void {
    this.#cutIds.run(ids[0]!, JSON.stringify(ids), row.seq)
  }

  remove(row: WorkRow): void {
    this.#remove.run(row.seq)
  }

  empty(): boolean {
    return this.#any.get() === undefined
  }
}

export function partsOf(row: WorkRow): Parts {
  if (row.ids !== null) {
    const ids = JSON.parse(row.ids) as number[]
    const named = row.tried === 1 ? { spans: [], ids: [], trials: ids } : { spans: [], ids, trials: [] }
    return { ...named, ...direction(row) }
  }
  return { spans: [[row.first, row.last]], ids: [], trials: [], ...direction(row) }
}

/** Which way the items of a batch go; it is in no part of those that go to the destination. */
export function direction({ to_source }: Pick<WorkRow, 'to_source'>): Pick<Parts, 'toSource'> {
  return to_source === 1 ? { toSource: true } : {}
}

export function pastOf(row: WorkRow): Past {
  return {
    attempt: row.attempt,
    former: row.former === null ? [] : (JSON.parse(row.former) as number[]),
    staged: row.staged,
  }
}

/** One more holder tries. */
export function oneMore(past: Past): Past {
  return { ...past, attempt: past.attempt + 1 }
}
