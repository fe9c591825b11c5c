import type { Staged } from '../../connector/connector.ts'
import type { WorkItem } from '../../ledger/ledger.ts'
import type { JobContext } from '../job_context.ts'

/** Leaves nothing staged; when even that fails, the ledger keeps the key, so that a later try or the end clears it away. */
export async function discardOrKeep(
  { destination, ledger }: JobContext,
  { work: { item, source }, token }: { work: WorkItem; token: number },
  { container, key }: Pick<Staged, 'container' | 'key'>,
): Promise<void> {
  try {
    await destination.discard(container, key)
  } catch {
    await ledger.partial(token, item, { key, bytes: 0n, source })
  }
}
