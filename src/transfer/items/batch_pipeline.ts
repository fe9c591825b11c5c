import type { Batch, Holder, Patience } from '../../ledger/ledger.ts'
import { carryOut } from './carry_out.ts'
import { InFlight } from './in_flight.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { Stop, type StopToken } from '../io/stop.ts'
import { SideTrouble } from '../engine/trouble.ts'

/** In one batch; the ledger's share of the work, one transaction for each step of a batch, is small at this size. */
const limit = { items: 500, bytes: 1024n ** 3n }
/** Where calls block: one that is worked on, one whose staging is being committed, one that comes next. */
const atOnce = 3
/** While more than this is in hand nothing is claimed ahead: it would wait too long for its turn, and nobody else could take it. */
const longBytes = 64n * 1024n * 1024n

export function claimBatch(
  { destination, ledger }: ExecutionContext,
  holder: Holder,
  patience?: Patience,
): ReturnType<ExecutionContext['ledger']['claimBatch']> {
  const { batchBytes = limit.bytes } = destination.capabilities.content
  return ledger.claimBatch(holder, { ...limit, bytes: batchBytes }, patience)
}

/**
 * Carries out a batch and whatever follows it without waiting.
 *
 * @param width how many operations are under way at once, where platforms answer with promises
 * @returns how many items failed
 */
export async function carryOutFrom(
  context: ExecutionContext,
  first: Batch,
  { holder, stop, width = 1 }: { holder: Holder; stop: StopToken; width?: number },
): Promise<number> {
  return new BatchPipeline(context, { holder, stop, width }).run(first)
}

/**
 * Batches of one slot, in different stages. Blocking calls have the thread to themselves, so that one batch is worked on at a
 * time; but while the ledger commits what was staged of it, the next one is. Where nothing blocks, as many batches are begun
 * as it takes to have all operations under way that were asked for.
 */
class BatchPipeline {
  readonly #context: ExecutionContext
  readonly #holder: Holder
  readonly #stop: StopToken
  readonly #inFlight: InFlight | undefined
  readonly #mostOpen: number
  /** Claimed, and results not handed in, by token. */
  readonly #open = new Set<number>()
  readonly #ends = new Set<Promise<void>>()
  /** Called when there may be room for another batch. */
  #onRoom: () => void = () => undefined
  #failed = 0
  readonly #errors: unknown[] = []

  constructor(context: ExecutionContext, { holder, stop, width }: { holder: Holder; stop: StopToken; width: number }) {
    this.#context = context
    this.#holder = holder
    this.#stop = stop
    const isAsync = context.spec.io === 'async'
    this.#mostOpen = isAsync ? Math.max(atOnce, width) : atOnce
    if (!isAsync) return
    this.#inFlight = new InFlight(width)
    this.#inFlight.operations.onRoom = () => this.#onRoom()
  }

  async run(first: Batch): Promise<number> {
    for (let batch: Batch | undefined = first; batch; batch = await this.#next()) {
      const long = !this.#inFlight && isLong(batch)
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
      this.#onRoom()
    }
    const how = this.#inFlight ? { inFlight: this.#inFlight } : { mutex: this.#context.mutex }
    const context = (batch.toSource && this.#context.back) || this.#context
    const end: Promise<void> = carryOut(context, batch, { stop: this.#stop, handedIn, ...how })
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

  /**
   * Where calls block it is asked for before the batch just begun has the thread to itself, so that the answer is there when
   * it is done. Where they do not, more work may turn up while something is under way.
   */
  async #next(): Promise<Batch | undefined> {
    for (;;) {
      while (!this.#hasRoom) await new Promise<void>((resolve) => (this.#onRoom = resolve))
      if (this.#stop.reason !== Stop.run || this.#stop.timeIsUp || this.#context.pendingWrites.hasFailed)
        return undefined
      const holder = { ...this.#holder, inHand: [...this.#open] }
      const claim = await claimBatch(this.#context, holder, this.#inFlight ? {} : { waitMs: 0 })
      if (claim.state === 'claimed') return claim.claim
      if (!this.#inFlight || this.#open.size === 0) return undefined
      // Nothing else can be claimed before something under way has an end.
      if (claim.state !== 'wait') await Promise.race(this.#ends)
    }
  }

  get #hasRoom(): boolean {
    return this.#open.size < this.#mostOpen && (this.#inFlight?.operations.hasRoom ?? true)
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
