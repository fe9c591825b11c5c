import type { DatabaseSync } from 'node:sqlite'
import { LeaseLost, type Holder } from '../ledger.ts'

/** `leftovers`: nobody works on it; it remembers what holders of items that failed may have left behind. */
export const LeaseKind = { listing: 0, batch: 1, finalize: 2, leftovers: 3, removal: 4 } as const

/** Which rows a batch holds; of spans, those that are still pending. */
export interface Parts {
  spans: [first: number, last: number][]
  ids: number[]
  /** Items tried again after a failure. */
  trials: number[]
  /** They go from the destination to the source. */
  toSource?: boolean
}

/** Sums a listing added for rows it only counted. */
export interface CountedSum {
  state: number
  reason: string
  items: number
  containers: number
  /** Decimal: it is kept as JSON. */
  bytes: string
}

/** What a batch's item is counted as, and where it is. */
export interface Member {
  parent: number
  kind: number
  action: number
  state: number
  reason: string
  size: number
  /** It has failed before: a row in `trial` tells of it. */
  tried: boolean
  /** It is tried again in this execution. */
  again: boolean
}

export interface Lease {
  token: number
  kind: number
  execution: number
  holder: string
  untilMs: number
  attempt: number
  former: number[]
  container: number | null
  pages: number
  counted: CountedSum[]
  parts: Parts
  staged: string | null
  /** Of one that was taken to be cleared up after: when the time of the holder before it was up; null when it had none. */
  heldUntilMs: number | null
  /** Items without a result, when already read. */
  members?: Map<number, Member>
}

const noParts: Parts = { spans: [], ids: [], trials: [] }

type NewLease = Pick<Lease, 'kind' | 'execution' | 'holder' | 'untilMs' | 'attempt'> & Partial<Lease>

interface Stored {
  token: number
  kind: number
  execution: number
  holder: string
  until_ms: number
  attempt: number
  former: string
  container: number | null
  pages: number
  counted: string | null
  parts: string | null
  staged: string | null
  held_until_ms: number | null
}

