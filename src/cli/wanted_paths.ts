import type { Problem } from '../problem.ts'

/** Paths somebody named, each of which stands for itself and all below it. */
export class WantedPaths {
  readonly #wanted: ReadonlyMap<string, readonly string[]>
  readonly #withAbove: boolean
  readonly #met = new Set<string>()

  /** @param withAbove also what is above a path fits it: while it is held back, nobody comes there */
  constructor(paths: readonly string[], { withAbove }: { withAbove: boolean }) {
    this.#wanted = new Map(paths.map((path) => [path, path.split('/').filter((part) => part !== '' && part !== '.')]))
    this.#withAbove = withAbove
  }

  /** Whether an item is one of those, by its names from the job's root down. */
  take(names: readonly string[]): boolean {
    let fits = false
    for (const [path, wanted] of this.#wanted) {
      const isAbove = this.#withAbove && isWithin(wanted, names)
      if (!isAbove && !isWithin(names, wanted)) continue
      fits = true
      this.#met.add(path)
    }
    return fits
  }

  /** What no item was. */
  missing(): Problem[] {
    return [...this.#wanted.keys()]
      .filter((path) => !this.#met.has(path))
      .map((path) => ({
        code: 'unknown_item',
        description: `nothing failed at ${JSON.stringify(path)}; paths begin at the folders of the job`,
      }))
  }
}

function isWithin(names: readonly string[], above: readonly string[]): boolean {
  return above.every((name, i) => name === names[i])
}
