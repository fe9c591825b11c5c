import type { AuditRow, Batch, WorkItem } from '../../ledger/ledger.ts'
import { descendOf } from '../items/addresses.ts'
import type { BatchPlaces } from '../items/batch_places.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { stagingKey } from '../engine/execution_spec.ts'
import { discardFormer, foreignInside, formerFolders, type FormerFolder } from './former_folders.ts'

/** What earlier holders of a batch, who died with it, may have begun under their own keys; by name, never by pattern. */
export class FormerTraces {
  readonly #context: ExecutionContext
  readonly #places: BatchPlaces
  readonly #tokens: readonly number[]
  readonly #oneByOne: boolean
  /** Folders they may have staged, by item, until they are cleared away. */
  readonly #folders: Map<number, FormerFolder>
  /** Folders that are being cleared away: what goes into them waits for that. */
  readonly #clearing = new Map<number, Promise<void>>()

  constructor(context: ExecutionContext, batch: Batch, places: BatchPlaces) {
    this.#context = context
    this.#places = places
    this.#tokens = batch.formerTokens
    this.#oneByOne = batch.attempt > 2
    this.#folders = batch.formerTokens.length > 0 ? formerFolders(batch) : new Map<number, FormerFolder>()
  }

  get any(): boolean {
    return this.#tokens.length > 0
  }

  /** @param audit is told of what stays because it is not ours */
  async clear(work: WorkItem, audit: AuditRow[]): Promise<void> {
    const { destination, roots, spec } = this.#context
    await this.#clearFolder(work.kind === 'container' ? work.item : work.container, audit)
    const address = this.#places.addressOf(work)
    if (!address || roots.destinationId === undefined) return
    // Also where the folder's making was not recorded any more.
    const container = descendOf(destination, roots.destinationId, address)
    if (container === undefined) return
    for (const token of this.#tokens) {
      const key = stagingKey(spec.jobId, work.item, token)
      if (work.partial?.key === key) continue
      await destination.discard(container, key, { name: work.destinationName, sizeBytes: work.source.sizeBytes })
    }
  }

  async #clearFolder(item: number, audit: AuditRow[]): Promise<void> {
    const { roots } = this.#context
    const folder = this.#folders.get(item)
    if (!folder || roots.destinationId === undefined) return
    const known = this.#clearing.get(item)
    if (known) return known
    const clearing = this.#clear(folder, roots.destinationId, audit).finally(() => this.#clearing.delete(item))
    this.#clearing.set(item, clearing)
    return clearing
  }

  async #clear(folder: FormerFolder, root: string, audit: AuditRow[]): Promise<void> {
    const { destination, spec } = this.#context
    const { item } = folder
    const left = await discardFormer(destination, { root, jobId: spec.jobId, tokens: this.#tokens }, folder)
    this.#folders.delete(item)
    // Of a batch that is taken item by item, the others are still to remove theirs.
    if (this.#oneByOne || folder.names.length === 0) return
    for (const name of left) audit.push(foreignInside(item, name))
  }
}
