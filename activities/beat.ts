import { Context } from '@temporalio/activity'
import type { Beat } from '../src/transfer/engine/engine.ts'

const everyMs = 500

/**
 * Says that this activity lives, from its own timer, whatever the work is doing; the worker passes on what it says each
 * `STEVEDORE_HEARTBEAT_MS`. The details (the path in hand, counts) are shown in the Web UI.
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
