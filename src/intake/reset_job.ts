import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { resetOf } from '../job/reset.ts'
import { InUse, Unacceptable } from '../problem.ts'

/**
 * Has the next execution of a job begin without what it knows, or with permissions applied anew. What was asked for before stays
 * asked for.
 *
 * @returns why nothing is to be reset, where that is so
 * @throws Unacceptable for a word that asks for nothing known; InUse while an execution is under way
 */
export async function resetJob(job: StoredJob, word: string, catalog: Catalog): Promise<string | undefined> {
  const asked = resetOf(word)
  if ('code' in asked) throw new Unacceptable([asked])
  const last = job.lastExecution > 0 ? await catalog.executions.get(job.id, job.lastExecution) : undefined
  if (last?.endedOn === null)
    throw new InUse([
      { code: 'running', description: `run ${last.execution} is under way; wait for it, or cancel it, and reset then` },
    ])
  if (asked.resets.length === 0) return asked.why
  await catalog.jobs.update(job.id, { resets: [...new Set([...job.resets, ...asked.resets])] })
  return undefined
}
