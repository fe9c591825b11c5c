import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog } from '../catalog/catalog.ts'
import type { JobStatus } from '../job/status.ts'
import { refuseToWriteOn } from './refuse_to_write_on.ts'
import { jobFacts } from './job_facts.ts'
import { Refused } from './refused.ts'
import type { JobCommands } from './job_commands.ts'

interface Begun {
  execution: number
  /** It was under way already, whoever began it: a process that died, another command, the job's own schedule. */
  goesOn: boolean
}

/** How long a refusal may be one of the moment. */
const momentMs = 3_000
/** A job whose worker died as it was to take note of an end does so when the server gives that task to the next: after ten seconds. */
const settlingMs = 20_000

/**
 * The execution that is under way goes on, resumed if it was paused; without one the next begins.
 *
 * @throws Refused when none may begin
 */
export async function beginExecution(
  jobId: string,
  catalog: Catalog,
  commands: Pick<JobCommands, 'start' | 'resume'>,
): Promise<Begun> {
  for (const begunMs = Date.now(); ; await sleep(50)) {
    const facts = await jobFacts(catalog, jobId)
    const { unfinished, lastExecution, paused, rest } = facts
    await refuseToWriteOn(catalog, jobId, facts)
    try {
      // Who begins a job that is paused, between two runs or in one, wants it to run.
      if (paused || (unfinished && (await catalog.control.read(jobId)).paused)) await commands.resume(jobId)
      if (unfinished) return { execution: lastExecution, goesOn: true }
      return { execution: (await commands.start(jobId)).execution, goesOn: false }
    } catch (error) {
      // An execution that just began, or just ended, is known to the workflow before it is on record here.
      if (!(error instanceof Refused) || rest.status === 'complete') throw error
      const isSettling = !unfinished && hasNotHeard(error, lastExecution, (await catalog.jobs.get(jobId))?.status)
      const waitMs = isSettling ? settlingMs : momentMs
      if (Date.now() - begunMs > waitMs) throw error
    }
  }
}

/**
 * Its last execution has ended, and the job does not know yet: the catalog says so, or it refuses for the sake of an execution
 * of which the catalog has the end.
 */
function hasNotHeard({ message }: Refused, ended: number, status: JobStatus | undefined): boolean {
  return status === 'running' || status === 'cancelling' || message.includes(`is running (execution ${ended})`)
}
