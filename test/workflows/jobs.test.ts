import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client'
import { acceptJob } from '../../src/intake/job.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { keyOf } from '../../src/home/key.ts'
import { Refused } from '../../src/client/refused.ts'
import { JobClient } from '../../src/client/job_client.ts'
import { FailedToStart } from '../../src/transfer/engine/errors.ts'
import { attributes } from '../../workflows/search_attributes.ts'
import { closedAs, eventsOf, until } from './histories.ts'
import { Stage } from './stage.ts'

let stage: Stage
let client: JobClient

beforeAll(async () => {
  stage = await Stage.open()
  client = stage.client()
}, 60_000)

afterAll(() => stage.close(), 60_000)

const hourly = { mode: 'auto', repeat_interval: { value: 1, unit: 'h' } }
const everySecond = { mode: 'auto', repeat_interval: { value: 1, unit: 's' } }

async function ended(job: string, execution: number): Promise<void> {
  await until(async () => {
    const stored = (await stage.catalog.jobs.get(job))!
    return stored.lastExecution >= execution && !['running', 'cancelling'].includes(stored.status)
  }, `execution ${execution} has ended`)
}

async function runOnce(job: string): Promise<number> {
  const { execution } = await client.start(job)
  await ended(job, execution)
  return execution
}

/** No timer of a next run was set after the last execution, and the job closed. */
async function expectScheduleOver(job: string): Promise<void> {
  const handle = stage.jobHandle(job)
  expect(await closedAs(handle)).toBe('COMPLETED')
  const events = await eventsOf(handle)
  const closing = events.slice(events.findLastIndex((event) => event.startsWith('childWorkflowExecution')))
  expect(closing).not.toContain('timerStarted')
  expect(closing.at(-1)).toBe('workflowExecutionCompleted')
}

test('a start that cannot be recorded fails with the reason, and nothing runs', async () => {
  // As with two homes on one server and one task queue: the worker that takes the job does not know it.
  const folder = mkdtempSync(join(tmpdir(), 'stevedore-other-'))
  const catalog = openCatalog(join(folder, 'catalog.db'), keyOf(randomBytes(32)))
  try {
    const side = (root: string) => ({ connection: { platform: 'fs', auth: { root } } })
    const transfer = { transfer_type: 'copy', source: side('/old'), destination: side('/new') }
    const { id: job } = (await acceptJob({ transfer }, catalog)).job
    const { connection, namespace } = stage.server
    const stranger = new JobClient({ connection, namespace, taskQueue: 'stevedore', catalog })
    await expect(stranger.start(job)).rejects.toThrow(
      `it could not be recorded: there is no job ${job}; does a worker of another home`,
    )
    expect(await closedAs(stage.jobHandle(job))).toBe('FAILED')
    await expect(stage.executionHandle(job, 1).describe()).rejects.toThrow(WorkflowNotFoundError)
  } finally {
    await catalog.close()
    rmSync(folder, { recursive: true })
  }
})

test('numbers that the ledger turns out to have been through are left out', async () => {
  let refused = false
  const job = await stage.job({
    items: 0,
    initialize: () => {
      if (refused) return undefined
      refused = true
      void stage.catalog.jobs.update(job, { lastInLedger: 20 })
      return new FailedToStart(['the catalog is older than the ledger'])
    },
  })
  expect(await runOnce(job)).toBe(1)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'failed-to-start', lastExecution: 1 })
  expect(await runOnce(job)).toBe(21)
  expect(await runOnce(job)).toBe(22)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ lastExecution: 22, counts: { executions: 2 } })
})

test('the 25th execution completes the job; the 26th start is refused with the reason', async () => {
  const job = await stage.job({ items: 0, schedule: hourly, stop_policy: { on_execute: 25 } })
  await client.ensure(job)
  await ended(job, 1)
  for (let n = 2; n <= 25; n++) expect(await runOnce(job)).toBe(n)
  await expectScheduleOver(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({
    status: 'complete',
    statusReason: expect.stringContaining('stop_policy.on_execute is met: 25 of'),
    counts: { executions: 25 },
    executeOn: null,
  })
  await expect(client.start(job)).rejects.toThrow(Refused)
  await expect(client.start(job)).rejects.toThrow('is complete: stop_policy.on_execute is met: 25 of')
  expect(await stage.catalog.executions.get(job, 26)).toBeUndefined()
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'complete', lastExecution: 25 })
  const { typedSearchAttributes } = await stage.jobHandle(job).describe()
  expect(typedSearchAttributes.get(attributes.status)).toBe('complete')
}, 60_000)

