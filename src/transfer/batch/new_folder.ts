import type { Attributes, NewContainers, Session, StagedContainer } from '../../connector/connector.ts'
import type { Facts, Item } from '../../connector/item.ts'
import { then, type Maybe } from '../../connector/maybe.ts'
import type { AuditRow, Batch, ContainerAddress, StagedItem, WorkItem } from '../../ledger/ledger.ts'
import { ConnectorError } from '../../connector/errors.ts'
import { descendOf, readable } from '../addresses.ts'
import type { Notes } from '../notes.ts'
import { failpoint } from '../failpoints.ts'
import type { JobContext } from '../job_context.ts'
import { stagingKey } from '../job_spec.ts'
import { isSmall, type SmallContent } from '../read_content.ts'

/** What is put into a folder as one file. */
export interface Placing {
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
  readonly #context: JobContext
  readonly #containers: NewContainers
  readonly #token: number
  /** Everything that may be in it. */
  readonly #names: string[] = []
  #parent: string | undefined
  #staged: StagedContainer | undefined

  constructor(
    context: JobContext,
    work: WorkItem,
    { containers, token }: { containers: NewContainers; token: number },
  ) {
    this.#context = context
    this.work = work
    this.#containers = containers
    this.#token = token
  }

  async begin(parent: string): Promise<void> {
    this.#parent = parent
    failpoint('stage-container:before')
    this.#staged = await this.#containers.stage(parent, this.#key, this.#context.attributes.accessOfNew)
    failpoint('stage-container:after')
  }

  put(work: WorkItem, { small, attributes, notes }: Placing): Maybe<void> {
    if (!this.#staged) throw new Error('the folder was not staged')
    this.#names.push(work.destinationName)
    const { content, hash, read } = small
    const placing = { content, attributes, power: this.#power }
    return then(this.#containers.put(this.#staged, work.destinationName, placing), (item) => {
      this.placed.push({ work, item, hash, read, notes })
      failpoint('place:after')
    })
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
export function newFolders(context: JobContext, { token, containers, items }: Batch): Map<number, NewFolder> {
  const folders = new Map<number, NewFolder>()
  const { newContainers } = context.destination
  if (!newContainers || !context.destination.childId || context.spec.simulated) return folders
  const wholes = new Set<number>()
  for (const { item, whole } of containers) if (whole) wholes.add(item)
  if (wholes.size === 0) return folders
  for (const work of items) if (!isPlain(work)) wholes.delete(work.container)
  for (const work of items)
    if (wholes.has(work.item))
      folders.set(work.item, new NewFolder(context, work, { containers: newContainers, token }))
  return folders
}

function isPlain({ kind, action, keepAs, source, partial }: WorkItem): boolean {
  return kind === 'item' && action === 'create' && keepAs === undefined && !partial && isSmall(source.sizeBytes)
}

/** A folder that earlier holders of a batch may have staged. */
export interface FormerFolder {
  item: number
  /** Where it was to be. */
  parent: ContainerAddress
  /** What may be in it. */
  names: string[]
}

/** By item; names as far as this batch knows them: other batches clear away theirs. */
export function formerFolders({ containers, items }: Batch): Map<number, FormerFolder> {
  const addresses = new Map(containers.map((container) => [container.item, container]))
  const folders = new Map<number, FormerFolder>()
  const of = (item: number, parent: ContainerAddress): FormerFolder => {
    let folder = folders.get(item)
    if (!folder) folders.set(item, (folder = { item, parent, names: [] }))
    return folder
  }
  for (const { item, kind, action, container, destinationName } of items) {
    const address = addresses.get(container)
    if (action !== 'create' || !address) continue
    if (kind === 'container') of(item, address)
    else if (kind === 'item' && address.destinationNames.length > 0)
      of(container, above(address)).names.push(destinationName)
  }
  return folders
}

/** Of several batches, each of which may know a part of what a folder holds. */
export function mergedFormer(batches: readonly Batch[]): Iterable<{ folder: FormerFolder; tokens: number[] }> {
  const merged = new Map<number, { folder: FormerFolder; tokens: number[] }>()
  for (const batch of batches) {
    if (batch.formerTokens.length === 0) continue
    for (const [item, folder] of formerFolders(batch)) {
      const known = merged.get(item)
      if (known) {
        known.folder.names.push(...folder.names)
        known.tokens = [...new Set([...known.tokens, ...batch.formerTokens])]
      } else merged.set(item, { folder, tokens: [...batch.formerTokens] })
    }
  }
  return merged.values()
}

export function foreignInside(item: number, name: string): AuditRow {
  return { item, level: 'warn', type: 'left_behind', message: `${name} stays: it holds something that is not ours` }
}

function above(folder: ContainerAddress): ContainerAddress {
  return { ...folder, item: folder.parent, destinationNames: folder.destinationNames.slice(0, -1) }
}

/**
 * Removes a folder that holders of these tokens may have staged.
 *
 * @returns names of those that stay because of something else in them
 */
export async function discardFormer(
  session: Session,
  { root, jobId, tokens }: { root: string; jobId: string; tokens: readonly number[] },
  { item, parent, names }: FormerFolder,
): Promise<string[]> {
  const id = descendOf(session, root, parent)
  const left: string[] = []
  if (!session.newContainers || id === undefined) return left
  for (const token of tokens) {
    const key = stagingKey(jobId, item, token)
    if (!(await session.newContainers.discard(id, key, names)))
      left.push(`${key} in ${readable(parent.destinationNames)}`)
  }
  return left
}
