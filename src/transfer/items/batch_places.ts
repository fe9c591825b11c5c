import type { Target } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Facet, Facts } from '../../connector/item.ts'
import type { Batch, ContainerAddress, WorkItem } from '../../ledger/ledger.ts'
import { childIdOf, readable, sourceContainerId } from './addresses.ts'
import type { Maker } from './containers.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { replaces } from './transfer_content.ts'
import type { ItemTransfer } from './item_transfer.ts'

/** Where the items of a batch are, on both sides. */
export class BatchPlaces {
  readonly #context: ExecutionContext
  readonly #containers = new Map<number, ContainerAddress>()
  #maker: Maker
  /** What listings carry of the destination. */
  readonly #want: readonly Facet[]

  constructor(context: ExecutionContext, { token, formerTokens, containers }: Batch) {
    this.#context = context
    this.#maker = { token, former: formerTokens.length > 0 }
    this.#want = context.attributes.listed
    for (const container of containers) this.#containers.set(container.item, container)
  }

  /** Under whose lease containers are made. */
  get maker(): Maker {
    return this.#maker
  }

  /** A folder that is there may be of this batch's own making: it was published, and then something went wrong. */
  mayBeOurs(): void {
    this.#maker = { ...this.#maker, former: true }
  }

  /** An item's source id; from here on the source is to blame. */
  sourceId(item: ItemTransfer): string {
    const { work } = item
    const { source, roots } = this.#context
    const container = this.#containers.get(work.container)
    if (!container) throw new ConnectorError('NotFound', 'its container is unknown to the ledger')
    item.side = 'source'
    const parent = sourceIdOf(container, () => sourceContainerId(source, roots, container))
    this.#context.atWork(container, work)
    return childIdOf(source, parent, work.name, work.sourceId)
  }

  /** The destination container of an item, made now if it has to be; from here on the destination is to blame. */
  async container(item: ItemTransfer): Promise<string> {
    item.side = 'destination'
    return this.#context.containers.idOf(item.work.container, this.#containers, this.#maker)
  }

  /** Where an item's container is on both sides; undefined when the ledger does not know it. */
  addressOf(work: WorkItem): ContainerAddress | undefined {
    return this.#containers.get(work.container)
  }

  /** An item's path at the source, for people. */
  path(work: WorkItem): string {
    return readable(this.addressOf(work)?.sourceNames ?? [], work.name)
  }

  /** What was planned against; on `path` platforms its address is its container's and its name. */
  counterpart(work: WorkItem, container: string): { id: string; facts: Facts } {
    if (!work.counterpart) throw new ConnectorError('PreconditionFailed', 'nothing was planned against')
    const { id, ...facts } = work.counterpart
    return { id: childIdOf(this.#context.destination, container, work.destinationName, id), facts }
  }

  /** Where an item is published, and what may be there. */
  target(work: WorkItem, container: string): Target {
    const condition = replaces(work) ? this.counterpart(work, container).facts : 'absent'
    return { container, name: work.destinationName, condition, want: this.#want }
  }
}

/** Computed once per container: a batch has hundreds of items in few containers. */
const sourceIds = new WeakMap<ContainerAddress, string>()
function sourceIdOf(container: ContainerAddress, compute: () => string): string {
  let id = sourceIds.get(container)
  if (id === undefined) sourceIds.set(container, (id = compute()))
  return id
}
