import type { ContainerToList } from '../../ledger/ledger.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import type { ItemTrouble } from '../engine/trouble.ts'

/**
 * Under `sync` a container that the destination had when the one above it was listed, and has no more: were it taken for
 * empty, all that is in it would be deleted at the source (brake 1). The next execution sees whether it was deleted.
 */
export function vanished({ back, spec }: ExecutionContext, container: ContainerToList): ItemTrouble | undefined {
  if (!back || !container.ready || container.removing || !container.looked) return undefined
  const { deletePropagation } = spec.settings
  if (deletePropagation !== 'mirror' && deletePropagation !== 'ignore_source') return undefined
  return { reason: 'NotFound', why: 'destination: it went away while it was being looked at' }
}
