import { setTimeout as sleep } from 'node:timers/promises'
import type { TemporalServer } from './server.ts'

/** A home that has lost its server goes on writing, and reports again this much later at most. */
const lookMs = 500

export interface Kept {
  /** Resolves when it has ended and can't be started again; never when all is well. */
  readonly broken: Promise<Error>
  /** Resolves when nobody looks any more; a start that is under way is called off. */
  stop(): Promise<void>
}

/** Looks after the embedded server of a home that is being served: whenever it has ended, it is started again where it was. */
export function keepRunning(server: Pick<TemporalServer, 'keep'>, startedAgain: () => void): Kept {
  const over = new AbortController()
  const look = async (): Promise<never> => {
    for (;;) {
      await sleep(lookMs, undefined, { signal: over.signal, ref: false })
      if (await server.keep(over.signal)) startedAgain()
    }
  }
  const looking = look().catch((error: Error) => error)
  return {
    broken: looking.then((error) =>
      over.signal.aborted
        ? new Promise<never>(() => undefined)
        : new Error(`the Temporal server ended: ${error.message}`),
    ),
    async stop() {
      over.abort()
      await looking
    },
  }
}