test('on_success completes the job after so many executions that found nothing to do', async () => {
  const job = await stage.job({
    status: (execution) => (execution === 2 ? 'completed' : 'no_changes'),
    schedule: hourly,
    stop_policy: { on_success: 2 },
  })
  await client.ensure(job)
  await ended(job, 1)
  await runOnce(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle', counts: { executions: 2, successes: 1 } })
  await runOnce(job)
  await expectScheduleOver(job)
  expect(await stage.jobHandle(job).result()).toEqual({
    status: 'complete',
    sentence: expect.stringContaining('stop_policy.on_success is met'),
    counts: { executions: 3, successes: 2, failures: 0 },
  })
})

test('on_failure completes the job after so many executions that logged failures', async () => {
  const job = await stage.job({ status: 'failed', schedule: hourly, stop_policy: { on_failure: 2 } })
  await client.ensure(job)
  await ended(job, 1)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'failed', counts: { failures: 1 } })
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('FAILED')
  await runOnce(job)
  await expectScheduleOver(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({
    status: 'complete',
    statusReason: expect.stringContaining('stop_policy.on_failure is met'),
  })
})

test('a manual job runs when it is started and is idle again; two starts at once are one execution', async () => {
  const job = await stage.job({ items: 100, itemMs: 5 })
  const answers = await Promise.allSettled([client.start(job), client.start(job)])
  expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1)
  const [refusal] = answers.filter((answer) => answer.status === 'rejected')
  expect(refusal!.reason).toBeInstanceOf(Refused)
  expect((refusal!.reason as Error).message).toMatch(/is running \(execution 1\); wait for its end, or cancel it/)
  await ended(job, 1)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle', executeOn: null })
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ byPerson: true })
  expect(await stage.state(job)).toMatchObject({ status: 'idle', running: false, execution: 1 })
  await expect(client.pause(job)).rejects.toThrow('there is nothing to pause')
  await expect(client.resume(job)).rejects.toThrow("isn't paused")
  await expect(client.cancel(job)).rejects.toThrow("isn't running")
})

test('an auto job runs at once, then at its interval', async () => {
  const job = await stage.job({ schedule: everySecond })
  await client.ensure(job)
  await ended(job, 3)
  const [third, second, first] = (await stage.catalog.executions.list(job, { offset: 0, limit: 3 })).rows
  expect(second!.startedOn - first!.startedOn).toBeGreaterThan(0.8)
  expect(third!.startedOn - second!.startedOn).toBeGreaterThan(0.8)
  expect([first, second, third].map((run) => run!.byPerson)).toEqual([false, false, false])
  await client.pause(job)
})

test('an execution longer than the interval is followed by the next one, never overlapped', async () => {
  const job = await stage.job({ items: 30, itemMs: 100, schedule: everySecond })
  await client.ensure(job)
  await until(async () => (await stage.catalog.executions.get(job, 2)) !== undefined, 'the second execution')
  const [second, first] = (await stage.catalog.executions.list(job, { offset: 0, limit: 2 })).rows
  expect(second!.startedOn).toBeGreaterThanOrEqual(first!.endedOn!)
  await client.pause(job)
  await client.cancel(job)
})

test('a paused job does not run when it is due; a resumed one does', async () => {
  const job = await stage.job({ schedule: { mode: 'auto', repeat_interval: { value: 2, unit: 's' } } })
  await client.ensure(job)
  const lastExecution = await pausedBetween(job, 1)
  await sleep(2_500)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'paused', lastExecution, executeOn: null })
  await expect(client.start(job)).rejects.toThrow('is paused; resume it first')
  expect(await client.resume(job)).toEqual({})
  await ended(job, lastExecution + 1)
  await client.pause(job)
})

/** Paused while no execution is under way: one that had begun meanwhile is let end, and the next pause may be in time. */
async function pausedBetween(job: string, execution: number): Promise<number> {
  for (let n = execution; ;) {
    await ended(job, n)
    await client.pause(job)
    const { lastExecution } = (await stage.catalog.jobs.get(job))!
    const last = await stage.catalog.executions.get(job, lastExecution)
    if (last && last.endedOn !== null) return lastExecution
    await client.resume(job)
    n = lastExecution
  }
}

test('a job posted as paused waits for its resume before its first run', async () => {
  const job = await stage.job({ schedule: hourly })
  await stage.catalog.jobs.update(job, { status: 'paused' })
  await client.ensure(job)
  await sleep(300)
  expect((await stage.catalog.jobs.get(job))!.lastExecution).toBe(0)
  await client.resume(job)
  await ended(job, 1)
  await until(async () => (await stage.catalog.jobs.get(job))!.executeOn !== null, 'the next run is set')
  expect((await stage.catalog.jobs.get(job))!.executeOn! - Date.now() / 1_000).toBeGreaterThan(3_000)
})

test('a job whose end date has passed is complete', async () => {
  const job = await stage.job({ schedule: { ...hourly, end_date: 1_600_000_000 } })
  await client.ensure(job)
  expect(await closedAs(stage.jobHandle(job))).toBe('COMPLETED')
  expect(await stage.catalog.jobs.get(job)).toMatchObject({
    status: 'complete',
    statusReason: 'schedule.end_date leaves no further run',
  })
})

