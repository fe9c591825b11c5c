import { hash as hashOnce } from 'node:crypto'
import type { Access } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facts } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import type { Batch, StagedItem, WorkItem } from '../../ledger/ledger.ts'
import { noNotes } from '../engine/notes.ts'
import type { BatchOutcome } from './batch_outcome.ts'
import type { BatchPlaces } from './batch_places.ts'
import type { InFlight } from './in_flight.ts'
import type { ItemTransfer } from './item_transfer.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { newFolders, type FileToPlace, type NewFolder } from './new_folder.ts'
import { nowNs, readSmall, requireStatedHash, type SmallContent } from './read_content.ts'
import type { StopToken } from '../io/stop.ts'
import { sideBySide } from '../io/side_by_side.ts'
import { throwUnlessItems, type Side } from '../engine/trouble.ts'

/** An item that could not go with its folder, and what is on record of it. */
export interface LeftOver {
  work: WorkItem
  staged: StagedItem[]
}

/** The folders of a batch that are carried out as one, until they are published or given up. */
export class WholeFolders {
  readonly #context: ExecutionContext
  readonly #places: BatchPlaces
  readonly #outcome: BatchOutcome
  readonly #stop: StopToken
  readonly #folders: Map<number, NewFolder>

  constructor(
    context: ExecutionContext,
    batch: Batch,
    { places, outcome, stop }: { places: BatchPlaces; outcome: BatchOutcome; stop: StopToken },
  ) {
    this.#context = context
    this.#stop = stop
    this.#places = places
    this.#outcome = outcome
    this.#folders = newFolders(context, batch)
  }

  /** The folder that an item is, or goes with. */
  of(work: WorkItem): NewFolder | undefined {
    return this.#folders.get(work.item) ?? this.#folders.get(work.container)
  }

