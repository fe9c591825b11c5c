import type { WorkItem } from '../../ledger/ledger.ts'
import { chunks } from './read_content.ts'
import type { Side } from '../engine/trouble.ts'

/** One item of a batch on its way: which side it is at, and the memory that its content passes through. */
export class ItemTransfer {
  /** As it was planned; on a later try with the source as it is now. */
  work: WorkItem
  /** To blame for what goes wrong just now. */
  side: Side = 'source'
  #chunk: Buffer | undefined

  constructor(work: WorkItem) {
    this.work = work
  }

  /** Its own until {@link release}. */
  get chunk(): Buffer {
    return (this.#chunk ??= chunks.take())
  }

  release(): void {
    if (this.#chunk) chunks.give(this.#chunk)
    this.#chunk = undefined
  }
}
