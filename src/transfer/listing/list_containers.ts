import type { ContainerToList, Holder } from '../../ledger/ledger.ts'
import { Suspended } from '../engine/errors.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { Permits } from '../io/permits.ts'
import { Stop, type StopToken } from '../io/stop.ts'
import { SideTrouble } from '../engine/trouble.ts'
import { listContainer } from './list_container.ts'

/** Claimed at once where calls block. */
const containersAtOnce = 16

/** @returns whether nothing is left to list, nor can come */
export async function listContainers(
  context: ExecutionContext,
  { holder, stop, width }: { holder: Holder; stop: StopToken; width: number },
): Promise<'closed' | 'more'> {
  if (context.spec.io === 'async') return new SideBySideListing(context, { holder, stop, width }).run()
  const claim = await context.ledger.claimContainers(holder, containersAtOnce)
  if (claim.state === 'closed') return 'closed'
  if (claim.state === 'claimed') await listInTurn(context, claim.claim, stop)
  return 'more'
}

async function listInTurn(
  context: ExecutionContext,
  containers: readonly ContainerToList[],
  stop: StopToken,
): Promise<void> {
  const left = new Set(containers.map(({ token }) => token))
  try {
    for (const container of containers) {
      context.at(container.sourceNames)
      await listContainer(context, container, stop)
      left.delete(container.token)
    }
  } catch (error) {
    await returnUnlessTheirFault(context, [...left], error)
  }
}

/** Neither of a stop nor of trouble with a connection is a container to blame, as it would be of its holder's death. */
async function returnUnlessTheirFault(context: ExecutionContext, tokens: number[], error: unknown): Promise<void> {
  if (error instanceof Suspended || error instanceof SideTrouble) await context.ledger.returnContainers(tokens)
  if (!(error instanceof Suspended)) throw error
}

/** As many listings under way as there are permits; what one finds is listed while others still wait for their pages. */
class SideBySideListing {
  readonly #context: ExecutionContext
  readonly #holder: Holder
  readonly #stop: StopToken
  readonly #width: number
  readonly #permits: Permits
  /** By token. */
  readonly #underWay = new Map<number, Promise<void>>()
  readonly #errors: unknown[] = []

  constructor(context: ExecutionContext, { holder, stop, width }: { holder: Holder; stop: StopToken; width: number }) {
    this.#context = context
    this.#holder = holder
    this.#stop = stop
    this.#width = width
    this.#permits = new Permits(width)
  }

  async run(): Promise<'closed' | 'more'> {
    let end: 'closed' | 'more' = 'more'
    while (this.#stop.reason === Stop.run && !this.#stop.timeIsUp && this.#errors.length === 0) {
      await this.#permits.take()
      this.#permits.give()
      const free = this.#width - this.#underWay.size
      const holder = { ...this.#holder, inHand: [...this.#underWay.keys()] }
      const claim = await this.#context.ledger.claimContainers(holder, free)
      if (claim.state === 'claimed') for (const container of claim.claim) await this.#begin(container)
      else if (claim.state === 'closed') {
        end = 'closed'
        break
      }
      if (this.#context.pendingWrites.hasFailed) break
    }
    await Promise.all(this.#underWay.values())
    if (this.#errors.length > 0) throw this.#errors[0]
    return end
  }

  async #begin(container: ContainerToList): Promise<void> {
    await this.#permits.take()
    const { token } = container
    this.#context.at(container.sourceNames)
    const end = listContainer(this.#context, container, this.#stop)
      .catch((error: unknown) => returnUnlessTheirFault(this.#context, [token], error))
      .catch((error: unknown) => void this.#errors.push(error))
      .finally(() => {
        this.#underWay.delete(token)
        this.#permits.give()
      })
    this.#underWay.set(token, end)
  }
}
