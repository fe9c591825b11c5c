import { Context } from '@temporalio/activity'
import type { Beat } from '../src/transfer/engine/engine.ts'

const everyMs = 500

/**
 * Tells the server that this activity lives, twice a second and from its own timer, whatever the work is doing. That is also
 * how a cancel arrives. The details (the path in hand, counts) are shown in the Web UI.
 */
export async function beating<T>(work: (onBeat: (beat: Beat) => void) => Promise<T>): Promise<T> {
  const context = Context.current()
  let last: Beat | undefined
  const beat = (): void => context.heartbeat(last)
  const timer = setInterval(beat, everyMs)
  try {
    return await work((now) => {
      last = now
    })
  } finally {
    clearInterval(timer)
  }
}