  /** @returns what is to go item by item after all, the folder and all that was put in it */
  stage(folder: NewFolder, item: ItemTransfer): Maybe<readonly LeftOver[]> {
    if (folder.broken) return nobody
    if (item.work === folder.work) return this.#begin(folder, item)
    const { begun } = folder
    return begun ? begun.then(() => this.#stageIn(folder, item)) : this.#stageIn(folder, item)
  }

  /** Everything that was put into folders, for the record. */
  stagedItems(): StagedItem[] {
    const staged: StagedItem[] = []
    for (const folder of this.#folders.values()) if (!folder.broken) staged.push(...folder.stagedItems())
    return staged
  }

  /**
   * All at once for each folder.
   *
   * @param stopped no folder that a stop left without any of its files
   * @param goOn asked before each
   */
  async publish(
    stopped: boolean,
    { goOn, inFlight }: { goOn: () => boolean; inFlight: InFlight | undefined },
  ): Promise<LeftOver[]> {
    const refused: LeftOver[] = []
    const publish = async (folder: NewFolder): Promise<void> => {
      if (folder.broken || (stopped && folder.placed.length === 0)) return
      refused.push(...(await this.#publish(folder)))
    }
    const folders = [...this.#folders.values()]
    if (inFlight) await sideBySide(folders, publish, { permits: inFlight.operations, goOn })
    else
      for (const folder of folders) {
        if (!goOn()) break
        await publish(folder)
      }
    return refused
  }

  async #publish(folder: NewFolder): Promise<readonly LeftOver[]> {
    try {
      await folder.publish()
    } catch (error) {
      return this.#giveUp(folder, error)
    }
    this.#folders.delete(folder.work.item)
    this.#outcome.finishedContainer(folder.work, folder.id)
    for (const { work, item, hash, read, notes } of folder.placed)
      this.#outcome.finished(work, { item, hash, notes, read })
    return nobody
  }

  /**
   * Removes what won't be published.
   *
   * @returns whether there was anything; what could not be removed is to go on record
   */
  async abandon(): Promise<{ any: boolean; left: StagedItem[] }> {
    const left: StagedItem[] = []
    for (const folder of this.#folders.values()) {
      await folder.settled()
      try {
        await folder.discard()
      } catch {
        left.push(folder.asStaged)
      }
    }
    return { any: this.#folders.size > 0, left }
  }

  async #begin(folder: NewFolder, item: ItemTransfer): Promise<readonly LeftOver[]> {
    try {
      await folder.begin(this.#whereOf(item))
      return nobody
    } catch (error) {
      return this.#giveUp(folder, error, item.side)
    }
  }

  async #whereOf(item: ItemTransfer): Promise<{ parent: string; access: Access }> {
    const access = await this.#context.attributes.ofNewContainer(this.#places.sourceId(item))
    return { parent: await this.#places.container(item), access }
  }

  /** Without a promise where both sides answer at once: of a small file they would be a tenth of the time. */
  #stageIn(folder: NewFolder, item: ItemTransfer): Maybe<readonly LeftOver[]> {
    if (folder.givingUp) return this.#alone(folder, item.work)
    const context = this.#context
    const { work } = item
    const notes = noNotes()
    const source = this.#places.sourceId(item)
    return then(context.attributes.ofItem(source, work, { notes, isNew: true }), (attributes) =>
      then(this.#read(source, item), (content) => {
        const file = { small: this.#small(content, source, work.source), attributes, notes }
        return then(context.pace.wait('upload', content.length, this.#stop), () => this.#put(folder, item, file))
      }),
    )
  }

  #read(source: string, { work, chunk }: ItemTransfer): Maybe<Uint8Array> {
    const { pace, source: session } = this.#context
    const paced = pace.wait('download', Number(work.source.sizeBytes), this.#stop)
    return then(paced, () => readSmall(session, source, work.source, chunk))
  }

  /** What is recorded of a small content just read. */
  #small(content: Uint8Array, id: string, expected: Facts): SmallContent {
    const hash = hashOnce('sha256', content, 'hex')
    requireStatedHash(hash, expected, id)
    return { content, hash, read: this.#context.settledFacts(expected, nowNs()) }
  }

  #put(folder: NewFolder, item: ItemTransfer, file: FileToPlace): Maybe<readonly LeftOver[]> {
    const { work } = item
    if (folder.givingUp) return this.#alone(folder, work)
    item.side = 'destination'
    try {
      const put = folder.put(work, file)
      if (!(put instanceof Promise)) return nobody
      return put.then(
        () => nobody,
        (error: unknown) => this.#refuse(folder, work, error),
      )
    } catch (error) {
      return this.#refuse(folder, work, error)
    }
  }

  async #refuse(folder: NewFolder, work: WorkItem, error: unknown): Promise<readonly LeftOver[]> {
    if (folder.givingUp) return this.#alone(folder, work)
    const refused = await this.#giveUp(folder, error)
    return folder.broken ? nobody : [...refused, { work, staged: [] }]
  }

  /** What was on its way into a folder that is given up meanwhile. */
  async #alone(folder: NewFolder, work: WorkItem): Promise<readonly LeftOver[]> {
    await folder.givingUp
    return folder.broken ? nobody : [{ work, staged: [] }]
  }

  /**
   * A folder that can't be carried out as one: its items go their own ways, each with its own result. When it can't even
   * be removed, they wait for a later holder, who is told of it.
   */
  #giveUp(folder: NewFolder, error: unknown, side: Side = 'destination'): Promise<LeftOver[]> {
    throwUnlessItems(error, side)
    // It may have got its name before something went wrong.
    if (!(error instanceof ConnectorError) || error.code !== 'Conflict') this.#places.mayBeOurs()
    const givingUp = this.#leftOvers(folder)
    folder.givingUp = givingUp
    return givingUp
  }

  async #leftOvers(folder: NewFolder): Promise<LeftOver[]> {
    await folder.settled()
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
}

const nobody: readonly LeftOver[] = []
