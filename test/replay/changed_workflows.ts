import { sleep } from '@temporalio/workflow'
import { execution as asRecordedExecution } from '../../workflows/execution.ts'
import { job as asRecordedJob } from '../../workflows/job.ts'
import type { ExecutionOutcome, ExecutionStart, JobOutcome, JobStart } from '../../workflows/messages.ts'

/** Changed on purpose: each waits before it begins, which the recorded ones did not. */
export async function execution(start: ExecutionStart): Promise<ExecutionOutcome> {
  await sleep(1)
  return asRecordedExecution(start)
}

export async function job(start: JobStart): Promise<JobOutcome> {
  const living = asRecordedJob(start)
  await sleep(1)
  return living
}
