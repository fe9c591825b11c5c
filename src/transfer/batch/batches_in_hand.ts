import type { Batch, Holder, Patience } from '../../ledger/ledger.ts'
import { carryOut } from './carry_out.ts'
import type { JobContext } from '../job_context.ts'
import { Stop, type Obeys } from '../threads/signals.ts'
import { SideTrouble } from '../trouble.ts'
import { Turn } from './turn.ts'

/** In one batch; the ledger's share of the work, one transaction for each step of a batch, is small at this size. */
const limit = { items: 500, bytes: 1024n ** 3n }
/** One that is worked on, one whose staging is being committed, one that comes next. */
const atOnce = 3
/** While more than this is in hand nothing is claimed ahead: it would wait too long for its turn, and nobody else could take it. */
const longBytes = 64n * 1024n * 1024n

export function claimBatch(
  { destination, ledger }: JobContext,
  holder: Holder,
  patience?: Patience,
): ReturnType<JobContext['ledger']['claimBatch']> {
  const { batchBytes = limit.bytes } = destination.capabilities.content
  return ledger.claimBatch(holder, { ...limit, bytes: batchBytes }, patience)
}

/**
 * Carries out a batch and whatever follows it without waiting. Blocking calls have the thread to themselves, so that one
 * batch is worked on at a time; but while the ledger commits what was staged of it, the next one is.
 *
 * @returns how many items failed
 */
export async function carryOutFrom(context: JobContext, first: Batch, holder: Holder, obeys: Obeys): Promise<number> {
  return new BatchesInHand(context, holder, obeys).run(first)
}

class BatchesInHand {
  readonly #context: JobContext
  readonly #holder: Holder
  readonly #obeys: Obeys
  readonly #turn = new Turn()
  /** Claimed, and results not handed in, by token. */
  readonly #open = new Set<number>()
  readonly #ends = new Set<Promise<void>>()
  #onHandedIn: () => void = () => undefined
  #failed = 0
  readonly #errors: unknown[] = []

  constructor(context: JobContext, holder: Holder, obeys: Obeys) {
    this.#context = context
    this.#holder = holder
    this.#obeys = obeys
  }

  async run(first: Batch): Promise<number> {
    for (let batch: Batch | undefined = first; batch; batch = await this.#next()) {
      const long = isLong(batch)
      if (long) await this.#allEnded()
      this.#begin(batch)
      if (long) await this.#allEnded()
    }
    await this.#allEnded()
    if (this.#errors.length > 0) throw worst(this.#errors)
    return this.#failed
  }

  #begin(batch: Batch): void {
    const { token } = batch
    this.#open.add(token)
    const handedIn = (): void => {
      this.#open.delete(token)
      this.#onHandedIn()
    }
    const end: Promise<void> = carryOut(this.#context, batch, { obeys: this.#obeys, turn: this.#turn, handedIn })
      .then(
        (failed) => {
          this.#failed += failed
        },
        (error: unknown) => {
          this.#errors.push(error)
        },
      )
      .finally(() => this.#ends.delete(end))
    this.#ends.add(end)
  }

  /** Asked for before the batch just begun has the thread to itself, so that the answer is there when it is done. */
  async #next(): Promise<Batch | undefined> {
    while (this.#open.size >= atOnce) await new Promise<void>((resolve) => (this.#onHandedIn = resolve))
    if (this.#obeys.stop !== Stop.run || this.#obeys.timeIsUp || this.#context.later.hasFailed) return undefined
    const holder = { ...this.#holder, inHand: [...this.#open] }
    const claim = await claimBatch(this.#context, holder, { waitMs: 0 })
    return claim.state === 'claimed' ? claim.claim : undefined
  }

  async #allEnded(): Promise<void> {
    await Promise.all(this.#ends)
  }
}

function isLong({ items }: Batch): boolean {
  let bytes = 0n
  for (const { kind, action, source } of items)
    if (kind === 'item' && action !== 'attributes') bytes += source.sizeBytes
  return bytes > longBytes
}

/** The one to be told: a lease that was lost is no trouble, and what nobody expected says more than a connection that broke. */
function worst(errors: readonly unknown[]): unknown {
  const rank = (error: unknown): number => {
    if (error instanceof SideTrouble) return 1
    return error instanceof Error && error.name === 'LeaseLost' ? 0 : 2
  }
  return errors.reduce((worst, error) => (rank(error) > rank(worst) ? error : worst))
}
