import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client'

/** The events of a workflow's current run, by the names of their attributes without the ending. */
export async function eventsOf(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory()
  return (events ?? []).map((event) =>
    (Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? '').replace('EventAttributes', ''),
  )
}

/** How it closed, for the Web UI: COMPLETED, FAILED, CANCELLED, … */
export async function closedAs(handle: WorkflowHandle): Promise<string> {
  // A start is answered when it is on record, which may be before its workflow begins.
  await until(() => hasClosed(handle), `${handle.workflowId} closes`, 60_000)
  return (await handle.describe()).status.name
}

async function hasClosed(handle: WorkflowHandle): Promise<boolean> {
  try {
    await handle.result()
    return true
  } catch (error) {
    return !(error instanceof WorkflowNotFoundError)
  }
}

/** Waits until something is so; fails after a while. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, ms = 25_000): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await sleep(10)
  }
}
