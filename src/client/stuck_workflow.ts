import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client'

const mostCharacters = 400
/** The server writes the first failure of a task down, and only counts those that follow. */
const eventsLookedAt = 20

/**
 * Why a workflow that is open does not go on, whoever commands it: its task can't be carried out, or is put on a queue that
 * nobody of ours polls.
 *
 * @returns the cause in words; nothing when all is well, or there is no such workflow
 */
export async function whyStuck(
  client: WorkflowClient,
  workflowId: string,
  taskQueue: string,
): Promise<string | undefined> {
  try {
    const { status, runId, taskQueue: queue, raw } = await client.getHandle(workflowId).describe()
    if (status.name !== 'RUNNING') return undefined
    if (queue !== taskQueue) return `it waits on task queue ${queue}, and the workers of this home poll ${taskQueue}`
    if ((raw.pendingWorkflowTask?.attempt ?? 0) < 2) return undefined
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: eventsLookedAt,
    })
    for (const event of history?.events ?? []) {
      if (event.workflowTaskCompletedEventAttributes) return undefined
      const why = event.workflowTaskFailedEventAttributes?.failure?.message
      if (why) return shortened(why)
    }
    return undefined
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 1)}…` : line
}
