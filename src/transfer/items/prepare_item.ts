import type { Attributes, Staged } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facts, Item } from '../../connector/item.ts'
import type { Batch, WorkItem } from '../../ledger/ledger.ts'
import type { CarriedTo } from './access_carrier.ts'
import type { Maker } from './containers.ts'
import { factsOf } from './facts_of.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { stagingKey } from '../engine/execution_spec.ts'
import { noNotes, type Notes } from '../engine/notes.ts'
import type { StopToken } from '../io/stop.ts'
import type { BatchOutcome } from './batch_outcome.ts'
import type { BatchPlaces } from './batch_places.ts'
import type { ItemTransfer } from './item_transfer.ts'
import { recordingPossibleEffect } from '../recovery/possible_effect.ts'
import { replaces, transferContent } from './transfer_content.ts'

/** An item whose content waits to be published. */
export interface Ready {
  work: WorkItem
  staged: Staged
  /** Facts of the source when it was read; absent when recovered from an earlier holder. */
  read?: Facts
  /** Alterations and warnings that came up while carrying it out. */
  notes: Notes
}

interface Around {
  places: BatchPlaces
  outcome: BatchOutcome
  stop: StopToken
}

/** What each action does with one item of a batch, up to the point where content waits to be published. */
export class ItemPreparation {
  readonly #context: ExecutionContext
  readonly #batch: Batch
  readonly #places: BatchPlaces
  readonly #outcome: BatchOutcome
  readonly #stop: StopToken

  constructor(context: ExecutionContext, batch: Batch, { places, outcome, stop }: Around) {
    this.#context = context
    this.#batch = batch
    this.#places = places
    this.#outcome = outcome
    this.#stop = stop
  }

