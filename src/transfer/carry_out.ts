import type { Facet, Facts, Item } from '../connector/item.ts'
import { then, type Maybe } from '../connector/maybe.ts'
import type { Attributes, Staged, Target } from '../connector/connector.ts'
import type { AuditRow, Batch, ContainerAddress, FailedItem, StagedItem, WorkItem } from '../ledger/ledger.ts'
import { ConnectorError } from '../connector/errors.ts'
import { noResults, pushFacts, type FinishedItems } from '../ledger/columns.ts'
import { childIdOf, descendOf, readable, sourceContainerId } from './addresses.ts'
import type { CarriedTo } from './attributes.ts'
import { ensureContainer, type Maker } from './containers.ts'
import { failpoint } from './failpoints.ts'
import type { JobContext } from './job_context.ts'
import { stagingKey } from './job_spec.ts'
import {
  discardFormer,
  foreignInside,
  formerFolders,
  newFolders,
  type FormerFolder,
  type NewFolder,
  type Placing,
} from './new_folder.ts'
import { Stop, type Obeys } from './signals.ts'
import type { Turn } from './turn.ts'
import { factsOf } from './list_container.ts'
import { isSmall, readSmall, replaces, smallContent, Suspended, transferContent } from './transfer_content.ts'
import { itemTrouble, type Side } from './trouble.ts'

/** What one batch came to: items done and failed; `stopped` when some went back untouched. */
export interface BatchEnd {
  failed: number
  stopped: boolean
}

/**
 * Carries a claimed batch out: stage everything, commit what was staged, publish, commit the results. A death between any
 * two lines leaves a lease whose next holder finds out, item by item, what was reached.
 */
export async function carryOut(context: JobContext, batch: Batch, hand: Hand): Promise<BatchEnd> {
  const work = new BatchWork(context, batch, hand)
  return work.run()
}

/** Whose hand a batch is in. */
export interface Hand {
  obeys: Obeys
  /** Taken for all but the waiting for commits. */
  turn: Turn
  /** Called when nothing is to be done any more but to wait for the commit of the results. */
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

export interface Notes {
  narrowed: boolean
  /** It arrived, and a person has to look at it all the same. */
  flagged?: string
  audit: AuditRow[]
}

class BatchWork {
  readonly #context: JobContext
  readonly #batch: Batch
  readonly #obeys: Obeys
  readonly #turn: Turn
  readonly #handedIn: () => void
  /** What listings carry of the destination. */
  readonly #want: readonly Facet[]
  readonly #containers = new Map<number, ContainerAddress>()
  readonly #done: FinishedItems = noResults()
  readonly #failed: FailedItem[] = []
  readonly #audit: AuditRow[] = []
  /** Source baselines, when one of them is not what was planned against. */
  readonly #sources: Facts[] = []
  #baselineMoved = false
  readonly #ready: Ready[] = []
  #published = 0
  /** Folders that are carried out as one, by item, until they are published or given up. */
  readonly #folders: Map<number, NewFolder>
  /** Folders that earlier holders may have staged, by item, until they are cleared away. */
  readonly #former: Map<number, FormerFolder>
  #side: Side = 'source'
  #stopped = false

  constructor(context: JobContext, batch: Batch, { obeys, turn, handedIn }: Hand) {
    this.#context = context
    this.#batch = batch
    this.#obeys = obeys
    this.#turn = turn
    this.#handedIn = handedIn
    this.#want = context.wanted
    for (const container of batch.containers) this.#containers.set(container.item, container)
    this.#folders = newFolders(context, batch)
    this.#former = batch.formerTokens.length > 0 ? formerFolders(batch) : new Map<number, FormerFolder>()
  }

  async run(): Promise<BatchEnd> {
    await this.#turn.take()
    try {
      await this.#workThrough()
    } finally {
      await this.#handIn()
      failpoint('done:after-commit')
    }
    return { failed: this.#failed.length, stopped: this.#stopped }
  }

  async #workThrough(): Promise<void> {
    const { items, staged } = this.#batch
    const refused = await this.#carryOut(items, staged)
    // Somebody was quicker: what such a folder was to hold goes in one by one.
    if (refused.length > 0)
      await this.#carryOut(
        refused.map(({ work }) => work),
        refused.flatMap(({ staged }) => staged),
      )
  }

