import type { ContainerAddress } from '../../ledger/ledger.ts'
import { childIdOf, destinationContainerId, sourceContainerId } from './addresses.ts'
import { ensureContainer, type ContainerToMake, type EnsuredContainer, type Maker } from './containers.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { SideTrouble } from '../engine/trouble.ts'

const kept = 20_000

/** Which containers are there at the destination, as far as this thread has seen; makes those that are not. */
export class DestinationContainers {
  readonly #context: ExecutionContext
  readonly #known = new Map<number, string>()
  /** Containers that are being made: whoever else needs one waits for the same. */
  readonly #making = new Map<number, Promise<EnsuredContainer>>()
  /** Containers that had been removed, and were made again. */
  readonly #remade = new Set<number>()

  constructor(context: ExecutionContext) {
    this.#context = context
  }

  known(container: number): string | undefined {
    return this.#known.get(container)
  }

  remember(container: number, id: string): void {
    if (this.#known.size >= kept) this.#known.clear()
    this.#known.set(container, id)
  }

  /**
   * The destination id of a container, made with all above it when it isn't there yet.
   *
   * @param addresses what was claimed with the items that go into it
   */
  async idOf(container: number, addresses: ReadonlyMap<number, ContainerAddress>, by: Maker): Promise<string> {
    return this.known(container) ?? this.#planned(container, addresses) ?? (await this.#make(container, by))
  }

  /** As the ledger has it. */
  #planned(container: number, addresses: ReadonlyMap<number, ContainerAddress>): string | undefined {
    const { destination, roots } = this.#context
    const address = addresses.get(container)
    const id = address && destinationContainerId(destination, roots, address)
    if (id !== undefined) this.remember(container, id)
    return id
  }

  async #make(container: number, by: Maker): Promise<string> {
    const { destination, roots, ledger } = this.#context
    let id: string | undefined
    for (const address of await ledger.addresses(container, 'nearest', this.#context.toSource)) {
      const here = destinationContainerId(destination, roots, address)
      const name = address.destinationNames.at(-1)
      if (here !== undefined) id = here
      else if (id !== undefined && name !== undefined)
        id = (await this.ensure({ ...this.#toMake(address, id, name), ...by })).id
    }
    if (id === undefined)
      throw new SideTrouble(this.#context.sideName('destination'), { code: 'RootGone', message: 'the root is gone' })
    this.remember(container, id)
    return id
  }

  #toMake(address: ContainerAddress, parent: string, name: string): Omit<ContainerToMake, keyof Maker> {
    const { source, roots } = this.#context
    return { item: address.item, parent, name, source: sourceContainerId(source, roots, address) }
  }

  /**
   * Makes a container, and those above it, that the ledger knows and the destination has no more; false when all are there
   * and always were.
   */
  async remake(container: number, by: Maker): Promise<boolean> {
    const { destination, roots, ledger } = this.#context
    let parent = roots.destinationId
    let remade = false
    for (const address of await ledger.addresses(container, 'root', this.#context.toSource)) {
      const { item, destinationNames, destinationId } = address
      const name = destinationNames.at(-1)
      if (parent === undefined || name === undefined) continue
      const id: string = childIdOf(destination, parent, name, destinationId)
      if (await destination.stat(id, [])) parent = id
      else {
        this.#known.delete(item)
        parent = (await this.ensure({ ...this.#toMake(address, parent, name), ...by })).id
        remade = true
      }
    }
    if (remade) this.#remade.add(container)
    return this.#remade.has(container)
  }

  /** Makes it, or finds it, once for all who ask at the same time. */
  ensure(toMake: ContainerToMake): Promise<EnsuredContainer> {
    const { item } = toMake
    const known = this.#making.get(item)
    if (known) return known
    const making = ensureContainer(this.#context, toMake).finally(() => this.#making.delete(item))
    this.#making.set(item, making)
    return making
  }
}
