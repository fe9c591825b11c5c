import type { Staged } from '../../connector/connector.ts'
import type { WorkItem } from '../../ledger/ledger.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'

/** Leaves nothing staged; when even that fails, the ledger keeps the key, so that a later try or the end clears it away. */
export async function discardOrKeep(
  { destination, ledger }: ExecutionContext,
  { work: { item, source, destinationName: name }, token }: { work: WorkItem; token: number },
  { container, key, resume: known }: Pick<Staged, 'container' | 'key' | 'resume'>,
): Promise<void> {
  const resume = known === undefined ? {} : { resume: known }
  try {
    await destination.discard(container, key, { name, sizeBytes: source.sizeBytes, ...resume })
  } catch {
    await ledger.partial(token, item, { key, bytes: 0n, source, ...resume })
  }
}
