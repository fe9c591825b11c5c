import { setImmediate as othersTurn } from 'node:timers/promises'
import type { Session, Staged, Target } from '../../connector/connector.ts'
import type { Facet, Item } from '../../connector/item.ts'
import { noFacts, noResults, pushFacts } from '../../ledger/columns.ts'
import type { AuditRow, LeftBatch, Results, WorkItem } from '../../ledger/ledger.ts'
import { settledFacts } from '../../policy/changed.ts'
import { Audit, keptAside } from '../items/audit.ts'
import { replaces } from '../items/transfer_content.ts'
import { failpoint } from './failpoints.ts'
import { formerAccessOfNew } from '../items/new_access.ts'
import type { ActiveExecution } from '../engine/active_executions.ts'

/** What is larger is not read here, where a whole worker would wait for it. */
const readUpToBytes = 64n << 20n

/** An item that arrived, and of which the ledger does not know it. */
export interface Published {
  work: WorkItem
  item: Item
  /** On `id` platforms. */
  destinationId?: string
  /** Empty text where the content was not read: it is ours, but whether it is whole the next execution sees to. */
  hash: string
}

/** Finds what holders who died had published before they could tell. Asking again finds the same, whatever is cleared away meanwhile. */
export class PublishedBefore {
  readonly #session: Session
  /** As listings ask, so that what is recorded is what they will see. */
  readonly #want: readonly Facet[]
  readonly #power: boolean

  static async of({ ledger, spec }: ActiveExecution, session: Session): Promise<PublishedBefore> {
    const want: Facet[] = (await formerAccessOfNew(ledger)) === 'closed' ? ['permissions'] : []
    return new PublishedBefore(session, want, spec.settings.durability === 'power')
  }

  private constructor(session: Session, want: readonly Facet[], power: boolean) {
    this.#session = session
    this.#want = want
    this.#power = power
  }

  /**
   * @param staged as it is on record
   * @returns nothing when it was not published
   * @throws ConnectorError
   */
  async find(work: WorkItem, staged: Staged): Promise<Published | undefined> {
    // What is on record of a container only says that its making was tried.
    if (work.kind !== 'item') return undefined
    const isRead = staged.sizeBytes <= readUpToBytes || staged.identity === undefined || !this.#session.childId
    const item = isRead ? await this.#reconciled(work, staged) : await this.#sameThere(work.destinationName, staged)
    await othersTurn()
    if (!item) return undefined
    if (this.#power) await this.#session.flush?.(item.id, staged.container)
    const hash = isRead ? staged.hash : ''
    return this.#session.childId ? { work, item, hash } : { work, item, hash, destinationId: item.id }
  }

  async #reconciled(work: WorkItem, staged: Staged): Promise<Item | undefined> {
    const target: Target = {
      container: staged.container,
      name: work.destinationName,
      condition: replaces(work) && work.counterpart ? work.counterpart : 'absent',
      want: this.#want,
    }
    const found = await this.#session.reconcile(staged, target)
    return found.state === 'published' ? found.item : undefined
  }

  async #sameThere(name: string, { container, key, identity, sizeBytes }: Staged): Promise<Item | undefined> {
    const id = this.#session.childId?.(container, name) ?? ''
    const there = await this.#session.stat(id, [])
    if (there?.kind !== 'item' || there.identity !== identity || there.sizeBytes !== sizeBytes) return undefined
    // Without its second name, which may still be there, it has another change time.
    await this.#session.discard(container, key)
    return (await this.#session.stat(id, this.#want)) ?? undefined
  }
}

/**
 * Tells the ledger, under the batch's token, what of it had arrived: to the next execution it would be somebody's, and arrive
 * a second time beside itself, or never. What is told is none of the batch's any more, so nothing else may be left to do for it.
 */
export async function recordPublished(
  job: ActiveExecution,
  { execution, token, published }: { execution: number; published: readonly Published[] } & Pick<LeftBatch, 'token'>,
): Promise<void> {
  if (published.length === 0) return
  failpoint('published:before-record')
  await job.ledger.finished({ token, execution, last: false, ...resultsOf(job, published) })
  failpoint('published:after-record')
}

function resultsOf(
  { spec }: ActiveExecution,
  published: readonly Published[],
): Pick<Results, 'done' | 'failed' | 'audit'> {
  const log = new Audit(spec.settings.auditLevel)
  const audit: AuditRow[] = []
  const done = { ...noResults(), source: noFacts() }
  for (const { work, item, destinationId, hash } of published) {
    const bytes = work.source.sizeBytes
    done.item.push(work.item)
    done.state.push(work.processing.length > 0 ? 'processed' : 'success')
    done.reason.push(work.reason)
    done.bytes.push(bytes)
    done.hash.push(hash)
    if (destinationId !== undefined) done.destinationId.push(destinationId)
    pushFacts(done.destination, item)
    // When it was read nobody knows any more: the next execution looks at it again.
    pushFacts(done.source, settledFacts(work.source, 0n, 0n))
    if (work.keepAs !== undefined) audit.push(keptAside(work.item, work.keepAs))
    log.result(audit, work, { bytes, hash })
  }
  return { done, failed: [], audit }
}