test('simulated executions count for no stop policy', async () => {
  const job = await stage.job({ simulation_mode: true, stop_policy: { on_execute: 1 }, status: 'no_changes' })
  stage.engine.play(job, { items: 1, simulated: true })
  await runOnce(job)
  await runOnce(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle', counts: { executions: 0 } })
})

test('a job with a long history goes on in a new run between executions', async () => {
  const short = stage.client({ historyEvents: 40 })
  const job = await stage.job({ items: 0 })
  await short.start(job)
  const first = await stage.jobHandle(job).describe()
  await ended(job, 1)
  for (let n = 2; n <= 5; n++) {
    expect(await short.start(job)).toEqual({ execution: n })
    await ended(job, n)
  }
  const last = await stage.jobHandle(job).describe()
  expect(last.runId).not.toBe(first.runId)
  expect(last.historyLength).toBeLessThan(60)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ counts: { executions: 5 } })
})

test('a job whose workflow the server lost is started anew by the next command, and goes on counting', async () => {
  const job = await stage.job({ items: 0 })
  await runOnce(job)
  await stage.jobHandle(job).terminate('lost')
  expect(await runOnce(job)).toBe(2)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ counts: { executions: 2 }, lastExecution: 2 })
})

test('after the server lost everything, the reconciler takes up executions under their number, and schedules', async () => {
  const running = await stage.job({ items: 400, itemMs: 50 })
  const idle = await stage.job({})
  const scheduled = await stage.job({ schedule: hourly })
  await client.start(running)
  await client.ensure(scheduled)
  await ended(scheduled, 1)
  await until(() => stage.engine.writesOf(running).length > 5, 'it writes')
  // What a lost database looks like to those who are left: workflows gone, rows as they were.
  await stage.stopWorker()
  for (const handle of [stage.executionHandle(running, 1), stage.jobHandle(running), stage.jobHandle(scheduled)])
    await lose(handle)
  await stage.startWorker()
  stage.engine.play(running, { items: 400 })
  expect(await client.reconcile()).toBeGreaterThanOrEqual(2)
  await ended(running, 1)
  expect(await stage.result(running, 1)).toMatchObject({ status: 'completed' })
  expect(stage.engine.writesOf(running)).toHaveLength(400)
  expect(await stage.catalog.jobs.get(running)).toMatchObject({ lastExecution: 1, counts: { executions: 1 } })
  expect((await stage.state(scheduled)).nextRunMs! - Date.now()).toBeGreaterThan(3_000_000)
  await expect(stage.jobHandle(idle).describe()).rejects.toThrow()
})

async function lose(handle: WorkflowHandle): Promise<void> {
  const { workflowId } = handle
  const { namespace } = stage.server
  await stage.workflows.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } })
  const isGone = (): Promise<boolean> =>
    handle.describe().then(
      () => false,
      (error: unknown) => error instanceof WorkflowNotFoundError,
    )
  await until(isGone, `${workflowId} is lost`)
}

async function shownOf(handle: WorkflowHandle): Promise<{ summary?: string; details?: string }> {
  const description = await handle.describe()
  const [summary, details] = [await description.staticSummary(), await description.staticDetails()]
  return { ...(summary === undefined ? {} : { summary }), ...(details === undefined ? {} : { details }) }
}

test('the Web UI shows a job as people named it, and its document without secrets', async () => {
  const job = await stage.job({ items: 0 })
  const stored = (await stage.catalog.jobs.get(job))!
  await stage.catalog.jobs.update(job, { document: { ...stored.document, notifications: { password: 'hunter2' } } })
  await runOnce(job)
  const { summary, details } = await shownOf(stage.jobHandle(job))
  expect(summary).toBe(`${stored.name}: source → destination`)
  expect(details).toContain('"transfer_type": "copy"')
  expect(details).not.toContain('hunter2')
  expect(Buffer.byteLength(details!)).toBeLessThanOrEqual(20_000)
  expect(await shownOf(stage.executionHandle(job, 1))).toEqual({
    summary: `${stored.name}: source → destination, execution 1`,
    details: expect.stringMatching(
      new RegExp(
        `^Execution 1 of \\*\\*${stored.name}.*\\| source \\| source \\(fs\\) \\|.*workflow job/${job} \\|$`,
        's',
      ),
    ),
  })
})

test('a connection that nobody named is shown by its platform, not by its address', async () => {
  const side = (root: string) => ({ connection: { platform: 'fs', auth: { root } } })
  const transfer = { transfer_type: 'copy', source: side('/old'), destination: side('/new') }
  const { id } = (await acceptJob({ name: 'unnamed', transfer }, stage.catalog)).job
  stage.engine.play(id, { items: 0 })
  await runOnce(id)
  expect((await shownOf(stage.jobHandle(id))).summary).toBe('unnamed: fs → fs')
  expect((await shownOf(stage.executionHandle(id, 1))).details).toContain('| source | fs |')
})

test('a job of which the catalog knows nothing is refused before anything is started', async () => {
  await expect(client.start('0'.repeat(32))).rejects.toThrow('there is no job')
})

test('cancelling the workflow of a job winds its execution down and closes both as cancelled', async () => {
  const job = await stage.job({ items: 100_000, itemMs: 10 })
  await client.start(job)
  await until(() => stage.engine.writesOf(job).length > 2, 'it writes')
  await stage.jobHandle(job).cancel()
  expect(await closedAs(stage.jobHandle(job))).toBe('CANCELLED')
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('CANCELLED')
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle', counts: { executions: 1 } })
})
