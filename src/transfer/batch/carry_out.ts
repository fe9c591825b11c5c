import type { Attributes, Staged } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facts, Item } from '../../connector/item.ts'
import type { Batch, StagedItem, WorkItem } from '../../ledger/ledger.ts'
import type { CarriedTo } from '../attributes.ts'
import { noNotes, type Notes } from '../notes.ts'
import { BatchOutcome } from './batch_outcome.ts'
import { BatchPlaces } from './batch_places.ts'
import { ensureContainer, type Maker } from '../containers.ts'
import { failpoint } from '../failpoints.ts'
import { FormerTraces } from './former_traces.ts'
import type { JobContext } from '../job_context.ts'
import { stagingKey } from '../job_spec.ts'
import { Suspended } from '../errors.ts'
import { factsOf } from '../facts_of.ts'
import { Stop, type Obeys } from '../threads/signals.ts'
import { replaces, transferContent } from './transfer_content.ts'
import { itemTrouble } from '../trouble.ts'
import type { Turn } from './turn.ts'
import { WholeFolders, type Refused } from './whole_folders.ts'

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

interface Ready {
  work: WorkItem
  staged: Staged
  /** Facts of the source when it was read; absent when recovered from an earlier holder. */
  read?: Facts
  /** Alterations and warnings that came up while carrying it out. */
  notes: Notes
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
    const refused = await this.#carryOut(items, staged)
    if (refused.length === 0) return
    // Somebody was quicker, or it broke off in the middle: what such a folder was to hold goes in one by one.
    await this.#carryOut(
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
  async #carryOut(items: readonly WorkItem[], before: readonly StagedItem[]): Promise<Refused[]> {
    const refused = await this.#stageAll(items, before)
    const staged = this.#ready
      .slice(this.#published)
      .map(({ work, staged }): StagedItem => ({ item: work.item, staged }))
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

  async #stageAll(items: readonly WorkItem[], staged: readonly StagedItem[]): Promise<Refused[]> {
    const refused: Refused[] = []
    const earlier = staged.length > 0 ? new Map(staged.map((s) => [s.item, s.staged])) : undefined
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
        if (before && (await this.#recover(work, before))) continue
        if (this.#former.any) await this.#former.clear(work, this.#outcome.audit)
        const prepared = await this.#prepareWhereverGone(work)
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
  async #recover(work: WorkItem, before: Staged): Promise<boolean> {
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

  /** A container may have been deleted at the destination since it was made; what is to arrive in it makes it again. */
  async #prepareWhereverGone(planned: WorkItem): Promise<Ready | undefined> {
    const work = planned.tries > 0 && planned.kind === 'item' ? await this.#lookAgain(planned) : planned
    try {
      return await this.#prepare(work)
    } catch (error) {
      const gone = error instanceof ConnectorError && error.code === 'NotFound' && this.#places.side === 'destination'
      if (!gone || !(await this.#context.containers.remake(work.container, this.#places.maker))) throw error
      return this.#prepare(work)
    }
  }

  /** A source that changed since it was listed fails the first try; the next one takes it as it is now. */
  async #lookAgain(work: WorkItem): Promise<WorkItem> {
    const { source, spec } = this.#context
    if (spec.simulated || work.action === 'attributes') return work
    const now = await source.stat(this.#places.sourceId(work), this.#context.attributes.listed)
    if (!now) throw new ConnectorError('NotFound', 'is gone')
    if (now.kind !== 'item') throw new ConnectorError('ChangedWhileRead', 'is no longer a file')
    this.#outcome.baselineMoved()
    return { ...work, source: factsOf(now) }
  }

  /** Everything up to the point where content waits to be published; what needs no content is finished here. */
  async #prepare(work: WorkItem): Promise<Ready | undefined> {
    if (this.#context.spec.simulated) return this.#simulate(work)
    switch (work.action) {
      case 'none':
      case 'adopt':
      case 'skip':
      case 'fail':
        return undefined
      case 'attributes':
        return work.kind === 'container' ? this.#leaveToFinish(work) : this.#applyAttributes(work)
      case 'reread':
        return this.#reread(work)
      case 'create':
      case 'overwrite':
        if (work.kind === 'container') return this.#makeContainer(work)
        if (work.kind === 'link') return this.#makeLink(work)
        return this.#stage(work)
      default:
        return work.action satisfies never
    }
  }

  /** The same path, with nothing written: the decision is the result. */
  #simulate(work: WorkItem): undefined {
    const writes = work.action === 'create' || work.action === 'overwrite'
    this.#outcome.finished(work, { hash: (writes ? undefined : work.hash) ?? '', notes: noNotes() })
    return undefined
  }

  async #stage(work: WorkItem): Promise<Ready> {
    const context = this.#context
    const notes = noNotes()
    const container = await this.#places.container(work)
    const onto = replaces(work) ? await this.#thereNow(work, container) : undefined
    const source = this.#places.sourceId(work)
    const attributes = await context.attributes.ofItem(source, work, { notes, onto })
    const { staged, read } = await transferContent(context, {
      work,
      source,
      container,
      key: work.partial?.key ?? stagingKey(context.spec.jobId, work.item, this.#batch.token),
      attributes,
      token: this.#batch.token,
      obeys: this.#obeys,
      at: (side) => {
        this.#places.side = side
      },
    })
    return { work, staged, read, notes }
  }

  /** A container's attributes are set when nothing more is written into it. */
  #leaveToFinish(work: WorkItem): undefined {
    this.#outcome.finishedContainer(work)
    return undefined
  }

  async #applyAttributes(work: WorkItem): Promise<undefined> {
    const context = this.#context
    const notes = noNotes()
    const container = await this.#places.container(work)
    const onto = await this.#thereNow(work, container)
    const attributes = await context.attributes.ofItem(this.#places.sourceId(work), work, { notes, onto })
    this.#places.side = 'destination'
    const { id, facts } = this.#places.counterpart(work, container)
    failpoint('attributes:before')
    const expected = this.#batch.attempt > 1 ? await this.#setBefore(id, attributes, facts) : facts
    const item = await context.destination.setAttributes(id, attributes, expected)
    await context.flush(id, container)
    failpoint('attributes:after')
    this.#outcome.finished(work, { item, hash: work.hash ?? '', notes, contentBytes: 0n })
    return undefined
  }

  /** Of what is replaced or changed, the access that stays. */
  async #thereNow(work: WorkItem, container: string): Promise<CarriedTo['onto']> {
    const item = await this.#context.attributes.thereNow(this.#places.counterpart(work, container).id)
    return item && { item, replaced: replaces(work) }
  }

  /** What is there when an earlier holder may have set attributes and died: then only its times are not as planned against. */
  async #setBefore(id: string, { modifiedNs }: Attributes, planned: Facts): Promise<Facts> {
    const now = await this.#context.destination.stat(id, [])
    if (!now || now.identity !== planned.identity || now.sizeBytes !== planned.sizeBytes) return planned
    const known = now.modifiedNs === planned.modifiedNs || now.modifiedNs === modifiedNs
    return known && planned.identity !== undefined ? factsOf(now) : planned
  }

  /** Reads the source to learn whether its bytes changed at all; only then are they written. */
  async #reread(work: WorkItem): Promise<Ready | undefined> {
    const { hash, read } = await this.#context.hashOf(this.#places.sourceId(work), work.source, this.#obeys)
    if (hash !== work.hash) return this.#stage(work)
    this.#outcome.finished(work, { hash, read, notes: noNotes(), contentBytes: 0n, keepBaseline: true })
    return undefined
  }

