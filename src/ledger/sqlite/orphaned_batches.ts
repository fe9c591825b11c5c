import type { Holder } from '../ledger.ts'
import type { WireBatch, WireLeftovers } from '../wire.ts'
import { queued, type BatchRows } from './batch_rows.ts'
import type { BatchResults } from './batch_results.ts'
import type { HeldBatches } from './held_batches.ts'
import { LeaseKind, type Lease, type Member, type Parts } from './leases.ts'
import type { LedgerParts } from './parts.ts'
import { direction, oneMore, partsOf, pastOf, type Past, type WorkQueue } from './work_queue.ts'

/** A batch whose holder died this often is taken item by item. */
export const aloneAfter = 2
/** An item whose holder died this often is tried once more when nothing else is left, and in no other company. */
export const lastAfter = aloneAfter + 1

/** The holder of what is cleared up after. */
const clearing = 'complete'

interface OrphanParts {
  work: WorkQueue
  rows: BatchRows
  held: HeldBatches
  results: BatchResults
}

/** What becomes of batches whose holders died: taken over, taken apart to find who is to blame, and cleared away in the end. */
export class OrphanedBatches {
  readonly #parts: LedgerParts
  readonly #work: WorkQueue
  readonly #rows: BatchRows
  readonly #held: HeldBatches
  readonly #results: BatchResults
  readonly #allPartials
  readonly #begun

  constructor(parts: LedgerParts, { work, rows, held, results }: OrphanParts) {
    this.#parts = parts
    this.#work = work
    this.#rows = rows
    this.#held = held
    this.#results = results
    this.#allPartials = parts.db.prepare(
      `SELECT partial.item, item.parent, partial.key, partial.resume, to_source FROM partial
       JOIN item ON item.id = partial.item`,
    )
    this.#begun = parts.db.prepare('SELECT begun_ms AS begunMs FROM execution WHERE n = ?')
  }

  /** @returns what the holder gets of it; nothing when it is settled, or left for later */
  takeOver(orphan: Lease, holder: Holder): WireBatch | undefined {
    const { leases, counters } = this.#parts
    const members = this.#held.members(orphan)
    leases.remove(orphan)
    if (members.size === 0) return undefined
    const attempt = leases.deathsOf(orphan)
    const past: Past = { attempt, former: [...orphan.former, orphan.token], staged: orphan.staged }
    if (past.attempt > lastAfter) {
      for (const [item, member] of members) this.#flag(item, member, past, orphan)
      counters.flush(orphan.execution)
      return undefined
    }
    const { parts } = orphan
    if (past.attempt === lastAfter) {
      // Where workers are killed often, it may only have been in hand: whoever is to blame is found out at the end.
      this.#held.putBack(parts, new Set(members.keys()), orphan.token, past)
      return undefined
    }
    if (past.attempt < aloneAfter || members.size === 1) {
      return this.#held.give(
        { parts, rows: this.#rows.of(parts, orphan.execution, orphan.token) },
        holder,
        oneMore(past),
      )
    }
    // Two holders died with it: whichever item it was, from now on each has a lease of its own.
    const [first] = members.keys()
    const alone = only(parts, first!)
    const rest = new Set(members.keys())
    rest.delete(first!)
    const rows = this.#rows.of(alone, orphan.execution, orphan.token)
    this.#held.putBack(parts, rest, orphan.token, past)
    return this.#held.give({ parts: alone, rows }, holder, oneMore(past))
  }

  /**
   * Everything of an execution that nobody works on any more but that may have left something behind, taken over under
   * new tokens: a holder that comes back late is fenced off.
   */
  leftovers(execution: number): WireLeftovers {
    const { leases, addresses } = this.#parts
    const batches: WireLeftovers['batches'] = []
    for (const row of this.#work.withPast()) {
      this.#work.remove(row)
      const { attempt, former, staged } = pastOf(row)
      const parts = partsOf(row)
      const taken = { parts, rows: this.#rows.of(parts, execution, queued) }
      if (taken.rows.length === 0) continue
      batches.push(this.#held.give(taken, complete(execution), { attempt: Math.max(1, attempt), former, staged }))
    }
    const given = new Set(batches.map((batch) => batch.token))
    for (const lease of [...leases.all().values()]) {
      if (lease.execution !== execution || given.has(lease.token)) continue
      if (lease.kind === LeaseKind.batch) batches.push(...this.#takeOverForGood(lease))
      else if (lease.kind === LeaseKind.leftovers) batches.push(this.#held.leftovers(lease))
    }
    const partials = this.#allPartials.all() as unknown as {
      item: number
      parent: number
      key: string
      resume: string | null
      to_source: number
    }[]
    return {
      batches,
      partials: partials.map(({ item, parent, key, resume, to_source }) => ({
        item,
        container: addresses.of(parent, to_source === 1),
        key,
        ...direction({ to_source }),
        ...(resume === null ? {} : { resume }),
      })),
    }
  }

  #takeOverForGood(lease: Lease): WireLeftovers['batches'] {
    const { leases } = this.#parts
    const rows = this.#rows.of(lease.parts, lease.execution, lease.token)
    leases.remove(lease)
    if (rows.length === 0) return []
    const former = [...lease.former, lease.token]
    const past = { attempt: lease.attempt, former, staged: lease.staged }
    const batch = this.#held.give({ parts: lease.parts, rows }, complete(lease.execution), past)
    // Who clears up may die of it, too: then it is still the time of who had it in hand that counts.
    const untilMs = lease.holder === clearing ? lease.heldUntilMs : lease.untilMs
    if (untilMs === null) return [batch]
    leases.heldUntil(leases.require(batch.token), untilMs)
    const { begunMs: fromMs } = this.#begun.get(lease.execution) as { begunMs: number }
    return [{ ...batch, held: { fromMs, untilMs } }]
  }

  #flag(item: number, member: Member, past: Past, { execution, parts }: Lease): void {
    const { counters, crashed, leases } = this.#parts
    const why = `the worker died ${past.attempt} times with it in hand, the last time with nothing else`
    this.#results.failed(item, member, { reason: 'crashed_worker', why, notBeforeMs: 'never' })
    leases.keepLeftovers(execution, [item], past, parts.toSource)
    crashed(item, why)
    counters.flush(execution)
  }
}

function only(parts: Parts, item: number): Parts {
  const way = parts.toSource ? { toSource: true } : {}
  if (parts.trials.includes(item)) return { spans: [], ids: [], trials: [item], ...way }
  return { spans: [], ids: [item], trials: [], ...way }
}

function complete(execution: number): Holder {
  return { name: clearing, execution, leaseMs: 24 * 60 * 60 * 1000 }
}
