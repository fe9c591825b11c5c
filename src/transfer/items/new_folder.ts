import type { Access, Attributes, NewContainers, StagedContainer } from '../../connector/connector.ts'
import type { Facts, Item } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import type { Batch, StagedItem, WorkItem } from '../../ledger/ledger.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Notes } from '../engine/notes.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { stagingKey } from '../engine/execution_spec.ts'
import type { SmallContent } from './read_content.ts'

/** What is put into a folder as one file. */
export interface FileToPlace {
  small: SmallContent
  attributes: Attributes
  notes: Notes
}

/** A file that is whole in its folder, which nobody sees yet. */
export interface Placed {
  work: WorkItem
  item: Item
  hash: string
  read: Facts
  notes: Notes
}

/**
 * A folder that is new at the destination and has only small new files to hold: it is staged beside its place with all of
 * them in it, and published by one rename instead of a link, an unlink and a look for each.
 */
export class NewFolder {
  /** The folder's own item. */
  readonly work: WorkItem
  readonly placed: Placed[] = []
  /** Something went wrong in it, and it could not be removed: nothing more is done with it. */
  broken = false
  /** What is to go item by item instead; from here on nothing is put in it any more. */
  givingUp: Promise<unknown> | undefined
  readonly #context: ExecutionContext
  readonly #containers: NewContainers
  readonly #token: number
  /** Everything that may be in it. */
  readonly #names: string[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  #parent: string | undefined
  #begun: Promise<void> | undefined
  #staged: StagedContainer | undefined

  constructor(
    context: ExecutionContext,
    work: WorkItem,
    { containers, token }: { containers: NewContainers; token: number },
  ) {
    this.#context = context
    this.work = work
    this.#containers = containers
    this.#token = token
  }

  /** What goes into it at the same time waits for that; never rejects. */
  get begun(): Promise<unknown> | undefined {
    return this.#staged ? undefined : this.#begun?.catch(() => undefined)
  }

  begin(where: Promise<{ parent: string; access: Access }>): Promise<void> {
    return (this.#begun = this.#begin(where))
  }

  async #begin(where: Promise<{ parent: string; access: Access }>): Promise<void> {
    const { parent, access } = await where
    this.#parent = parent
    failpoint('stage-container:before')
    this.#staged = await this.#containers.stage(parent, this.#key, access)
    failpoint('stage-container:after')
  }

  put(work: WorkItem, { small, attributes, notes }: FileToPlace): Maybe<void> {
    if (!this.#staged) throw new Error('the folder was not staged')
    this.#names.push(work.destinationName)
    const { content, hash, read } = small
    const placing = { content, attributes, power: this.#power }
    const put = then(this.#containers.put(this.#staged, work.destinationName, placing), (item) => {
      this.placed.push({ work, item, hash, read, notes })
      failpoint('place:after')
    })
    if (put instanceof Promise) this.#keep(put)
    return put
  }

  #keep(put: Promise<void>): void {
    const kept: Promise<void> = put.catch(() => undefined).finally(() => this.#underWay.delete(kept))
    this.#underWay.add(kept)
  }

  /** Nothing is on its way into it any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** As a later holder has to know them: under their names in the folder's own place, or nowhere. */
  stagedItems(): StagedItem[] {
    const { jobId } = this.#context.spec
    const container = this.id
    return this.placed.map(({ work, item, hash }) => ({
      item: work.item,
      staged: {
        container,
        key: stagingKey(jobId, work.item, this.#token),
        hash,
        sizeBytes: item.sizeBytes,
        ...(item.identity === undefined ? {} : { identity: item.identity }),
      },
    }))
  }

  async publish(): Promise<void> {
    if (!this.#staged || this.#parent === undefined) throw new Error('the folder was not staged')
    const name = this.work.destinationName
    failpoint('publish-container:before')
    await this.#containers.publish(this.#staged, { container: this.#parent, name, power: this.#power })
    failpoint('publish-container:after')
    this.#context.containers.remember(this.work.item, this.id)
  }

  /** @throws ConnectorError when something of it is left */
  async discard(): Promise<void> {
    if (this.#parent === undefined) return
    if (await this.#containers.discard(this.#parent, this.#key, this.#names)) return
    throw new ConnectorError('Conflict', 'the staged folder holds something that is not ours')
  }

  /** Its own staging, for the record of one that could not be discarded. */
  get asStaged(): StagedItem {
    const container = this.#parent ?? ''
    return { item: this.work.item, staged: { container, key: this.#key, hash: '', sizeBytes: 0n } }
  }

  /** Its id once it is published. */
  get id(): string {
    return this.#context.destination.childId?.(this.#parent ?? '', this.work.destinationName) ?? ''
  }

  get #key(): string {
    return stagingKey(this.#context.spec.jobId, this.work.item, this.#token)
  }

  get #power(): boolean {
    return this.#context.spec.settings.durability === 'power'
  }
}

/** The folders of a batch that can be made as one, by item. */
export function newFolders(context: ExecutionContext, { token, containers, items }: Batch): Map<number, NewFolder> {
  const folders = new Map<number, NewFolder>()
  const { newContainers } = context.destination
  if (!newContainers || !context.destination.childId || context.spec.simulated) return folders
  const wholes = new Set<number>()
  for (const { item, whole } of containers) if (whole) wholes.add(item)
  if (wholes.size === 0) return folders
  for (const work of items) if (!isPlain(work) || !context.isSmall(work.source.sizeBytes)) wholes.delete(work.container)
  for (const work of items)
    if (wholes.has(work.item))
      folders.set(work.item, new NewFolder(context, work, { containers: newContainers, token }))
  return folders
}

function isPlain({ kind, action, keepAs, partial }: WorkItem): boolean {
  return kind === 'item' && action === 'create' && keepAs === undefined && !partial
}
