import type { Batch, StagedItem, WorkItem } from '../../ledger/ledger.ts'
import { Suspended } from '../errors.ts'
import { failpoint } from '../failpoints.ts'
import type { JobContext } from '../job_context.ts'
import { noNotes } from '../notes.ts'
import { Stop, type Obeys } from '../threads/signals.ts'
import { itemTrouble } from '../trouble.ts'
import { BatchOutcome } from './batch_outcome.ts'
import { BatchPlaces } from './batch_places.ts'
import { discardOrKeep } from './discard_or_keep.ts'
import { FormerTraces } from './former_traces.ts'
import { ItemPreparation, type Ready } from './prepare_item.ts'
import type { Turn } from './turn.ts'
import { WholeFolders, type LeftOver } from './whole_folders.ts'

/**
 * Carries a claimed batch out: stage everything, commit what was staged, publish, commit the results. A death between any
 * two lines leaves a lease whose next holder finds out, item by item, what was reached. An error has stopped the slot.
 *
 * @returns how many items failed
 */
export async function carryOut(context: JobContext, batch: Batch, hand: Hand): Promise<number> {
  const work = new BatchWork(context, batch, hand)
  return work.run()
}

/** A batch's share of the slot whose hand it is in. */
export interface Hand {
  obeys: Obeys
  /** Taken for all but the waiting for commits. */
  turn: Turn
  /** Called when nothing is to be done any more but to wait for the commit of the results, if they could be sent. */
  handedIn(): void
}

class BatchWork {
  readonly #context: JobContext
  readonly #batch: Batch
  readonly #obeys: Obeys
  readonly #turn: Turn
  readonly #handedIn: () => void
  readonly #places: BatchPlaces
  readonly #outcome: BatchOutcome
  readonly #folders: WholeFolders
  readonly #former: FormerTraces
  readonly #preparation: ItemPreparation
  readonly #ready: Ready[] = []
  #published = 0
  #stopped = false

  constructor(context: JobContext, batch: Batch, { obeys, turn, handedIn }: Hand) {
    this.#context = context
    this.#batch = batch
    this.#obeys = obeys
    this.#turn = turn
    this.#handedIn = handedIn
    this.#places = new BatchPlaces(context, batch)
    this.#outcome = new BatchOutcome(context, obeys.slot)
    this.#folders = new WholeFolders(context, batch, { places: this.#places, outcome: this.#outcome })
    this.#former = new FormerTraces(context, batch, this.#places)
    this.#preparation = new ItemPreparation(context, batch, { places: this.#places, outcome: this.#outcome, obeys })
  }

  async run(): Promise<number> {
    await this.#turn.take()
    try {
      await this.#orStop(this.#workThrough())
    } finally {
      await this.#handIn()
      failpoint('done:after-commit')
    }
    return this.#outcome.failures
  }

