import { setTimeout as sleep } from 'node:timers/promises'
import type { JobClient } from './job_client.ts'

/** What is ended on the server itself is to be seen in the catalog within a minute. */
const everyMs = 30_000

interface Reconciling {
  /** Resolves when nothing of it goes on. */
  stop(): Promise<void>
}

/** Looks again and again whether catalog and server say the same. A server that does not answer is asked the next time. */
export function reconciling(
  client: Pick<JobClient, 'reconcile'>,
  { onError, everyMs: ms = everyMs }: { onError(error: unknown): void; everyMs?: number },
): Reconciling {
  const over = new AbortController()
  const { signal } = over
  const looking = (async () => {
    for (;;) {
      await sleep(ms, undefined, { signal, ref: false })
      await client.reconcile().catch(onError)
    }
  })().catch(() => undefined)
  return {
    async stop() {
      over.abort()
      await looking
    },
  }
}
