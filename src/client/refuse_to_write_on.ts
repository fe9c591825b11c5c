import type { Catalog } from '../catalog/catalog.ts'
import type { JobFacts } from '../../workflows/messages.ts'
import { Refused } from './refused.ts'

/**
 * Whoever has set `simulation_mode` since wants nothing written: an execution that was begun to write is not gone on with.
 *
 * @throws Refused
 */
export async function refuseToWriteOn(catalog: Catalog, jobId: string, facts: JobFacts): Promise<void> {
  if (!facts.unfinished || !facts.simulated) return
  const execution = await catalog.executions.get(jobId, facts.lastExecution)
  if (!execution || execution.simulated) return
  const job = JSON.stringify(facts.name)
  throw new Refused(
    `execution ${facts.lastExecution} of ${job} was begun to write, and simulation_mode holds from the next one: cancel it first, or set simulation_mode to false`,
  )
}
