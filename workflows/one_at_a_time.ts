import { CancellationScope, condition } from '@temporalio/workflow'

/**
 * Local activities of one workflow, never two under way. Their answers come one by one the first time, and all that are
 * under way at once when the history is replayed: with two, what goes on after the first and what goes on after the second
 * would change places, and the workflow could not be replayed any more. For the same reason whoever waits goes on by a
 * condition, which is looked at when everything else that came with the answer has had its effect.
 */
export class OneAtATime {
  #busy = false

  async run<T>(work: () => Promise<T>): Promise<T> {
    while (this.#busy) await settled(() => !this.#busy)
    this.#busy = true
    const outcome = work()
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    outcome.then(over, over)
    await settled(() => isOver)
    this.#busy = false
    return outcome
  }
}

/** The work itself may be cancelled with its scope, and is over then; the waiting for that is not. */
function settled(isSo: () => boolean): Promise<void> {
  return CancellationScope.nonCancellable(() => condition(isSo))
}
