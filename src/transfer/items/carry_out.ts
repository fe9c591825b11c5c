import type { Batch, StagedItem, WorkItem } from '../../ledger/ledger.ts'
import type { Maybe } from '../../connector/maybe.ts'
import { Suspended } from '../engine/errors.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { noNotes } from '../engine/notes.ts'
import { sideBySide } from '../io/side_by_side.ts'
import { Stop, type StopToken } from '../io/stop.ts'
import { itemTrouble, type Side } from '../engine/trouble.ts'
import { BatchOutcome } from './batch_outcome.ts'
import { BatchPlaces } from './batch_places.ts'
import { discardOrKeep } from '../recovery/discard_or_keep.ts'
import { FormerTraces } from '../recovery/former_traces.ts'
import { ItemPreparation, type Ready } from './prepare_item.ts'
import type { InFlight } from './in_flight.ts'
import { ItemTransfer } from './item_transfer.ts'
import type { Mutex } from '../io/mutex.ts'
import { WholeFolders, type LeftOver } from './whole_folders.ts'

/**
 * Carries a claimed batch out: stage everything, commit what was staged, publish, commit the results. A death between any
 * two lines leaves a lease whose next holder finds out, item by item, what was reached. An error has stopped the slot.
 *
 * @returns how many items failed
 */
export async function carryOut(context: ExecutionContext, batch: Batch, hand: Hand): Promise<number> {
  const work = new BatchWork(context, batch, hand)
  return work.run()
}

/** A batch's share of the slot whose hand it is in. */
export interface Hand {
  stop: StopToken
  /** Where calls block: has the thread for all but the waiting for commits. */
  mutex?: Mutex
  /** Where they do not: what is done side by side. */
  inFlight?: InFlight
  /** Called when nothing is to be done any more but to wait for the commit of the results, if they could be sent. */
  handedIn(): void
}

class BatchWork {
  readonly #context: ExecutionContext
  readonly #batch: Batch
  readonly #stop: StopToken
  readonly #mutex: Mutex | undefined
  readonly #inFlight: InFlight | undefined
  readonly #handedIn: () => void
  readonly #places: BatchPlaces
  readonly #outcome: BatchOutcome
  readonly #folders: WholeFolders
  readonly #former: FormerTraces
  readonly #preparation: ItemPreparation
  /** Staged, and neither published nor given up. */
  #ready: Ready[] = []
  /** Permits for what those hold. */
  #heldBytes = 0
  #stopped = false

  constructor(context: ExecutionContext, batch: Batch, { stop, mutex, inFlight, handedIn }: Hand) {
    this.#context = context
    this.#batch = batch
    this.#stop = stop
    this.#mutex = mutex
    this.#inFlight = inFlight
    this.#handedIn = handedIn
    this.#places = new BatchPlaces(context, batch)
    this.#outcome = new BatchOutcome(context, stop.slot)
    this.#folders = new WholeFolders(context, batch, { places: this.#places, outcome: this.#outcome, stop })
    this.#former = new FormerTraces(context, batch, this.#places)
    this.#preparation = new ItemPreparation(context, batch, { places: this.#places, outcome: this.#outcome, stop })
  }

  async run(): Promise<number> {
    await this.#mutex?.lock()
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
      this.#letGo()
      this.#mutex?.unlock()
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
   * What fails stops the whole slot, and does so before the thread is another batch's: what was claimed ahead goes back
   * untouched, instead of running into the same.
   */
  async #orStop<T>(step: Promise<T>): Promise<T> {
    try {
      return await step
    } catch (error) {
      this.#stop.slot.raise(Stop.trouble)
      throw error
    }
  }

