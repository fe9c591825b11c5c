import { WorkflowNotFoundError, type Client } from '@temporalio/client'
import { executionWorkflowId, jobWorkflowId } from '../../workflows/names.ts'

/** Begins the reason of a termination that is no operator's: what it ended is to begin again. */
export const beginsAgain = 'stevedore: '

/** Ends a job's workflows where they stand; who needs them again begins them from the catalog. The execution first: it has a parent to tell. */
export async function endWorkflows(
  client: Client,
  { jobId, execution }: { jobId: string; execution: number },
  why: string,
): Promise<void> {
  for (const workflowId of [executionWorkflowId(jobId, execution), jobWorkflowId(jobId)]) {
    try {
      await client.workflow.getHandle(workflowId).terminate(beginsAgain + why)
    } catch (error) {
      // There is none, or none any more.
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
  }
}
