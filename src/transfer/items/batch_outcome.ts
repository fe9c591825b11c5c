import type { Facts, Item } from '../../connector/item.ts'
import { noFacts, noResults, pushFacts, type FinishedItems } from '../../ledger/columns.ts'
import type { AuditRow, FailedItem, Results, WorkItem } from '../../ledger/ledger.ts'
import { keptAside } from './audit.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import type { StopFlag } from '../io/stop.ts'
import { isSmall } from './read_content.ts'
import { noNotes, type Notes } from '../engine/notes.ts'
import type { ItemTrouble } from '../engine/trouble.ts'

/** How one item was carried out. */
export interface Finished {
  hash: string
  notes: Notes
  /** As it is at the destination now; absent for containers, whose facts come when they are finished. */
  item?: Item
  /** Without an `item`: its destination id. */
  id?: string
  /** Facts of the source when it was read. */
  read?: Facts
  /** When it differs from the item's size: attributes and links write no content. */
  contentBytes?: bigint
  /** Nothing was written: the destination is as it was planned against. */
  keepBaseline?: boolean
}

/** What a batch came to, item by item, as the ledger is told it. */
export class BatchOutcome {
  readonly audit: AuditRow[] = []
  readonly #context: ExecutionContext
  readonly #slot: StopFlag
  readonly #done: FinishedItems = noResults()
  readonly #failed: FailedItem[] = []
  /** Source baselines; told when one of them is not what was planned against. */
  readonly #sources: Facts[] = []
  #baselineMoved = false

  constructor(context: ExecutionContext, slot: StopFlag) {
    this.#context = context
    this.#slot = slot
  }

  /** How many failed. */
  get failures(): number {
    return this.#failed.length
  }

  finished(work: WorkItem, result: Finished): void {
    const context = this.#context
    const { item, hash, notes, read } = result
    const processed = work.processing.length > 0 || notes.altered.length > 0
    const bytes = work.kind === 'item' ? (result.contentBytes ?? work.source.sizeBytes) : 0n
    const done = this.#done
    done.item.push(work.item)
    if (notes.flagged !== undefined) done.why[done.item.length - 1] = notes.flagged
    if (notes.altered.length > 0)
      done.altered[done.item.length - 1] = [...new Set([...work.processing, ...notes.altered])]
    done.state.push(notes.flagged === undefined ? (processed ? 'processed' : 'success') : 'remediation')
    done.reason.push(notes.flagged === undefined ? work.reason : 'permissions_lost')
    done.bytes.push(bytes)
    done.hash.push(hash)
    if (!context.destination.childId) done.destinationId.push(item?.id ?? result.id ?? work.counterpart?.id ?? '')
    pushFacts(done.destination, item ?? (result.keepBaseline && work.counterpart ? work.counterpart : unknownFacts))
    const baseline = read ?? context.settledFacts(work.source)
    if (baseline !== work.source) this.#baselineMoved = true
    this.#sources.push(baseline)
    if (notes.audit.length > 0) this.audit.push(...notes.audit)
    if (notes.flagged !== undefined)
      context.audit.add(this.audit, 'flagged', () => ({ item: work.item, message: notes.flagged! }))
    if (work.keepAs !== undefined) this.audit.push(keptAside(work.item, work.keepAs))
    context.audit.result(this.audit, work, { bytes, hash })
    // The bytes of a long content were counted on their way.
    this.#slot.count(1, isSmall(work.source.sizeBytes) ? Number(bytes) : 0)
  }

  /** A container is done when it is there: what belongs on it is set when nothing more is written into it. */
  finishedContainer(work: WorkItem, id?: string): void {
    const result: Finished = { hash: '', notes: noNotes(), contentBytes: 0n }
    this.finished(work, id === undefined ? result : { ...result, id })
  }

  /** A container that was to be made was there: somebody else's, unless the ledger learns of one of us who made it. */
  found(work: WorkItem, id: string): void {
    ;(this.#done.found ??= []).push(work.item)
    this.finishedContainer({ ...work, action: 'adopt' }, id)
  }

  /** @param path for people */
  failed(work: WorkItem, path: string, trouble: ItemTrouble): void {
    const context = this.#context
    // This try is not among those the work was claimed with.
    this.#failed.push({ item: work.item, ...trouble, retryAfterMs: context.backoffMs(work.tries + 1) })
    this.audit.push({
      item: work.item,
      level: 'error',
      type: 'failed',
      message: `${path}: ${trouble.why}`,
      detail: { reason: trouble.reason },
    })
    context.failed(`${path}: ${trouble.why}`)
  }

  /** The source was looked at again before it was read: what was planned against is not its baseline. */
  baselineMoved(): void {
    this.#baselineMoved = true
  }

  results(): Pick<Results, 'done' | 'failed' | 'audit'> {
    if (this.#baselineMoved) {
      this.#done.source = noFacts()
      for (const facts of this.#sources) pushFacts(this.#done.source, facts)
    }
    return { done: this.#done, failed: this.#failed, audit: this.audit }
  }
}

const unknownFacts: Facts = { sizeBytes: 0n }
