import { setTimeout as sleep } from 'node:timers/promises'
import type { TemporalServer } from './server.ts'

/** A worker that has lost its server goes on writing, and reports again this much later at most. */
const lookMs = 500
/** A start that failed is tried again after a pause that doubles up to this. */
const mostPauseMs = 30_000

interface Keeping {
  say(line: string): void
  /** It runs again: what its end has cost is put right. Only `stop` waits for that, and its signal calls it off. */
  startedAgain(signal: AbortSignal): Promise<void>
}

interface Kept {
  /** Resolves when nobody looks any more; a start that is under way is called off. */
  stop(): Promise<void>
}

/** Looks after the embedded server of a home that is being served: whenever it has ended it is started again where it was. */
export function keepRunning(server: Pick<TemporalServer, 'keep'>, { say, startedAgain }: Keeping): Kept {
  const over = new AbortController()
  const { signal } = over
  let mending: Promise<void> = Promise.resolve()
  let failures = 0

  const look = async (): Promise<void> => {
    try {
      if (!(await server.keep(signal))) return
      say('The Temporal server had ended; it is started again where it was.')
      mending = startedAgain(signal).catch((error: Error) => {
        if (!signal.aborted) say(`Not all is as it was before the Temporal server ended: ${error.message}`)
      })
      failures = 0
    } catch (error) {
      if (signal.aborted) throw error
      if (failures === 0)
        say(`The Temporal server has ended, and is tried until it starts: ${(error as Error).message}`)
      failures += 1
    }
  }
  const keep = async (): Promise<never> => {
    for (;;) {
      await sleep(Math.min(mostPauseMs, lookMs * 2 ** failures), undefined, { signal, ref: false })
      await look()
    }
  }

  const keeping = keep().catch(() => undefined)
  return {
    async stop() {
      over.abort()
      await keeping
      await mending
    },
  }
}