  /** @returns items of folders that were refused, with what is on record of them */
  async #stageAndPublish(items: readonly WorkItem[], before: readonly StagedItem[]): Promise<LeftOver[]> {
    const earlier = before.length > 0 ? new Map(before.map((s) => [s.item, s])) : undefined
    const refused = this.#inFlight
      ? await this.#stageSideBySide(items, earlier, this.#inFlight)
      : await this.#stageInTurn(items, earlier)
    await this.#commitStaged(this.#folders.stagedItems())
    // Nothing after a halt.
    const goOn = (): boolean => this.#stop.reason !== Stop.halt
    refused.push(...(await this.#folders.publish(this.#stopped, { goOn, inFlight: this.#inFlight })))
    await this.#publishAll()
    return refused
  }

  async #commitStaged(inFolders: readonly StagedItem[]): Promise<void> {
    const staged = this.#ready.map(({ work, staged, read }): StagedItem => {
      // Tried again, it is what the source had become by then.
      const source = work.tries > 0 ? read : undefined
      return { item: work.item, staged, ...(source ? { source } : {}) }
    })
    staged.push(...inFolders)
    if (staged.length === 0) return
    failpoint('staged:before-commit')
    const committed = this.#context.ledger.staged(this.#batch.token, staged)
    await (this.#mutex ? this.#mutex.whileUnlocked(committed) : committed)
    failpoint('staged:after-commit')
  }

  async #stageInTurn(
    items: readonly WorkItem[],
    earlier: ReadonlyMap<number, StagedItem> | undefined,
  ): Promise<LeftOver[]> {
    const refused: LeftOver[] = []
    for (const work of items) {
      if (this.#stopping()) break
      const item = new ItemTransfer(work)
      try {
        const alone = this.#stageOne(item, earlier)
        refused.push(...(alone instanceof Promise ? await alone : alone))
      } catch (error) {
        this.#failOrStop(item, error)
      } finally {
        item.release()
      }
    }
    return refused
  }

  /** What can't be held in memory any more is published first, so that a batch holds no more than there is room for. */
  async #stageSideBySide(
    items: readonly WorkItem[],
    earlier: ReadonlyMap<number, StagedItem> | undefined,
    inFlight: InFlight,
  ): Promise<LeftOver[]> {
    const refused: LeftOver[] = []
    const stage = async (work: WorkItem): Promise<void> => {
      const item = new ItemTransfer(work)
      try {
        refused.push(...(await this.#orStop(this.#stageOrFail(item, earlier))))
      } finally {
        item.release()
      }
    }
    const goOn = (): boolean => !this.#stopping()
    for (let next = 0; next < items.length && goOn();) {
      const first = next
      while (next < items.length && this.#hold(items[next]!, inFlight)) next += 1
      await sideBySide(items.slice(first, next), stage, { permits: inFlight.operations, goOn })
      if (next === items.length) break
      await this.#commitStaged([])
      await this.#publishAll()
      this.#letGo()
      if (next > first) continue
      // Other batches hold it all.
      const bytes = inFlight.heldBy(items[next]!.source.sizeBytes)
      await inFlight.memory.take(bytes)
      inFlight.memory.give(bytes)
    }
    return refused
  }

  #hold({ kind, source }: WorkItem, inFlight: InFlight): boolean {
    const bytes = kind === 'item' ? inFlight.heldBy(source.sizeBytes) : 0
    if (!inFlight.memory.tryTake(bytes)) return false
    this.#heldBytes += bytes
    return true
  }

  #letGo(): void {
    this.#inFlight?.memory.give(this.#heldBytes)
    this.#heldBytes = 0
  }

  async #stageOrFail(
    item: ItemTransfer,
    earlier: ReadonlyMap<number, StagedItem> | undefined,
  ): Promise<readonly LeftOver[]> {
    try {
      return await this.#stageOne(item, earlier)
    } catch (error) {
      this.#failOrStop(item, error)
      return []
    }
  }

  /** Without a promise where a small file goes into a new folder and both sides answer at once. */
  #stageOne(item: ItemTransfer, earlier: ReadonlyMap<number, StagedItem> | undefined): Maybe<readonly LeftOver[]> {
    const folder = this.#folders.of(item.work)
    return folder ? this.#folders.stage(folder, item) : this.#stageAlone(item, earlier)
  }

  async #stageAlone(
    item: ItemTransfer,
    earlier: ReadonlyMap<number, StagedItem> | undefined,
  ): Promise<readonly LeftOver[]> {
    const { work } = item
    const before = work.kind === 'item' ? earlier?.get(work.item) : undefined
    // Without a hash it was no content, but something done in place.
    if (before && before.staged.hash !== '' && (await this.#recover(item, before))) return []
    if (this.#former.any) await this.#former.clear(work, this.#outcome.audit)
    const prepared = await this.#preparation.prepare(item)
    if (prepared) this.#ready.push(prepared)
    return []
  }

  /** An earlier holder staged it and died. True when that settles the item or makes it ready again. */
  async #recover(item: ItemTransfer, { staged: before, source }: StagedItem): Promise<boolean> {
    if (source) {
      item.work = { ...item.work, source }
      this.#outcome.baselineMoved()
    }
    const { work } = item
    item.side = 'destination'
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

  /** After a halt nothing may appear any more; a pause or a cancel lets what is staged arrive. */
  async #publishAll(): Promise<void> {
    const goOn = (): boolean => this.#stop.reason !== Stop.halt
    const left = new Set(this.#ready)
    const publish = async (ready: Ready): Promise<void> => {
      await this.#publish(ready)
      left.delete(ready)
    }
    try {
      if (this.#inFlight) await sideBySide(this.#ready, publish, { permits: this.#inFlight.operations, goOn })
      else
        for (const ready of this.#ready) {
          if (!goOn()) break
          await publish(ready)
        }
    } finally {
      this.#ready = [...left]
    }
  }

  async #publish({ work, staged, read, notes }: Ready): Promise<void> {
    try {
      if (work.keepAs !== undefined) await this.#preparation.makeRoom(work, staged.container)
      failpoint('publish:before')
      const item = await this.#context.destination.publish(staged, this.#places.target(work, staged.container))
      // Staged by somebody who died: this session does not know that it was to last.
      if (!read) await this.#context.flush(item.id, staged.container)
      failpoint('publish:after')
      this.#outcome.finished(work, { item, hash: staged.hash, notes, ...(read ? { read } : {}) })
    } catch (error) {
      this.#fail(work, error, 'destination')
      await this.#requireLease()
      await discardOrKeep(this.#context, { work, token: this.#batch.token }, staged)
    }
  }

  /** What is staged and won't be published now is removed; it goes back to pending. */
  async #abandon(): Promise<void> {
    const { any, left } = await this.#folders.abandon()
    if (any) this.#stopped = true
    // On record, so that a later holder or the end of the execution clears it away.
    if (left.length > 0) await this.#context.ledger.staged(this.#batch.token, left)
    const discard = ({ work, staged }: Ready): Promise<void> =>
      discardOrKeep(this.#context, { work, token: this.#batch.token }, staged)
    const ready = this.#ready
    this.#ready = []
    if (ready.length === 0) return
    this.#stopped = true
    await this.#requireLease()
    if (this.#inFlight) await sideBySide(ready, discard, { permits: this.#inFlight.operations })
    else for (const one of ready) await discard(one)
  }

  /** What is on record as staged is a successor's to go on with, once there is one. @throws LeaseLost when there is */
  #requireLease(): Promise<void> {
    return this.#context.ledger.staged(this.#batch.token, [])
  }

  #failOrStop({ work, side }: ItemTransfer, error: unknown): void {
    if (error instanceof Suspended) this.#stopped = true
    else this.#fail(work, error, side)
  }

  #fail(work: WorkItem, error: unknown, side: Side): void {
    this.#outcome.failed(work, this.#places.path(work), itemTrouble(error, this.#context.sideName(side)))
  }

  #stopping(): boolean {
    if (this.#stop.reason !== Stop.run) this.#stopped = true
    return this.#stopped
  }
}
