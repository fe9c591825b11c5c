import { ConnectorError } from '../connector/errors.ts'

export type Side = 'source' | 'destination' | 'home'

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

/** An error of one item: what the ledger records of it. */
export interface ItemTrouble {
  reason: string
  why: string
}

/**
 * Tells an item's error from a connection's. What no connector knows of is the item's too: one poisoned item must not
 * stop its neighbours, and its message is what a person needs to see.
 * @throws SideTrouble for an error of the connection
 */
export function itemTrouble(error: unknown, side: Side): ItemTrouble {
  if (error instanceof ConnectorError) {
    if (error.kind === 'connection') throw new SideTrouble(side, error)
    return { reason: error.code, why: `${side}: ${error.message}` }
  }
  if (error instanceof SideTrouble) throw error
  if (error instanceof Error && ['LeaseLost', 'HomeFull', 'LedgerGone'].includes(error.name)) throw error
  return { reason: 'ItemFailed', why: `${side}: ${error instanceof Error ? error.message : String(error)}` }
}