  /** Also on the way out with a connection's trouble: what was done is recorded, the rest goes back unpunished. */
  async #handIn(): Promise<void> {
    let recorded: Promise<void>
    try {
      await this.#abandon()
      if (this.#baselineMoved) this.#done.source = columnsOf(this.#sources)
      failpoint('done:before-commit')
      recorded = this.#context.ledger.finished({
        token: this.#batch.token,
        execution: this.#context.spec.execution,
        last: true,
        done: this.#done,
        failed: this.#failed,
        audit: this.#audit,
      })
    } finally {
      this.#turn.give()
      this.#handedIn()
    }
    await recorded
  }

  /** @returns items of folders that were refused, with what is on record of them */
  async #carryOut(items: readonly WorkItem[], before: readonly StagedItem[]): Promise<Refused[]> {
    const refused = await this.#stageAll(items, before)
    const staged = this.#ready
      .slice(this.#published)
      .map(({ work, staged }): StagedItem => ({ item: work.item, staged }))
    for (const folder of this.#folders.values()) if (!folder.broken) staged.push(...folder.stagedItems())
    if (staged.length > 0) {
      failpoint('staged:before-commit')
      await this.#turn.whileAway(this.#context.ledger.staged(this.#batch.token, staged))
      failpoint('staged:after-commit')
    }
    refused.push(...(await this.#publishFolders()))
    await this.#publishAll()
    return refused
  }

  async #stageAll(items: readonly WorkItem[], staged: readonly StagedItem[]): Promise<Refused[]> {
    const refused: Refused[] = []
    const handled = this.#batch.formerTokens.length > 0
    const earlier = staged.length > 0 ? new Map(staged.map((s) => [s.item, s.staged])) : undefined
    for (const work of items) {
      if (this.#stopping()) break
      try {
        const folder = this.#folders.get(work.item) ?? this.#folders.get(work.container)
        if (folder) {
          if (folder.broken) continue
          const staged = work === folder.work ? this.#begin(folder) : this.#stageIn(folder, work)
          refused.push(...(staged instanceof Promise ? await staged : staged))
          continue
        }
        const before = work.kind === 'item' ? earlier?.get(work.item) : undefined
        if (before && (await this.#recover(work, before))) continue
        if (handled) await this.#clear(work)
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

  async #begin(folder: NewFolder): Promise<readonly Refused[]> {
    this.#side = 'destination'
    try {
      await folder.begin(await this.#container(folder.work))
      return nothing
    } catch (error) {
      return this.#giveUp(folder, error)
    }
  }

  /**
   * Without a promise where both sides answer at once: of a small file they would be a tenth of the time.
   *
   * @returns what is to go item by item after all, the folder and all that was put in it
   */
  #stageIn(folder: NewFolder, work: WorkItem): Maybe<readonly Refused[]> {
    const context = this.#context
    const notes: Notes = { narrowed: false, audit: [] }
    const source = this.#sourceId(work)
    return then(context.attributesFor(source, work, notes), (attributes) =>
      then(readSmall(context, source, work.source), (content) =>
        this.#put(folder, work, { small: smallContent(context, content, work.source), attributes, notes }),
      ),
    )
  }

  #put(folder: NewFolder, work: WorkItem, placing: Placing): Maybe<readonly Refused[]> {
    this.#side = 'destination'
    try {
      const put = folder.put(work, placing)
      if (!(put instanceof Promise)) return nothing
      return put.then(
        () => nothing,
        (error: unknown) => this.#refuse(folder, work, error),
      )
    } catch (error) {
      return this.#refuse(folder, work, error)
    }
  }

  async #refuse(folder: NewFolder, work: WorkItem, error: unknown): Promise<readonly Refused[]> {
    const refused = await this.#giveUp(folder, error)
    return folder.broken ? nothing : [...refused, { work, staged: [] }]
  }

  /** All at once for each folder; nothing after a halt, and no folder that a stop left without any of its files. */
  async #publishFolders(): Promise<Refused[]> {
    const refused: Refused[] = []
    this.#side = 'destination'
    for (const folder of this.#folders.values()) {
      if (this.#obeys.stop === Stop.halt) break
      if (folder.broken || (this.#stopped && folder.placed.length === 0)) continue
      try {
        await folder.publish()
      } catch (error) {
        refused.push(...(await this.#giveUp(folder, error)))
        continue
      }
      this.#folders.delete(folder.work.item)
      this.#finishContainer(folder.work, folder.id)
      for (const { work, item, hash, read, notes } of folder.placed) this.#finish(work, { item, hash, notes, read })
    }
    return refused
  }

  /**
   * A folder that can't be carried out as one: its items go their own ways, each with its own result. When it can't even
   * be removed, they wait for a later holder, who is told of it.
   */
  async #giveUp(folder: NewFolder, error: unknown): Promise<Refused[]> {
    itemTrouble(error, 'destination')
    try {
      await folder.discard()
    } catch {
      folder.broken = true
      return []
    }
    this.#folders.delete(folder.work.item)
    const staged = new Map(folder.stagedItems().map((one) => [one.item, one]))
    return [folder.work, ...folder.placed.map(({ work }) => work)].map((work) => {
      const known = staged.get(work.item)
      return { work, staged: known ? [known] : [] }
    })
  }

  /** An earlier holder staged it and died. True when that settles the item or makes it ready again. */
  async #recover(work: WorkItem, before: Staged): Promise<boolean> {
    this.#side = 'destination'
    const found = await this.#context.destination.reconcile(before, this.#target(work, before.container))
    if (found.state === 'gone') return false
    const notes: Notes = { narrowed: false, audit: [] }
    if (found.state === 'staged') this.#ready.push({ work, staged: before, notes })
    else {
      await this.#context.flush(found.item.id, before.container)
      this.#finish(work, { item: found.item, hash: before.hash, notes })
    }
    return true
  }

  /** Removes what earlier holders may have begun under their own keys; by name, never by pattern. */
  async #clear(work: WorkItem): Promise<void> {
    const { destination, roots, spec } = this.#context
    const { jobId } = spec
    await this.#clearFolder(work.kind === 'container' ? work.item : work.container)
    const address = this.#containers.get(work.container)
    if (!address || roots.destinationId === undefined) return
    // Also where the folder's making was not recorded any more.
    const container = descendOf(destination, roots.destinationId, address)
    if (container === undefined) return
    for (const token of this.#batch.formerTokens) {
      const key = stagingKey(jobId, work.item, token)
      if (work.partial?.key !== key) await destination.discard(container, key)
    }
  }

  async #clearFolder(item: number): Promise<void> {
    const { destination, roots, spec } = this.#context
    const folder = this.#former.get(item)
    if (!folder || roots.destinationId === undefined) return
    const { formerTokens: tokens, attempt } = this.#batch
    const left = await discardFormer(destination, { root: roots.destinationId, jobId: spec.jobId, tokens }, folder)
    this.#former.delete(item)
    // Of a batch that is taken item by item, the others are still to remove theirs.
    if (attempt > 2 || folder.names.length === 0) return
    for (const name of left) this.#audit.push(foreignInside(item, name))
  }

  /** A container may have been deleted at the destination since it was made; what is to arrive in it makes it again. */
  async #prepareWhereverGone(planned: WorkItem): Promise<Ready | undefined> {
    const work = planned.tries > 0 && planned.kind === 'item' ? await this.#lookAgain(planned) : planned
    try {
      return await this.#prepare(work)
    } catch (error) {
      const gone = error instanceof ConnectorError && error.code === 'NotFound' && this.#side === 'destination'
      if (!gone || !(await this.#context.remake(work.container, this.#maker))) throw error
      return this.#prepare(work)
    }
  }

  /** A source that changed since it was listed fails the first try; the next one takes it as it is now. */
  async #lookAgain(work: WorkItem): Promise<WorkItem> {
    const { source, spec } = this.#context
    if (spec.simulated || work.action === 'attributes') return work
    const now = await source.stat(this.#sourceId(work), this.#context.wanted)
    if (!now) throw new ConnectorError('NotFound', 'is gone')
    if (now.kind !== 'item') throw new ConnectorError('ChangedWhileRead', 'is no longer a file')
    this.#baselineMoved = true
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
    this.#finish(work, { hash: '', notes: { narrowed: false, audit: [] } })
    return undefined
  }

  async #stage(work: WorkItem): Promise<Ready> {
    const context = this.#context
    const notes: Notes = { narrowed: false, audit: [] }
    this.#side = 'destination'
    const container = await this.#container(work)
    const onto = replaces(work) ? await this.#thereNow(work, container) : undefined
    this.#side = 'source'
    const source = this.#sourceId(work)
    const attributes = await context.attributesOnto(source, work, { notes, onto })
    const { staged, read } = await transferContent(context, {
      work,
      source,
      container,
      key: work.partial?.key ?? stagingKey(context.spec.jobId, work.item, this.#batch.token),
      attributes,
      token: this.#batch.token,
      obeys: this.#obeys,
      at: (side) => {
        this.#side = side
      },
    })
    return { work, staged, read, notes }
  }

  /** A container's attributes are set when nothing more is written into it. */
  #leaveToFinish(work: WorkItem): undefined {
    this.#finish(work, { hash: '', notes: { narrowed: false, audit: [] }, contentBytes: 0n, bare: true })
    return undefined
  }

  async #applyAttributes(work: WorkItem): Promise<undefined> {
    const context = this.#context
    const notes: Notes = { narrowed: false, audit: [] }
    this.#side = 'destination'
    const container = await this.#container(work)
    const onto = await this.#thereNow(work, container)
    const attributes = await context.attributesOnto(this.#sourceId(work), work, { notes, onto })
    this.#side = 'destination'
    const { id, facts } = this.#counterpart(work, container)
    failpoint('attributes:before')
    const expected = this.#batch.attempt > 1 ? await this.#setBefore(id, attributes, facts) : facts
    const item = await context.destination.setAttributes(id, attributes, expected)
    await context.flush(id, container)
    failpoint('attributes:after')
    this.#finish(work, { item, hash: work.hash ?? '', notes, contentBytes: 0n })
    return undefined
  }

  /** Of what is replaced or changed, the access that stays. */
  async #thereNow(work: WorkItem, container: string): Promise<CarriedTo['onto']> {
    const item = await this.#context.thereNow(this.#counterpart(work, container).id)
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
    const { hash, read } = await this.#context.hashOf(this.#sourceId(work), work.source, this.#obeys)
    if (hash !== work.hash) return this.#stage(work)
    this.#finish(work, { hash, read, notes: { narrowed: false, audit: [] }, contentBytes: 0n, keepBaseline: true })
    return undefined
  }

  async #makeContainer(work: WorkItem): Promise<undefined> {
    this.#side = 'destination'
    const parent = await this.#container(work)
    const { item, destinationName: name } = work
    const { id, made } = await ensureContainer(this.#context, { item, parent, name, ...this.#maker })
    if (!made) (this.#done.found ??= []).push(item)
    this.#finishContainer(made ? work : { ...work, action: 'adopt', reason: 'matched' }, id)
    return undefined
  }

  #finishContainer(work: WorkItem, id: string): void {
    this.#finish(work, { id, hash: '', notes: { narrowed: false, audit: [] }, contentBytes: 0n, bare: true })
  }

  get #maker(): Maker {
    return { token: this.#batch.token, former: this.#batch.formerTokens.length > 0 }
  }

  async #makeLink(work: WorkItem): Promise<undefined> {
    const context = this.#context
    const notes: Notes = { narrowed: false, audit: [] }
    const source = await context.source.stat(this.#sourceId(work), [])
    if (source?.linkTarget === undefined) throw new ConnectorError('ChangedWhileRead', 'is no longer a symbolic link')
    this.#side = 'destination'
    const parent = await this.#container(work)
    if (work.action === 'overwrite') await this.#makeRoom(work, parent)
    const made = await this.#linkOnce(parent, work.destinationName, source.linkTarget)
    const attributes = await context.attributesFor(source.id, work, notes)
    const item =
      Object.keys(attributes).length > 0 ? await context.destination.setAttributes(made.id, attributes) : made
    await context.flush(item.id, parent)
    this.#finish(work, { item, hash: '', notes, contentBytes: 0n })
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
    this.#side = 'destination'
    // After a halt nothing may appear any more; a pause or a cancel lets what is staged arrive.
    for (; this.#published < this.#ready.length && this.#obeys.stop !== Stop.halt; this.#published++) {
      const { work, staged, read, notes } = this.#ready[this.#published] as Ready
      try {
        if (work.keepAs !== undefined) await this.#makeRoom(work, staged.container)
        failpoint('publish:before')
        const item = await destination.publish(staged, this.#target(work, staged.container))
        // Staged by somebody who died: this session does not know that it was to last.
        if (!read) await this.#context.flush(item.id, staged.container)
        failpoint('publish:after')
        this.#finish(work, { item, hash: staged.hash, notes, ...(read ? { read } : {}) })
      } catch (error) {
        this.#fail(work, error)
        await this.#drop(work, staged)
      }
    }
  }

  /** What is staged and won't be published now is removed; it goes back to pending. */
  async #abandon(): Promise<void> {
    for (const folder of this.#folders.values()) {
      this.#stopped = true
      try {
        await folder.discard()
      } catch {
        // On record, so that a later holder or the end of the execution clears it away.
        await this.#context.ledger.staged(this.#batch.token, [folder.asStaged])
      }
    }
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
    const { id, facts } = this.#counterpart(work, container)
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

  #target(work: WorkItem, container: string): Target {
    const condition = replaces(work) ? this.#counterpart(work, container).facts : 'absent'
    return { container, name: work.destinationName, condition, want: this.#want }
  }

  #finish(work: WorkItem, result: Finished): void {
    const context = this.#context
    const { item, hash, notes, read } = result
    const processed = work.processing.length > 0 || notes.narrowed
    const bytes = work.kind === 'item' ? (result.contentBytes ?? work.source.sizeBytes) : 0n
    const done = this.#done
    done.item.push(work.item)
    if (notes.flagged !== undefined) done.why[done.item.length - 1] = notes.flagged
    done.state.push(notes.flagged === undefined ? (processed ? 'processed' : 'success') : 'remediation')
    done.reason.push(notes.flagged === undefined ? work.reason : 'permissions_lost')
    done.bytes.push(bytes)
    done.hash.push(hash)
    if (!context.destination.childId) done.destinationId.push(item?.id ?? result.id ?? work.counterpart?.id ?? '')
    pushFacts(done.destination, item ?? (result.keepBaseline && work.counterpart ? work.counterpart : unknownFacts))
    const baseline = read ?? context.settledFacts(work.source)
    if (baseline !== work.source) this.#baselineMoved = true
    this.#sources.push(baseline)
    if (notes.audit.length > 0) this.#audit.push(...notes.audit)
    if (notes.flagged !== undefined)
      context.audit.add(this.#audit, 'flagged', () => ({ item: work.item, message: notes.flagged! }))
    if (work.keepAs !== undefined) this.#audit.push(keptAside(work.item, work.keepAs))
    context.audit.result(this.#audit, work, { bytes, hash })
    // The bytes of a long content were counted on their way.
    this.#obeys.slot.count(1, isSmall(work.source.sizeBytes) ? Number(bytes) : 0)
  }

  #fail(work: WorkItem, error: unknown): void {
    const trouble = itemTrouble(error, this.#side)
    const context = this.#context
    const path = readable(this.#containers.get(work.container)?.sourceNames ?? [], work.name)
    this.#failed.push({ item: work.item, ...trouble, retryAfterMs: context.backoffMs(work.tries) })
    this.#audit.push({
      item: work.item,
      level: 'error',
      type: 'failed',
      message: `${path}: ${trouble.why}`,
      detail: { reason: trouble.reason },
    })
    if (context.halting) context.halted(`${path}: ${trouble.why}`)
  }

  #stopping(): boolean {
    if (this.#obeys.stop !== Stop.run) this.#stopped = true
    return this.#stopped
  }

  /** What was planned against; on `path` platforms its address is its container's and its name. */
  #counterpart(work: WorkItem, container: string): { id: string; facts: Facts } {
    if (!work.counterpart) throw new ConnectorError('PreconditionFailed', 'nothing was planned against')
    const { id, ...facts } = work.counterpart
    return { id: childIdOf(this.#context.destination, container, work.destinationName, id), facts }
  }

  #sourceId(work: WorkItem): string {
    const { source, roots } = this.#context
    const container = this.#containers.get(work.container)
    if (!container) throw new ConnectorError('NotFound', 'its container is unknown to the ledger')
    this.#side = 'source'
    const parent = sourceIdOf(container, () => sourceContainerId(source, roots, container))
    this.#context.atWork(container, work)
    return childIdOf(source, parent, work.name, work.sourceId)
  }

  /** The destination container of an item, made now if it has to be. */
  async #container(work: WorkItem): Promise<string> {
    return this.#context.destinationOf(work.container, this.#containers, this.#maker)
  }
}

function keptAside(item: number, name: string): AuditRow {
  const message = `conflict copy created: the destination's own version is kept as ${name}`
  return { item, level: 'warn', type: '4001', message }
}

/** An item that could not go with its folder. */
interface Refused {
  work: WorkItem
  staged: StagedItem[]
}

const nothing: readonly Refused[] = []

const unknownFacts: Facts = { sizeBytes: 0n }

interface Finished {
  hash: string
  notes: Notes
  item?: Item
  id?: string
  read?: Facts
  /** When it differs from the item's size: attributes and links write no content. */
  contentBytes?: bigint
  /** Nothing was written: the destination is as it was planned against. */
  keepBaseline?: boolean
  /** A container: its facts come when it is finished. */
  bare?: boolean
}

function columnsOf(all: readonly Facts[]): FinishedItems['destination'] {
  const columns: FinishedItems['destination'] = {
    identity: [],
    version: [],
    hash: [],
    sizeBytes: [],
    modifiedNs: [],
    changedNs: [],
    facets: [],
  }
  for (const facts of all) pushFacts(columns, facts)
  return columns
}

/** Computed once per container: a batch has hundreds of items in few containers. */
const sourceIds = new WeakMap<ContainerAddress, string>()
function sourceIdOf(container: ContainerAddress, compute: () => string): string {
  let id = sourceIds.get(container)
  if (id === undefined) sourceIds.set(container, (id = compute()))
  return id
}
