import type { JobFacts } from '../../workflows/messages.ts'
import { Refused } from './refused.ts'

/** A pause in the middle of an execution is one, too: it is not said to be running. @throws Refused */
export function refuseWhilePaused({ name, paused, unfinished, lastExecution }: JobFacts): void {
  if (!paused) return
  const where = unfinished ? ` in execution ${lastExecution}` : ''
  throw new Refused(`${JSON.stringify(name)} is paused${where}; resume it first`)
}