/** All leases, in memory and in the file; there are few: what slots have in hand, and what failed batches left. */
export class Leases {
  readonly #db: DatabaseSync
  readonly #insert
  readonly #delete
  readonly #renew
  readonly #staged
  readonly #page
  readonly #attempt
  readonly #heldUntil
  #all: Map<number, Lease> | undefined
  #newest = 0
  /** Leases up to this token were there when the disk was full. */
  #forgivenTo = 0

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#insert = db.prepare(
      `INSERT INTO lease (kind, execution, holder, until_ms, attempt, former, container, pages, parts, staged)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#delete = db.prepare('DELETE FROM lease WHERE token = ?')
    this.#renew = db.prepare('UPDATE lease SET until_ms = ? WHERE token = ?')
    this.#staged = db.prepare('UPDATE lease SET staged = ? WHERE token = ?')
    this.#page = db.prepare('UPDATE lease SET pages = ?, counted = ? WHERE token = ?')
    this.#attempt = db.prepare('UPDATE lease SET attempt = ? WHERE token = ?')
    this.#heldUntil = db.prepare('UPDATE lease SET held_until_ms = ? WHERE token = ?')
  }

  all(): Map<number, Lease> {
    if (!this.#all) {
      this.#all = new Map()
      const rows = this.#db.prepare('SELECT * FROM lease ORDER BY token').all() as unknown as Stored[]
      for (const row of rows) this.#all.set(row.token, restored(row))
      this.#newest = Math.max(this.#newest, rows.at(-1)?.token ?? 0)
    }
    return this.#all
  }

  give(lease: NewLease): Lease {
    const all = this.all()
    const none = { former: [], container: null, pages: 0, counted: [], parts: noParts, staged: null, heldUntilMs: null }
    const given = { ...none, ...lease }
    const { lastInsertRowid } = this.#insert.run(
      given.kind,
      given.execution,
      given.holder,
      given.untilMs,
      given.attempt,
      JSON.stringify(given.former),
      given.container,
      given.pages,
      given.kind === LeaseKind.listing ? null : JSON.stringify(given.parts),
      given.staged,
    )
    const whole: Lease = { ...given, token: Number(lastInsertRowid) }
    all.set(whole.token, whole)
    this.#newest = whole.token
    return whole
  }

  /** Remembers what holders of these items may have left, until they are tried again or the execution ends. */
  keepLeftovers(
    execution: number,
    ids: number[],
    { attempt, former, staged }: Pick<Lease, 'attempt' | 'former' | 'staged'>,
    toSource: boolean | undefined,
  ): void {
    const parts: Parts = { spans: [], ids, trials: [], ...(toSource ? { toSource } : {}) }
    this.give({
      kind: LeaseKind.leftovers,
      execution,
      holder: '',
      untilMs: Number.MAX_SAFE_INTEGER,
      attempt,
      former,
      parts,
      staged,
    })
  }

  /** Litter of one of these items or more, with those of them that it is about. */
  leftoversOf(items: readonly number[], execution: number): { lease: Lease; ids: number[] } | undefined {
    for (const lease of this.all().values()) {
      if (lease.kind !== LeaseKind.leftovers || lease.execution !== execution) continue
      const known = new Set(lease.parts.ids)
      const ids = items.filter((item) => known.has(item))
      if (ids.length > 0) return { lease, ids }
    }
    return undefined
  }

  /** @throws LeaseLost unless the token is that of a living lease of this kind */
  require(token: number, kind?: number): Lease {
    const lease = this.all().get(token)
    if (!lease || (kind !== undefined && lease.kind !== kind)) {
      throw new LeaseLost(`lease ${token} was taken over or given back`)
    }
    return lease
  }

  remove(lease: Lease): void {
    this.#delete.run(lease.token)
    this.all().delete(lease.token)
  }

  renew(lease: Lease, untilMs: number): void {
    if (untilMs <= lease.untilMs) return
    lease.untilMs = untilMs
    this.#renew.run(untilMs, lease.token)
  }

  stage(lease: Lease, staged: string | null): void {
    lease.staged = staged
    this.#staged.run(staged, lease.token)
  }

  heldUntil(lease: Lease, untilMs: number): void {
    lease.heldUntilMs = untilMs
    this.#heldUntil.run(untilMs, lease.token)
  }

  page(lease: Lease): void {
    lease.pages += 1
    this.#page.run(lease.pages, JSON.stringify(lease.counted), lease.token)
  }

  startAfresh(lease: Lease): void {
    lease.attempt = 1
    this.#attempt.run(1, lease.token)
  }

  /** The disk is full: who holds something now can't tell what became of it, and comes back for it without having died. */
  forgiveAttempts(): void {
    this.#forgivenTo = this.#newest
  }

  /** How many holders died with it, this one included if it did. */
  deathsOf(orphan: Lease): number {
    return orphan.token <= this.#forgivenTo ? orphan.attempt - 1 : orphan.attempt
  }

  /** What this holder left when it died, then what others left whose time is up. */
  orphans(kind: number, { name, execution, inHand = [] }: Holder, nowMs: number): Lease[] {
    const own: Lease[] = []
    const expired: Lease[] = []
    for (const lease of this.all().values()) {
      if (lease.kind !== kind || lease.execution !== execution) continue
      if (inHand.includes(lease.token)) continue
      if (lease.holder === name) own.push(lease)
      else if (lease.untilMs <= nowMs) expired.push(lease)
    }
    return own.concat(expired)
  }

  some(kind: number, execution: number): boolean {
    for (const lease of this.all().values()) if (lease.kind === kind && lease.execution === execution) return true
    return false
  }

  forget(): void {
    this.#all = undefined
  }
}

function restored(row: Stored): Lease {
  return {
    token: row.token,
    kind: row.kind,
    execution: row.execution,
    holder: row.holder,
    untilMs: row.until_ms,
    attempt: row.attempt,
    former: JSON.parse(row.former) as number[],
    container: row.container,
    pages: row.pages,
    counted: row.counted === null ? [] : (JSON.parse(row.counted) as CountedSum[]),
    parts: row.parts === null ? noParts : (JSON.parse(row.parts) as Parts),
    staged: row.staged,
    heldUntilMs: row.held_until_ms,
  }
}
