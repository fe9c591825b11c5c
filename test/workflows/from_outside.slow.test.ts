import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { WorkflowHandle } from '@temporalio/client'
import type { JobClient } from '../../src/client/job_client.ts'
import { WorkflowStuck } from '../../src/client/job_commands.ts'
import { Refused } from '../../src/client/refused.ts'
import { stoppedFromOutside } from '../../workflows/names.ts'
import { closedAs, eventsOf, until } from './histories.ts'
import { Stage } from './stage.ts'

/** What people do to workflows on the server itself, and what becomes of their jobs. */
let stage: Stage
let client: JobClient

beforeAll(async () => {
  stage = await Stage.open()
  client = stage.client()
}, 60_000)

afterAll(() => stage.close(), 60_000)

const hourly = { mode: 'auto', repeat_interval: { value: 1, unit: 'h' } }
const patienceMs = 90_000

async function isAtRest(job: string, execution: number): Promise<boolean> {
  const stored = (await stage.catalog.jobs.get(job))!
  return stored.lastExecution >= execution && !['running', 'cancelling'].includes(stored.status)
}

async function ended(job: string, execution: number): Promise<void> {
  await until(() => isAtRest(job, execution), `execution ${execution} has ended`, patienceMs)
}

async function writing(job: string, execution = 1): Promise<void> {
  await until(() => stage.engine.writesOf(job, execution).length > 2, 'it writes', patienceMs)
}

/** To the moment of one of its workflow tasks. */
async function reset(handle: WorkflowHandle, to: 'first' | 'second' | 'last'): Promise<void> {
  const { runId } = await handle.describe()
  const { events } = await handle.fetchHistory()
  const tasks = events!.filter((event) => event.workflowTaskCompletedEventAttributes)
  await stage.workflows.workflowService.resetWorkflowExecution({
    namespace: stage.server.namespace,
    workflowExecution: { workflowId: handle.workflowId, runId },
    reason: 'a test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: tasks.at({ first: 0, second: 1, last: -1 }[to])!.eventId!,
  })
}

test('workflows that cannot be replayed are told of with the way out, and repair goes on where they were', async () => {
  const workflowsPath = fileURLToPath(new URL('../replay/changed_workflows.ts', import.meta.url))
  await stage.stopWorker()
  await stage.startWorker({ workflowsPath })
  const job = await stage.job({ items: 400, itemMs: 20 })
  await client.start(job)
  await writing(job)
  expect(await client.stuck(job)).toBeUndefined()
  await expect(client.repair(job)).rejects.toThrow(Refused)
  await stage.stopWorker()
  await stage.startWorker()
  // Whatever wakes it: from now on its history belongs to code that is gone.
  const refusal = await client.cancel(job).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(WorkflowStuck)
  expect((refusal as Error).message).toMatch(/can't go on: .*TMPRL1100.*`stevedore job repair [0-9a-f]{32}` ends it/)
  expect(await client.stuck(job)).toBe((refusal as Error).message)
  stage.engine.play(job, { items: 400 })
  await client.repair(job)
  await ended(job, 1)
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'completed' })
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle', counts: { executions: 1 } })
  expect(await client.stuck(job)).toBeUndefined()
  expect(await client.start(job)).toEqual({ execution: 2 })
  await ended(job, 2)
}, 240_000)

test('a workflow on a queue that nobody of this home polls is told of, too', async () => {
  const job = await stage.job({})
  await stage.workflows.start('job', { workflowId: `job/${job}`, taskQueue: 'another', args: [] })
  expect(await client.stuck(job)).toContain(
    'it waits on task queue another, and the workers of this home poll stevedore',
  )
  await client.repair(job)
  expect(await client.start(job)).toEqual({ execution: 1 })
  await ended(job, 1)
}, 120_000)

