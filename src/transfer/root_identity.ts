import { ConnectorError } from '../connector/errors.ts'
import type { Item } from '../connector/item.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { rootKey } from './job_spec.ts'
import type { SideName } from './sides.ts'

/**
 * A root replaced by another (an unmounted disk's empty mount point, a restored folder) is not the one that was tracked. Where
 * none is remembered yet, or the platform tells none apart, any will do.
 *
 * @param path of the job's target, for people
 * @throws ConnectorError `RootReplaced`
 */
export async function requireSameRoot(
  ledger: Ledger,
  { side, path }: { side: SideName; path: string },
  { identity }: Item,
): Promise<void> {
  const before = identity === undefined ? undefined : await ledger.recall(rootKey(side))
  if (before === undefined || before === identity) return
  throw new ConnectorError(
    'RootReplaced',
    `${JSON.stringify(path)} is not the folder of earlier executions (is something not mounted?); if it was replaced on purpose, make a new job`,
  )
}
