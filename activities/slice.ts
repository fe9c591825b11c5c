import { Context } from '@temporalio/activity'
import type { Beat, SliceRun } from '../src/transfer/engine/engine.ts'
import type { SliceInput, SliceResult } from '../workflows/messages.ts'
import { beating } from './beat.ts'

/** One slice of a lane, under a supervisor that beats for it and passes on that it is to stop. */
export function slice(work: (input: SliceInput, run: SliceRun) => Promise<SliceResult>) {
  return async (input: SliceInput): Promise<SliceResult> => {
    const context = Context.current()
    const signal = context.cancellationSignal
    let last: Beat | undefined
    try {
      return await beating((onBeat) =>
        work(input, {
          signal,
          onBeat: (beat) => {
            last = beat
            onBeat(beat)
          },
        }),
      )
    } catch (error) {
      // The worker is going, not the job: what was done is committed, and the next slice goes on from there, elsewhere.
      if (!signal.aborted || error !== signal.reason || isAsked(context)) throw error
      return { state: 'more', items: last?.items ?? 0, failed: 0, bytes: last?.bytes ?? 0 }
    }
  }
}

/** Somebody wants the execution cancelled, or Temporal this attempt ended; not only the worker shut down. */
function isAsked({ cancellationDetails: details }: Context): boolean {
  return details?.workerShutdown !== true || details.cancelRequested
}
