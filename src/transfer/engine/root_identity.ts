import { ConnectorError } from '../../connector/errors.ts'
import type { Item } from '../../connector/item.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { rootKey, type ExecutionSpec } from './execution_spec.ts'
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
  const snapshots =
    side === 'source' ? ', or have root_may_change in its connection where each run finds a new snapshot' : ''
  throw new ConnectorError(
    'RootReplaced',
    `${JSON.stringify(path)} is not the folder of earlier executions (is something not mounted?); if it was replaced on purpose, make a new job${snapshots}`,
  )
}

/** Whether a source may be another root in each execution; a destination never may: what was written there would be forgotten. */
export function rootMayChange({ source }: Pick<ExecutionSpec, 'source'>): boolean {
  return String(source.auth['root_may_change']) === 'true'
}

/**
 * Looks at a root at the start of an execution, and remembers it for all that follow: within one it stays the same.
 *
 * @throws ConnectorError `RootReplaced`
 */
export async function rememberRoot(
  ledger: Ledger,
  spec: Pick<ExecutionSpec, SideName | 'execution'>,
  { side, root }: { side: SideName; root: Item },
): Promise<void> {
  const execution = String(spec.execution)
  const isFirstLook = (await ledger.recall(seenIn(side))) !== execution
  const mayDiffer = side === 'source' && isFirstLook && rootMayChange(spec)
  if (!mayDiffer) await requireSameRoot(ledger, { side, path: spec[side].path }, root)
  if (root.identity === undefined) return
  await ledger.remember(rootKey(side), root.identity)
  await ledger.remember(seenIn(side), execution)
}

/** In which execution it was looked at last. */
function seenIn(side: SideName): string {
  return `${rootKey(side)}:seen`
}