  async #workThrough(): Promise<void> {
    const { items, staged } = this.#batch
    const refused = await this.#stageAndPublish(items, staged)
    if (refused.length === 0) return
    // Somebody was quicker, or it broke off in the middle: what such a folder was to hold goes in one by one.
    await this.#stageAndPublish(
      refused.map(({ work }) => work),
      refused.flatMap(({ staged }) => staged),
    )
  }

  /** Also on the way out with a connection's trouble: what was done is recorded, the rest goes back unpunished. */
  async #handIn(): Promise<void> {
    let recorded: Promise<void>
    try {
      await this.#orStop(this.#abandon())
      recorded = this.#orStop(this.#record())
    } finally {
      this.#turn.give()
      this.#handedIn()
    }
    await recorded
  }

  async #record(): Promise<void> {
    failpoint('done:before-commit')
    const { execution } = this.#context.spec
    await this.#context.ledger.finished({
      token: this.#batch.token,
      execution,
      last: true,
      ...this.#outcome.results(),
    })
  }

  /**
   * What fails stops the whole slot, and does so before the turn is another batch's: what was claimed ahead goes back
   * untouched, instead of running into the same.
   */
  async #orStop(step: Promise<void>): Promise<void> {
    try {
      await step
    } catch (error) {
      this.#obeys.slot.raise(Stop.trouble)
      throw error
    }
  }

  /** @returns items of folders that were refused, with what is on record of them */
  async #stageAndPublish(items: readonly WorkItem[], before: readonly StagedItem[]): Promise<LeftOver[]> {
    const refused = await this.#stageAll(items, before)
    const staged = this.#ready.slice(this.#published).map(({ work, staged, read }): StagedItem => {
      // Tried again, it is what the source had become by then.
      const source = work.tries > 0 ? read : undefined
      return { item: work.item, staged, ...(source ? { source } : {}) }
    })
    staged.push(...this.#folders.stagedItems())
    if (staged.length > 0) {
      failpoint('staged:before-commit')
      await this.#turn.whileAway(this.#context.ledger.staged(this.#batch.token, staged))
      failpoint('staged:after-commit')
    }
    // Nothing after a halt.
    refused.push(...(await this.#folders.publish(this.#stopped, () => this.#obeys.stop === Stop.halt)))
    await this.#publishAll()
    return refused
  }

  async #stageAll(items: readonly WorkItem[], staged: readonly StagedItem[]): Promise<LeftOver[]> {
    const refused: LeftOver[] = []
    const earlier = staged.length > 0 ? new Map(staged.map((s) => [s.item, s])) : undefined
    for (const work of items) {
      if (this.#stopping()) break
      try {
        const folder = this.#folders.of(work)
        if (folder) {
          const staged = this.#folders.stage(folder, work)
          refused.push(...(staged instanceof Promise ? await staged : staged))
          continue
        }
        const before = work.kind === 'item' ? earlier?.get(work.item) : undefined
        // Without a hash it was no content, but something done in place.
        if (before && before.staged.hash !== '' && (await this.#recover(work, before))) continue
        if (this.#former.any) await this.#former.clear(work, this.#outcome.audit)
        const prepared = await this.#preparation.prepare(work)
        if (prepared) this.#ready.push(prepared)
      } catch (error) {
        if (error instanceof Suspended) {
          this.#stopped = true
          break
        }
        this.#fail(work, error)
      }
    }
    return refused
  }

  /** An earlier holder staged it and died. True when that settles the item or makes it ready again. */
  async #recover(planned: WorkItem, { staged: before, source }: StagedItem): Promise<boolean> {
    const work = source ? { ...planned, source } : planned
    if (source) this.#outcome.baselineMoved()
    this.#places.side = 'destination'
    const found = await this.#context.destination.reconcile(before, this.#places.target(work, before.container))
    if (found.state === 'gone') return false
    const notes = noNotes()
    if (found.state === 'staged') this.#ready.push({ work, staged: before, notes })
    else {
      await this.#context.flush(found.item.id, before.container)
      this.#outcome.finished(work, { item: found.item, hash: before.hash, notes })
    }
    return true
  }

  async #publishAll(): Promise<void> {
    const { destination } = this.#context
    this.#places.side = 'destination'
    // After a halt nothing may appear any more; a pause or a cancel lets what is staged arrive.
    for (; this.#published < this.#ready.length && this.#obeys.stop !== Stop.halt; this.#published++) {
      const { work, staged, read, notes } = this.#ready[this.#published] as Ready
      try {
        if (work.keepAs !== undefined) await this.#preparation.makeRoom(work, staged.container)
        failpoint('publish:before')
        const item = await destination.publish(staged, this.#places.target(work, staged.container))
        // Staged by somebody who died: this session does not know that it was to last.
        if (!read) await this.#context.flush(item.id, staged.container)
        failpoint('publish:after')
        this.#outcome.finished(work, { item, hash: staged.hash, notes, ...(read ? { read } : {}) })
      } catch (error) {
        this.#fail(work, error)
        await this.#requireLease()
        await discardOrKeep(this.#context, { work, token: this.#batch.token }, staged)
      }
    }
  }

  /** What is staged and won't be published now is removed; it goes back to pending. */
  async #abandon(): Promise<void> {
    const { any, left } = await this.#folders.abandon()
    if (any) this.#stopped = true
    // On record, so that a later holder or the end of the execution clears it away.
    if (left.length > 0) await this.#context.ledger.staged(this.#batch.token, left)
    if (this.#published < this.#ready.length) await this.#requireLease()
    for (; this.#published < this.#ready.length; this.#published++) {
      const { work, staged } = this.#ready[this.#published] as Ready
      this.#stopped = true
      await discardOrKeep(this.#context, { work, token: this.#batch.token }, staged)
    }
  }

  /** What is on record as staged is a successor's to go on with, once there is one. @throws LeaseLost when there is */
  #requireLease(): Promise<void> {
    return this.#context.ledger.staged(this.#batch.token, [])
  }

  #fail(work: WorkItem, error: unknown): void {
    this.#outcome.failed(work, this.#places.path(work), itemTrouble(error, this.#places.side))
  }

  #stopping(): boolean {
    if (this.#obeys.stop !== Stop.run) this.#stopped = true
    return this.#stopped
  }
}
