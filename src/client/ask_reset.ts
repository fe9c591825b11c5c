import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import type { ResetKind } from '../job/reset.ts'
import { Refused } from './refused.ts'

/**
 * The next execution begins with a reset. One that is under way would go on with half of what it knows.
 *
 * @throws Refused while an execution is under way, or paused
 */
export async function askReset(
  { id, name, lastExecution }: StoredJob,
  kind: ResetKind,
  catalog: Catalog,
): Promise<void> {
  const last = lastExecution > 0 ? await catalog.executions.get(id, lastExecution) : undefined
  if (last?.endedOn === null)
    throw new Refused(
      `execution ${lastExecution} of ${JSON.stringify(name)} is under way: wait for its end, or end it with "stevedore job cancel ${id}"`,
    )
  await catalog.jobs.askReset(id, kind)
}