  async #makeContainer(work: WorkItem): Promise<undefined> {
    const parent = await this.#places.container(work)
    const { item, destinationName: name } = work
    const { token, former } = this.#places.maker
    // A try that failed may have made it and not have come to say so.
    const maker: Maker = { token, former: former || work.tries > 0 }
    const { id, made } = await ensureContainer(this.#context, { item, parent, name, ...maker })
    if (made) this.#outcome.finishedContainer(work, id)
    else this.#outcome.found(work, id)
    return undefined
  }

  async #makeLink(work: WorkItem): Promise<undefined> {
    const context = this.#context
    const notes = noNotes()
    const source = await context.source.stat(this.#places.sourceId(work), [])
    if (source?.linkTarget === undefined) throw new ConnectorError('ChangedWhileRead', 'is no longer a symbolic link')
    const parent = await this.#places.container(work)
    if (work.action === 'overwrite') await this.#makeRoom(work, parent)
    const made = await this.#linkOnce(parent, work.destinationName, source.linkTarget)
    const attributes = await context.attributes.ofItem(source.id, work, { notes })
    const item =
      Object.keys(attributes).length > 0 ? await context.destination.setAttributes(made.id, attributes) : made
    await context.flush(item.id, parent)
    this.#outcome.finished(work, { item, hash: '', notes, contentBytes: 0n })
    return undefined
  }

