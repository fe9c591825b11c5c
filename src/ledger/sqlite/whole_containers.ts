/** More than this many are not waited for by any batch at work. */
const remembered = 20_000

/**
 * Containers to be made whose children are all new items, found by one commit: how many items make such a container whole.
 * A hint for batches, kept in memory alone: what is forgotten is carried out item by item.
 */
export class WholeContainers {
  readonly #items = new Map<number, number>()

  add(container: number, items: number): void {
    if (this.#items.size >= remembered) this.#items.clear()
    this.#items.set(container, items)
  }

  /** The number of its items; undefined unless they are known to be all there is. */
  of(container: number): number | undefined {
    return this.#items.get(container)
  }

  /** Somebody works on it: from now on it may be there in part. */
  taken(container: number): void {
    this.#items.delete(container)
  }

  forget(): void {
    this.#items.clear()
  }
}
