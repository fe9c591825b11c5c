import { hash as hashOnce } from 'node:crypto'
import type { Access } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facts } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import type { Batch, StagedItem, WorkItem } from '../../ledger/ledger.ts'
import { noNotes } from '../notes.ts'
import type { BatchOutcome } from './batch_outcome.ts'
import type { BatchPlaces } from './batch_places.ts'
import type { JobContext } from '../job_context.ts'
import { newFolders, type FileToPlace, type NewFolder } from './new_folder.ts'
import { nowNs, readSmall, requireStatedHash, type SmallContent } from '../read_content.ts'
import { throwUnlessItems } from '../trouble.ts'

/** An item that could not go with its folder, and what is on record of it. */
export interface LeftOver {
  work: WorkItem
  staged: StagedItem[]
}

/** The folders of a batch that are carried out as one, until they are published or given up. */
export class WholeFolders {
  readonly #context: JobContext
  readonly #places: BatchPlaces
  readonly #outcome: BatchOutcome
  readonly #folders: Map<number, NewFolder>

  constructor(context: JobContext, batch: Batch, { places, outcome }: { places: BatchPlaces; outcome: BatchOutcome }) {
    this.#context = context
    this.#places = places
    this.#outcome = outcome
    this.#folders = newFolders(context, batch)
  }

  /** The folder that an item is, or goes with. */
  of(work: WorkItem): NewFolder | undefined {
    return this.#folders.get(work.item) ?? this.#folders.get(work.container)
  }

  /** @returns what is to go item by item after all, the folder and all that was put in it */
  stage(folder: NewFolder, work: WorkItem): Maybe<readonly LeftOver[]> {
    if (folder.broken) return nobody
    return work === folder.work ? this.#begin(folder) : this.#stageIn(folder, work)
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
   * @param halted asked before each
   */
  async publish(stopped: boolean, halted: () => boolean): Promise<LeftOver[]> {
    const refused: LeftOver[] = []
    this.#places.side = 'destination'
    for (const folder of this.#folders.values()) {
      if (halted()) break
      if (folder.broken || (stopped && folder.placed.length === 0)) continue
      try {
        await folder.publish()
      } catch (error) {
        refused.push(...(await this.#giveUp(folder, error)))
        continue
      }
      this.#folders.delete(folder.work.item)
      this.#outcome.finishedContainer(folder.work, folder.id)
      for (const { work, item, hash, read, notes } of folder.placed)
        this.#outcome.finished(work, { item, hash, notes, read })
    }
    return refused
  }

  /**
   * Removes what won't be published.
   *
   * @returns whether there was anything; what could not be removed is to go on record
   */
  async abandon(): Promise<{ any: boolean; left: StagedItem[] }> {
    const left: StagedItem[] = []
    for (const folder of this.#folders.values()) {
      try {
        await folder.discard()
      } catch {
        left.push(folder.asStaged)
      }
    }
    return { any: this.#folders.size > 0, left }
  }

  async #begin(folder: NewFolder): Promise<readonly LeftOver[]> {
    let access: Access
    try {
      access = await this.#context.attributes.ofNewContainer(this.#places.sourceId(folder.work))
    } catch (error) {
      throwUnlessItems(error, 'source')
      return this.#giveUp(folder, error)
    }
    try {
      await folder.begin(await this.#places.container(folder.work), access)
      return nobody
    } catch (error) {
      return this.#giveUp(folder, error)
    }
  }

  /** Without a promise where both sides answer at once: of a small file they would be a tenth of the time. */
  #stageIn(folder: NewFolder, work: WorkItem): Maybe<readonly LeftOver[]> {
    const context = this.#context
    const notes = noNotes()
    const source = this.#places.sourceId(work)
    return then(context.attributes.ofItem(source, work, { notes, isNew: true }), (attributes) =>
      then(readSmall(context.source, source, work.source), (content) =>
        this.#put(folder, work, { small: this.#small(content, source, work.source), attributes, notes }),
      ),
    )
  }

  /** What is recorded of a small content just read. */
  #small(content: Uint8Array, id: string, expected: Facts): SmallContent {
    const hash = hashOnce('sha256', content, 'hex')
    requireStatedHash(hash, expected, id)
    return { content, hash, read: this.#context.settledFacts(expected, nowNs()) }
  }

  #put(folder: NewFolder, work: WorkItem, file: FileToPlace): Maybe<readonly LeftOver[]> {
    this.#places.side = 'destination'
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
    const refused = await this.#giveUp(folder, error)
    return folder.broken ? nobody : [...refused, { work, staged: [] }]
  }

  /**
   * A folder that can't be carried out as one: its items go their own ways, each with its own result. When it can't even
   * be removed, they wait for a later holder, who is told of it.
   */
  async #giveUp(folder: NewFolder, error: unknown): Promise<LeftOver[]> {
    throwUnlessItems(error, 'destination')
    // It may have got its name before something went wrong.
    if (!(error instanceof ConnectorError) || error.code !== 'Conflict') this.#places.mayBeOurs()
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
