import { CancellationScope, setHandler } from '@temporalio/workflow'
import { cancel, drained, ended, pause, resume, start as startUpdate, state } from './commands.ts'
import { JobLoop } from './job_loop.ts'
import type { JobOutcome, JobStart } from './messages.ts'

/**
 * A job for as long as there is something to wait for: starts its executions one after another, counts them, and is complete
 * when its stop policy says so. One that runs only when it is started closes after a while, and the next start opens it again.
 */
export function job(start: JobStart): Promise<JobOutcome> {
  const loop = new JobLoop(start)
  setHandler(state, () => loop.state(), {
    description: 'What the job does or waits for, its counts, and its next run.',
  })
  setHandler(drained, (n) => loop.drained(n), {
    description: 'From an execution to its job: paused, and nothing is written any more.',
  })
  setHandler(ended, (n, how) => loop.ended(n, how), {
    description: 'From whoever looks after the home: an execution has ended, if the job has not heard of it.',
  })
  setHandler(startUpdate, () => loop.start(), {
    validator: () => loop.refuseStart(),
    description: 'Starts the next execution now. Answers its number when it is on record. Takes no input.',
  })
  setHandler(pause, () => loop.pause(), {
    validator: () => loop.refusePause(),
    description:
      'Nothing new begins until resume. Answers when nothing is written any more, or after 9 s. Takes no input.',
  })
  setHandler(resume, () => loop.resume(), {
    validator: () => loop.refuseResume(),
    description: 'Goes on after a pause. Takes no input.',
  })
  setHandler(cancel, () => loop.cancel(), {
    validator: () => loop.refuseCancel(),
    description:
      'Ends the running execution: what is in hand is finished first. Answers when it has ended, or after 9 s. Takes no input.',
  })
  CancellationScope.current().cancelRequested.catch(() => loop.stop())
  return CancellationScope.nonCancellable(() => loop.run())
}
