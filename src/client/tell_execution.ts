import type { WorkflowClient } from '@temporalio/client'
import { waitingFor } from '../../workflows/commands.ts'
import { executionWorkflowId } from '../../workflows/names.ts'

/** What an execution waits for, told to its workflow. @throws when that has closed */
export async function tellExecution(
  workflows: WorkflowClient,
  { jobId, execution }: { jobId: string; execution: number },
  why: string | undefined,
): Promise<void> {
  await workflows.getHandle(executionWorkflowId(jobId, execution)).signal(waitingFor, why ?? null)
}
