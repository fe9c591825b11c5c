import { ConnectorError } from '../../connector/errors.ts'
import type { SideName } from './sides.ts'

export type Side = SideName | 'home'

/** An error of a connection on its way out of a thread; names the side, which the connector can't know. */
export class SideTrouble extends Error {
  override readonly name = 'SideTrouble'
  readonly side: Side
  readonly code: string
  readonly retryAfterMs: number | undefined

  constructor(side: Side, cause: { code?: string; message: string; retryAfterMs?: number | undefined }) {
    super(cause.message)
    this.side = side
    this.code = cause.code ?? 'Unreachable'
    this.retryAfterMs = cause.retryAfterMs
  }
}

/**
 * For what concerns a side as a whole: whatever goes wrong with it is no item's.
 *
 * @throws SideTrouble where a platform is to blame
 */
export async function troubleOf<T>(side: Side, step: () => T): Promise<Awaited<T>> {
  try {
    return await step()
  } catch (error) {
    throw error instanceof ConnectorError ? new SideTrouble(side, error) : error
  }
}

/** An error of one item: what the ledger records of it. */
export interface ItemTrouble {
  reason: string
  why: string
}

/**
 * What the ledger records of an error. What no connector knows of is the item's too: one poisoned item must not stop its
 * neighbours, and its message is what a person needs to see.
 *
 * @throws as {@link throwUnlessItems}
 */
export function itemTrouble(error: unknown, side: Side): ItemTrouble {
  throwUnlessItems(error, side)
  const message = error instanceof Error ? error.message : String(error)
  return { reason: error instanceof ConnectorError ? error.code : 'ItemFailed', why: `${side}: ${message}` }
}

/**
 * Tells an item's error from a connection's, and from one of the job itself.
 *
 * @throws SideTrouble for an error of the connection; one of a lost lease, a full home or a ledger that is gone as it is
 */
export function throwUnlessItems(error: unknown, side: Side): void {
  if (error instanceof ConnectorError) {
    if (error.kind === 'connection') throw new SideTrouble(side, error)
    return
  }
  if (error instanceof SideTrouble) throw error
  if (error instanceof Error && ['LeaseLost', 'HomeFull', 'LedgerGone'].includes(error.name)) throw error
}
