import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowNotFoundError } from '@temporalio/client'

/** gRPC's NOT_FOUND. */
const notFound = 5

/**
 * Asks again while the server does not know yet what is known to have been made: a workflow that begins a moment after its
 * start was recorded, a namespace that parts of the server have not heard of.
 *
 * @param within.ms how long; default 30,000
 * @throws what the last attempt raised
 */
export async function onceThere<T>(ask: () => Promise<T>, within = { ms: 30_000 }): Promise<T> {
  const deadline = Date.now() + within.ms
  for (let wait = 10; ; wait = Math.min(100, wait * 1.2)) {
    try {
      return await ask()
    } catch (error) {
      const isMissing = error instanceof WorkflowNotFoundError || (error as { code?: unknown }).code === notFound
      if (!isMissing || Date.now() > deadline) throw error
      await sleep(wait)
    }
  }
}
