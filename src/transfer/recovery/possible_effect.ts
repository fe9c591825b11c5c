import { ConnectorError } from '../../connector/errors.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { stagingKey } from '../engine/execution_spec.ts'

/**
 * For a call that changes something in place: when it fails it may have had its effect all the same, and a later holder
 * has to know that one before it was at it.
 *
 * @param container where it was, by id
 */
export async function recordingPossibleEffect<T>(
  { ledger, spec }: ExecutionContext,
  { item, container, token }: { item: number; container: string; token: number },
  call: () => T,
): Promise<Awaited<T>> {
  try {
    return await call()
  } catch (error) {
    const staged = { container, key: stagingKey(spec.jobId, item, 0), hash: '', sizeBytes: 0n }
    if (!isRefusal(error)) await ledger.staged(token, [{ item, staged }])
    throw error
  }
}

/** What was there was not what it was to be, so nothing was done. */
function isRefusal(error: unknown): boolean {
  return error instanceof ConnectorError && (error.code === 'Conflict' || error.code === 'PreconditionFailed')
}