  /** A link made by an earlier holder that died before its commit is ours: it says the same. */
  async #linkOnce(parent: string, name: string, target: string): Promise<Item> {
    const { destination } = this.#context
    try {
      failpoint('link:before')
      const item = await destination.makeLink(parent, name, target)
      failpoint('link:after')
      return item
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'Conflict' || !destination.childId) throw error
      const there = await destination.stat(destination.childId(parent, name), [])
      if (there?.kind === 'link' && there.linkTarget === target) return there
      throw error
    }
  }

  async #publishAll(): Promise<void> {
    const { destination } = this.#context
    this.#places.side = 'destination'
    // After a halt nothing may appear any more; a pause or a cancel lets what is staged arrive.
    for (; this.#published < this.#ready.length && this.#obeys.stop !== Stop.halt; this.#published++) {
      const { work, staged, read, notes } = this.#ready[this.#published] as Ready
      try {
        if (work.keepAs !== undefined) await this.#makeRoom(work, staged.container)
        failpoint('publish:before')
        const item = await destination.publish(staged, this.#places.target(work, staged.container))
        // Staged by somebody who died: this session does not know that it was to last.
        if (!read) await this.#context.flush(item.id, staged.container)
        failpoint('publish:after')
        this.#outcome.finished(work, { item, hash: staged.hash, notes, ...(read ? { read } : {}) })
      } catch (error) {
        this.#fail(work, error)
        await this.#drop(work, staged)
      }
    }
  }

  /** What is staged and won't be published now is removed; it goes back to pending. */
  async #abandon(): Promise<void> {
    const { any, left } = await this.#folders.abandon()
    if (any) this.#stopped = true
    // On record, so that a later holder or the end of the execution clears it away.
    if (left.length > 0) await this.#context.ledger.staged(this.#batch.token, left)
    for (; this.#published < this.#ready.length; this.#published++) {
      const { work, staged } = this.#ready[this.#published] as Ready
      this.#stopped = true
      await this.#drop(work, staged)
    }
  }

  /** When even removing fails, the ledger keeps the key, so that a later try or the end of the execution clears it away. */
  async #drop({ item, source }: WorkItem, { container, key }: Staged): Promise<void> {
    try {
      await this.#context.destination.discard(container, key)
    } catch {
      await this.#context.ledger.partial(this.#batch.token, item, { key, bytes: 0n, source })
    }
  }

  /** The destination's own version moves aside before ours takes its name; a repeat finds it moved. */
  async #makeRoom(work: WorkItem, container: string): Promise<void> {
    const { destination } = this.#context
    const { id, facts } = this.#places.counterpart(work, container)
    if (work.keepAs === undefined) {
      if (work.kind === 'link') throw new ConnectorError('Unsupported', 'a symbolic link replaces nothing')
      return
    }
    const name = work.keepAs
    const aside = destination.childId && (await destination.stat(destination.childId(container, name), []))
    if (!aside || aside.identity !== facts.identity) {
      failpoint('keep:before')
      const kept = await destination.move(id, container, name, facts)
      await this.#context.flush(kept.id, container)
      failpoint('keep:after')
    }
  }

  #fail(work: WorkItem, error: unknown): void {
    this.#outcome.failed(work, this.#places.path(work), itemTrouble(error, this.#places.side))
  }

  #stopping(): boolean {
    if (this.#obeys.stop !== Stop.run) this.#stopped = true
    return this.#stopped
  }
}