  /** A container may have been deleted at the destination since it was made; what is to arrive in it makes it again. */
  async prepare(item: ItemTransfer): Promise<Ready | undefined> {
    if (item.work.tries > 0 && item.work.kind === 'item') await this.#lookAgain(item)
    try {
      return await this.#act(item)
    } catch (error) {
      const gone = error instanceof ConnectorError && error.code === 'NotFound' && item.side === 'destination'
      // One beside it may have made the container again since it was found missing.
      if (!gone || !(await this.#context.containers.remake(item.work.container, this.#places.maker))) throw error
      return this.#act(item)
    }
  }

  /** A source that changed since it was listed fails the first try; the next one takes it as it is now. */
  async #lookAgain(item: ItemTransfer): Promise<void> {
    const { source, spec } = this.#context
    if (spec.simulated || item.work.action === 'attributes') return
    const now = await source.stat(this.#places.sourceId(item), this.#context.attributes.listed)
    if (!now) throw new ConnectorError('NotFound', 'is gone')
    if (now.kind !== 'item') throw new ConnectorError('ChangedWhileRead', 'is no longer a file')
    this.#outcome.baselineMoved()
    item.work = { ...item.work, source: factsOf(now) }
  }

  /** Everything up to the point where content waits to be published; what needs no content is finished here. */
  async #act(item: ItemTransfer): Promise<Ready | undefined> {
    const { work } = item
    if (this.#context.spec.simulated) return this.#simulate(work)
    switch (work.action) {
      case 'none':
      case 'adopt':
      case 'skip':
      case 'fail':
        return undefined
      case 'attributes':
        return work.kind === 'container' ? this.#leaveToFinish(work) : this.#applyAttributes(item)
      case 'reread':
        return this.#reread(item)
      case 'create':
      case 'overwrite':
        if (work.kind === 'container') return this.#makeContainer(item)
        if (work.kind === 'link') return this.#makeLink(item)
        return this.#stage(item)
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

  async #stage(item: ItemTransfer): Promise<Ready> {
    const context = this.#context
    const { work } = item
    const notes = noNotes()
    const container = await this.#places.container(item)
    const isNew = !replaces(work)
    const onto = isNew ? undefined : await this.#thereNow(work, container)
    const source = this.#places.sourceId(item)
    const attributes = await context.attributes.ofItem(source, work, { notes, onto, isNew })
    const { staged, read } = await transferContent(context, {
      item,
      source,
      container,
      key: work.partial?.key ?? stagingKey(context.spec.jobId, work.item, this.#batch.token),
      attributes,
      token: this.#batch.token,
      stop: this.#stop,
    })
    return { work, staged, read, notes }
  }

  /** A container's attributes are set when nothing more is written into it. */
  #leaveToFinish(work: WorkItem): undefined {
    this.#outcome.finishedContainer(work)
    return undefined
  }

  async #applyAttributes(transfer: ItemTransfer): Promise<undefined> {
    const context = this.#context
    const { work } = transfer
    const notes = noNotes()
    const container = await this.#places.container(transfer)
    const onto = await this.#thereNow(work, container)
    const attributes = await context.attributes.ofItem(this.#places.sourceId(transfer), work, { notes, onto })
    transfer.side = 'destination'
    const { id, facts } = this.#places.counterpart(work, container)
    failpoint('attributes:before')
    const expected = this.#batch.attempt > 1 ? await this.#setBefore(id, attributes, facts) : facts
    const item = await recordingPossibleEffect(
      context,
      { item: work.item, container, token: this.#batch.token },
      async () => {
        const set = await context.destination.setAttributes(id, attributes, expected)
        await context.flush(id, container)
        return set
      },
    )
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
  async #reread(item: ItemTransfer): Promise<Ready | undefined> {
    const { work } = item
    const { hash, read } = await this.#context.hashOf(this.#places.sourceId(item), work.source, this.#stop)
    if (hash !== work.hash) return this.#stage(item)
    this.#outcome.finished(work, { hash, read, notes: noNotes(), contentBytes: 0n, keepBaseline: true })
    return undefined
  }

  async #makeContainer(transfer: ItemTransfer): Promise<undefined> {
    const { work } = transfer
    const source = this.#places.sourceId(transfer)
    const parent = await this.#places.container(transfer)
    const { item, destinationName: name } = work
    const { token, former } = this.#places.maker
    // A try that failed may have made it and not have come to say so.
    const maker: Maker = { token, former: former || work.tries > 0 }
    const { id, made } = await this.#context.containers.ensure({ item, parent, name, source, ...maker })
    if (made) this.#outcome.finishedContainer(work, id)
    else this.#outcome.found(work, id)
    return undefined
  }

  async #makeLink(transfer: ItemTransfer): Promise<undefined> {
    const context = this.#context
    const { work } = transfer
    const notes = noNotes()
    const source = await context.source.stat(this.#places.sourceId(transfer), [])
    if (source?.linkTarget === undefined) throw new ConnectorError('ChangedWhileRead', 'is no longer a symbolic link')
    const parent = await this.#places.container(transfer)
    if (work.action === 'overwrite') await this.makeRoom(work, parent)
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

  /** The destination's own version moves aside before ours takes its name; a repeat finds it moved. */
  async makeRoom(work: WorkItem, container: string): Promise<void> {
    const { destination } = this.#context
    const { id, facts } = this.#places.counterpart(work, container)
    if (work.keepAs === undefined) {
      if (work.kind === 'link') throw new ConnectorError('Unsupported', 'a symbolic link replaces nothing')
      return
    }
    const name = work.keepAs
    const aside = destination.childId && (await destination.stat(destination.childId(container, name), []))
    // One that broke off half-way has both names: moving it again takes the first away.
    const isMoved = aside?.identity === facts.identity && (await destination.stat(id, []))?.identity !== facts.identity
    if (aside && isMoved) return
    failpoint('keep:before')
    const kept = await destination.move(id, container, name, facts)
    await this.#context.flush(kept.id, container)
    failpoint('keep:after')
  }
}