test('a job whose workflow is terminated while it runs is at rest when its execution has ended, and counted once', async () => {
  const job = await stage.job({ items: 100_000, itemMs: 10, schedule: hourly })
  await client.ensure(job)
  await writing(job)
  await stage.jobHandle(job).terminate('by hand')
  await until(
    async () => {
      await client.reconcile()
      return isAtRest(job, 1)
    },
    'it is at rest',
    patienceMs,
  )
  const rested = { status: 'idle', statusReason: stoppedFromOutside, executeOn: null, counts: { executions: 1 } }
  expect(await stage.catalog.jobs.get(job)).toMatchObject(rested)
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'cancelled' })
  await client.reconcile()
  expect(await stage.catalog.jobs.get(job)).toMatchObject(rested)
  expect(await closedAs(stage.jobHandle(job))).toBe('TERMINATED')
  stage.engine.play(job, { items: 1 })
  expect(await client.start(job)).toEqual({ execution: 2 })
  await ended(job, 2)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ statusReason: '', counts: { executions: 2 } })
}, 120_000)

test.each(['terminate', 'cancel'] as const)(
  'somebody who ends the workflow of a scheduled job between two runs is not overruled (%s)',
  async (how) => {
    const job = await stage.job({ items: 1, schedule: hourly })
    await client.ensure(job)
    await ended(job, 1)
    await stage.jobHandle(job)[how]()
    await until(async () => (await closedAs(stage.jobHandle(job))) !== 'RUNNING', 'it closes')
    await client.reconcile()
    await client.reconcile()
    expect(await closedAs(stage.jobHandle(job))).toBe(how === 'cancel' ? 'CANCELLED' : 'TERMINATED')
    expect(await stage.catalog.jobs.get(job)).toMatchObject({
      status: 'idle',
      statusReason: stoppedFromOutside,
      executeOn: null,
    })
  },
  120_000,
)

test.each(['first', 'last'] as const)(
  'a job that is reset to its %s task while its execution runs goes on with it: pause, cancel and count are its own',
  async (to) => {
    const job = await stage.job({ items: 100_000, itemMs: 10, stop_policy: { on_execute: 2 } })
    await client.start(job)
    await writing(job)
    await reset(stage.jobHandle(job), to)
    await until(async () => (await stage.state(job)).running, 'it runs', patienceMs)
    await client.pause(job)
    await until(async () => (await stage.catalog.control.read(job)).paused, 'it is paused', patienceMs)
    await client.resume(job)
    await until(async () => !(await stage.catalog.control.read(job)).paused, 'it goes on', patienceMs)
    await client.cancel(job)
    await ended(job, 1)
    const writes = stage.engine.writesOf(job).length
    await sleep(500)
    expect(stage.engine.writesOf(job)).toHaveLength(writes)
    expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'cancelled' })
    expect(await stage.catalog.executions.get(job, 2)).toBeUndefined()
    expect(await stage.catalog.jobs.get(job)).toMatchObject({ lastExecution: 1, counts: { executions: 1 } })
  },
  120_000,
)

test('a job that is reset to a time before the end of its execution hears of the end, and passes no stop policy', async () => {
  const job = await stage.job({ items: 50, itemMs: 20, stop_policy: { on_execute: 2 } })
  await client.start(job)
  await ended(job, 1)
  const before = await stage.catalog.executions.get(job, 1)
  // To when it had just started the execution; a reset to before its start would repeat that, as Temporal does.
  await reset(stage.jobHandle(job), 'second')
  await until(
    async () => {
      await client.reconcile()
      return !(await stage.state(job)).running
    },
    'it is at rest',
    patienceMs,
  )
  expect(await stage.catalog.executions.get(job, 1)).toEqual(before)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ lastExecution: 1, counts: { executions: 1 } })
  expect(await client.start(job)).toEqual({ execution: 2 })
  await ended(job, 2)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'complete', counts: { executions: 2 } })
  await expect(client.start(job)).rejects.toThrow('is complete')
}, 120_000)

test('a job that nobody wants anything of closes after a while, and the next command opens it again', async () => {
  const brief = stage.client({ idleMs: 500 })
  const job = await stage.job({ items: 1 })
  await brief.start(job)
  await ended(job, 1)
  expect(await closedAs(stage.jobHandle(job))).toBe('COMPLETED')
  expect(await stage.state(job)).toMatchObject({ status: 'idle', execution: 1 })
  await expect(brief.cancel(job)).rejects.toThrow("isn't running")
  expect(await brief.start(job)).toEqual({ execution: 2 })
  await ended(job, 2)
  expect(await eventsOf(stage.jobHandle(job))).toContain('childWorkflowExecutionCompleted')
}, 120_000)
