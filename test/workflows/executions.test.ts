import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import type { JobClient } from '../../src/client/job_client.ts'
import { ConnectionTrouble, FailedToStart, HaltedByItem, ItemsWaiting } from '../../src/transfer/engine/errors.ts'
import { setPaused } from '../../workflows/commands.ts'
import type { ExecutionOutcome } from '../../workflows/messages.ts'
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

const waiting = (retryAfterMs: number): ItemsWaiting =>
  new ItemsWaiting({ total: 12, byReason: { Locked: 8, ChangedWhileRead: 4 }, nextDueMs: retryAfterMs })

async function atRest(job: string): Promise<void> {
  await until(async () => {
    const { status } = (await stage.catalog.jobs.get(job))!
    return !['running', 'cancelling', 'start'].includes(status)
  }, 'the job is at rest')
}

async function failureOf(job: string, execution = 1): Promise<ApplicationFailure> {
  const error = await stage.result(job, execution).then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(WorkflowFailedError)
  const { cause } = error as WorkflowFailedError
  expect(cause).toBeInstanceOf(ApplicationFailure)
  return cause as ApplicationFailure
}

test('an execution goes through its phases, closes as completed and is recorded', async () => {
  const job = await stage.job({ items: 5 })
  const { execution } = await client.start(job)
  expect(execution).toBe(1)
  const outcome = await stage.result(job, 1)
  expect(outcome).toMatchObject({ status: 'completed', found: 5, changed: 5 })
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('COMPLETED')
  await atRest(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({
    status: 'idle',
    lastExecution: 1,
    counts: { executions: 1, successes: 0, failures: 0 },
    executeOn: null,
  })
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'completed', phase: 'complete' })
  const { typedSearchAttributes } = await stage.executionHandle(job, 1).describe()
  expect(typedSearchAttributes.get(attributes.phase)).toBe('complete')
  expect(typedSearchAttributes.get(attributes.status)).toBe('completed')
  expect(typedSearchAttributes.get(attributes.job)).toBe(job)
})

test('items that wait for their next try are a retry that Temporal shows, and stop nothing', async () => {
  const job = await stage.job({ transfer: (call) => (call <= 3 ? waiting(50) : undefined) })
  await client.start(job)
  expect(await stage.result(job, 1)).toMatchObject({ status: 'completed', changed: 3 })
  const { events } = await stage.executionHandle(job, 1).fetchHistory()
  const retried = events!.map((event) => event.activityTaskStartedEventAttributes).filter((e) => e?.lastFailure)
  expect(retried.length).toBeGreaterThan(0)
  expect(retried[0]!.lastFailure!.message).toBe('12 items waiting: 8 Locked, 4 ChangedWhileRead')
  expect(retried[0]!.lastFailure!.applicationFailureInfo!.type).toBe('ItemsWaiting')
})

const plan = { hash: 'a1b2c3', sentence: 'an approval: 151 items would be removed' }

test('what a person has to say yes to waits for just that yes, through a restart of the worker, and goes on', async () => {
  const job = await stage.job({ initialized: { removes: 'destination' }, planned: { items: 151, approval: plan } })
  await client.start(job)
  const waits = async (): Promise<boolean> => (await stage.progress(job, 1)).approval?.hash === plan.hash
  await until(waits, 'it waits for an approval')
  expect((await stage.catalog.executions.get(job, 1))!.waitingFor).toBe(plan.sentence)
  await stage.stopWorker()
  await stage.startWorker()
  await expect(client.approve(job, 'other')).rejects.toThrow(/the plan that waits is a1b2c3: an approval: 151 items/)
  expect(stage.engine.slices.filter(({ jobId, lane }) => jobId === job && lane === 'remove')).toEqual([])
  expect(await client.approve(job, plan.hash)).toEqual({ sentence: 'a1b2c3 is approved and goes on' })
  expect(await stage.result(job, 1)).toMatchObject({ status: 'completed' })
  expect(stage.engine.slices.some(({ jobId, lane }) => jobId === job && lane === 'remove')).toBe(true)
  await expect(client.approve(job, plan.hash)).rejects.toThrow()
})

test('publish writes nothing before its plan is approved, and a cancel while it waits ends it', async () => {
  const job = await stage.job({
    initialized: { removes: 'destination', looksFirst: true },
    planned: { items: 1, approval: plan },
  })
  await client.start(job)
  await until(async () => (await stage.progress(job, 1)).approval !== undefined, 'it waits for an approval')
  expect(stage.engine.writesOf(job)).toEqual([])
  await client.cancel(job)
  await atRest(job)
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'cancelled' })
  expect(stage.engine.writesOf(job)).toEqual([])
})

test('halt closes the execution as failed, and nothing is written after it', async () => {
  const job = await stage.job({
    items: 1_000,
    itemMs: 5,
    initialized: { failurePolicy: 'halt' },
    item: (n) => (n === 20 ? new HaltedByItem('"a/b.txt": access denied') : undefined),
  })
  await client.start(job)
  const failure = await failureOf(job)
  const writes = stage.engine.writesOf(job).length
  expect(failure.type).toBe('Halted')
  expect((failure.details![0] as ExecutionOutcome).status).toBe('failed')
  expect(writes).toBeLessThan(25)
  await atRest(job)
  await sleep(300)
  expect(stage.engine.writesOf(job)).toHaveLength(writes)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({
    status: 'failed',
    statusReason: 'halted: "a/b.txt": access denied',
    counts: { executions: 1, successes: 0, failures: 1 },
  })
  expect(stage.engine.ended.filter((end) => end.jobId === job)).toHaveLength(1)
  const events = await eventsOf(stage.executionHandle(job, 1))
  expect(events.at(-1)).toBe('workflowExecutionFailed')
  expect(events).toContain('activityTaskFailed')
})

test('a halt met by a lister is a halt, though lanes that were only waiting end before it', async () => {
  const job = await stage.job({
    initialized: { failurePolicy: 'halt' },
    enumerate: async (call) => {
      // The other one has much in hand when it is stopped.
      await sleep(call === 1 ? 300 : 1_500)
      return new HaltedByItem('"a": access denied')
    },
    transfer: () => new ConnectionTrouble('destination', 'DiskFull', 'there is no space left', 60_000),
  })
  await client.start(job)
  expect((await failureOf(job)).type).toBe('Halted')
  await atRest(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'failed', counts: { failures: 1 } })
})

test('trouble with a connection is waited out as long as the platform asks', async () => {
  const job = await stage.job({
    transfer: (call) => (call <= 2 ? new ConnectionTrouble('destination', 'Throttled', 'slow down', 700) : undefined),
  })
  const begun = Date.now()
  await client.start(job)
  await until(
    async () => (await stage.progress(job, 1)).waitingFor === 'destination: slow down',
    'it says what it waits for',
  )
  expect(await stage.result(job, 1)).toMatchObject({ status: 'completed' })
  expect((await stage.progress(job, 1)).waitingFor).toBeUndefined()
  expect(Date.now() - begun).toBeGreaterThanOrEqual(700)
})

test('an execution that cannot start closes as failed, says why, and counts for no stop policy', async () => {
  const job = await stage.job({
    initialize: () => new FailedToStart(['source: "/gone" does not exist', 'destination: read-only']),
    stop_policy: { on_execute: 1, on_failure: 1 },
  })
  await client.start(job)
  const failure = await failureOf(job)
  expect(failure.type).toBe('FailedToStart')
  await atRest(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({
    status: 'failed-to-start',
    statusReason: 'failed_to_start: source: "/gone" does not exist; destination: read-only',
    counts: { executions: 0, successes: 0, failures: 0 },
  })
  expect(stage.engine.writesOf(job)).toHaveLength(0)
})

test('a cancelled execution finishes what is in hand, is completed in the ledger, and closes as cancelled', async () => {
  const job = await stage.job({ items: 100_000, itemMs: 10 })
  await client.start(job)
  // Long after its first beat, long before its end.
  await until(() => stage.engine.slices.some((slice) => slice.jobId === job && slice.sliceMs > 2_000), 'a long slice')
  await sleep(700)
  const asked = Date.now()
  const answer = await client.cancel(job)
  expect(answer).toEqual({ ended: true, sentence: 'execution 1 has ended' })
  // The control row says so; the answer to a heartbeat would be two seconds later.
  expect(stage.engine.writesOf(job).at(-1)!.atMs - asked).toBeLessThan(1_000)
  const writes = stage.engine.writesOf(job).length
  await sleep(200)
  expect(stage.engine.writesOf(job)).toHaveLength(writes)
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('CANCELLED')
  const { memo } = await stage.executionHandle(job, 1).describe()
  expect(memo?.['outcome']).toMatchObject({ status: 'cancelled', sentence: 'cancelled: on request' })
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'cancelled' })
  await atRest(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle', counts: { executions: 1 } })
})

test('a cancel ends an execution that cannot even reach its platforms, and closes its books', async () => {
  const job = await stage.job({ initialize: () => new ConnectionTrouble('source', 'Unreachable', 'no route', 600_000) })
  await client.start(job)
  await until(async () => (await stage.progress(job, 1)).phase === 'initialize', 'it begins')
  await sleep(300)
  expect(await client.cancel(job)).toMatchObject({ ended: true })
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('CANCELLED')
  expect(stage.engine.ended.filter((end) => end.jobId === job)).toMatchObject([{ ended: { kind: 'cancelled' } }])
  await atRest(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle' })
})

test('a cancel that comes while the books are closed waits for them, and what was done stays done', async () => {
  const job = await stage.job({ items: 2, completeMs: 1_500 })
  await client.start(job)
  await until(() => stage.engine.ended.some((end) => end.jobId === job), 'everything is carried out')
  expect(await client.cancel(job)).toMatchObject({ ended: true })
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('COMPLETED')
  await atRest(job)
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'completed' })
  expect(stage.engine.ended.filter((end) => end.jobId === job)).toHaveLength(1)
})

test('a pause answers when nothing is written any more; a resume goes on where it was', async () => {
  const job = await stage.job({ items: 400, itemMs: 5 })
  await client.start(job)
  await until(() => stage.engine.writesOf(job).length > 5, 'it writes')
  const asked = Date.now()
  const paused = await client.pause(job)
  expect(paused).toEqual({ drained: true, sentence: 'execution 1 is paused; nothing is being written' })
  expect(Date.now() - asked).toBeLessThan(10_000)
  const writes = stage.engine.writesOf(job).length
  await sleep(500)
  expect(stage.engine.writesOf(job)).toHaveLength(writes)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'paused' })
  expect(await stage.progress(job, 1)).toMatchObject({ paused: true })
  await expect(client.start(job)).rejects.toThrow('is paused in execution 1; resume it first')
  expect(await client.resume(job)).toEqual({ execution: 1 })
  expect(await stage.result(job, 1)).toMatchObject({ status: 'completed', changed: 400 })
  expect((await stage.catalog.control.read(job)).paused).toBe(false)
})

test('a pause whose slices take too long says so at its deadline', async () => {
  const slow = stage.client({ answerMs: 300 })
  const job = await stage.job({ items: 2, itemMs: 4_000 })
  await slow.start(job)
  await until(
    () => stage.engine.slices.some((slice) => slice.jobId === job && slice.lane.startsWith('transfer')),
    'it works',
  )
  const paused = await slow.pause(job)
  expect(paused).toEqual({
    drained: false,
    sentence: 'execution 1 begins nothing new; what is in hand still goes on',
  })
  expect(await slow.pause(job)).toMatchObject({ drained: false })
  await until(async () => (await slow.pause(job)).drained, 'it drains in the end')
  await slow.resume(job)
  expect(await stage.result(job, 1)).toMatchObject({ changed: 2 })
})

test('a paused execution can be cancelled, and leaves no pause behind', async () => {
  const job = await stage.job({ items: 10_000, itemMs: 5 })
  await client.start(job)
  await until(() => stage.engine.writesOf(job).length > 2, 'it writes')
  await client.pause(job)
  expect((await stage.catalog.control.read(job)).paused).toBe(true)
  expect(await client.cancel(job)).toMatchObject({ ended: true })
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('CANCELLED')
  expect((await stage.catalog.control.read(job)).paused).toBe(false)
  await atRest(job)
  expect(await stage.catalog.jobs.get(job)).toMatchObject({ status: 'idle' })
})

test('an execution with a long history goes on in a new run, with its counts, and closes once', async () => {
  const short = stage.client({ historyEvents: 60, sliceMs: 40 })
  const job = await stage.job({ items: 60, itemMs: 20 })
  await short.start(job)
  await until(() => stage.engine.writesOf(job).length > 0, 'it writes')
  const first = await stage.executionHandle(job, 1).describe()
  expect(await stage.result(job, 1)).toMatchObject({ status: 'completed', changed: 60 })
  const last = await stage.executionHandle(job, 1).describe()
  expect(last.runId).not.toBe(first.runId)
  expect(last.typedSearchAttributes.get(attributes.job)).toBe(job)
  expect((await stage.progress(job, 1)).tally.transferred).toBe(60)
  const slices = stage.engine.slices.filter((slice) => slice.jobId === job)
  expect(new Set(slices.map((slice) => slice.lane)).size).toBe(5)
  expect(stage.engine.ended.filter((end) => end.jobId === job)).toHaveLength(1)
})

test('pauses hold while an execution goes on in one new run after another, and nothing is done twice', async () => {
  const short = stage.client({ historyEvents: 50, sliceMs: 40 })
  const job = await stage.job({ items: 120, itemMs: 20 })
  await short.start(job)
  const runs = new Set<string>()
  for (let pauses = 0; pauses < 4; pauses++) {
    await until(() => stage.engine.writesOf(job).length > 20 * pauses, 'it goes on')
    expect(await short.pause(job)).toMatchObject({ drained: true })
    const writes = stage.engine.writesOf(job).length
    runs.add((await stage.executionHandle(job, 1).describe()).runId)
    await sleep(150)
    expect(stage.engine.writesOf(job)).toHaveLength(writes)
    await short.resume(job)
  }
  expect(await stage.result(job, 1)).toMatchObject({ status: 'completed', changed: 120 })
  expect(runs.size).toBeGreaterThan(1)
  expect(stage.engine.writesOf(job)).toHaveLength(120)
  expect(stage.engine.ended.filter((end) => end.jobId === job)).toHaveLength(1)
})

test('a cancel that comes just when an execution goes on in a new run is obeyed, and the books are closed', async () => {
  const short = stage.client({ historyEvents: 40, sliceMs: 40 })
  const job = await stage.job({ items: 100_000, itemMs: 20 })
  await short.start(job)
  await until(() => stage.engine.writesOf(job).length > 5, 'it writes')
  await short.pause(job)
  const run = stage.executionHandle(job, 1)
  // More events than a run may have, so that whatever lets it go on makes it begin a new one.
  while ((await run.describe()).historyLength < 40) {
    await run.signal(setPaused, true)
    await sleep(20)
  }
  const { control } = stage.catalog
  const { write } = control
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let holding = false
  Object.assign(control, {
    write: async (...args: Parameters<typeof write>) => {
      holding = true
      await held
      return write(...args)
    },
  })
  try {
    await run.signal(setPaused, false)
    await until(() => holding, 'the next run waits for the control row')
    await run.cancel()
    const events = async () => (await eventsOf(run)).includes('workflowExecutionCancelRequested')
    await until(events, 'the cancel is known to the workflow')
    await sleep(100)
  } finally {
    Object.assign(control, { write })
    release()
  }
  expect(await closedAs(run)).toBe('CANCELLED')
  expect(stage.engine.ended.filter((end) => end.jobId === job)).toMatchObject([{ ended: { kind: 'cancelled' } }])
}, 60_000)

test('work that takes long is not reported to the server twice a second', async () => {
  const job = await stage.job({ items: 1, completeMs: 2_500 })
  await client.start(job)
  await until(() => stage.engine.ended.some((end) => end.jobId === job), 'the books are being closed')
  const transitions = async (): Promise<number> => {
    const { raw } = await stage.executionHandle(job, 1).describe()
    return Number(raw.workflowExecutionInfo?.stateTransitionCount)
  }
  await sleep(200)
  const before = await transitions()
  await sleep(2_000)
  expect((await transitions()) - before).toBeLessThanOrEqual(1)
  await stage.result(job, 1)
})

test('an execution longer than schedule.max_execution is wound down', async () => {
  const job = await stage.job({
    items: 100_000,
    itemMs: 10,
    schedule: { mode: 'manual', max_execution: { value: 3, unit: 's' } },
  })
  await client.start(job)
  const begun = Date.now()
  expect(await closedAs(stage.executionHandle(job, 1))).toBe('CANCELLED')
  expect(stage.engine.writesOf(job).at(-1)!.atMs - begun).toBeLessThan(4_000)
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({
    status: 'cancelled',
    sentence: 'cancelled: it took longer than schedule.max_execution',
  })
})

test('a worker that is told to end puts down its slices, and the next one goes on', async () => {
  const job = await stage.job({ items: 300, itemMs: 5 })
  await client.start(job)
  await until(() => stage.engine.writesOf(job).length > 5, 'it writes')
  const told = Date.now()
  await stage.stopWorker()
  expect(Date.now() - told).toBeLessThan(5_000)
  const writes = stage.engine.writesOf(job).length
  await sleep(200)
  expect(stage.engine.writesOf(job)).toHaveLength(writes)
  await stage.startWorker()
  expect(await stage.result(job, 1)).toMatchObject({ status: 'completed', changed: 300 })
})

test('an error nobody thought of breaks the execution off after some tries, and hides addresses with passwords', async () => {
  const job = await stage.job({
    initialize: (call) => {
      if (call === 1) return new TypeError('no route to sftp://me:hunter2@host/x')
      return new FailedToStart(['tried again'])
    },
  })
  await client.start(job)
  await failureOf(job)
  const { events } = await stage.executionHandle(job, 1).fetchHistory()
  const text = JSON.stringify(events)
  expect(text).toContain('sftp://[redacted]@host')
  expect(text).not.toContain('hunter2')
})

test('an execution that somebody terminates is counted as failed, and the job goes on', async () => {
  const job = await stage.job({ items: 100_000, itemMs: 10 })
  await client.start(job)
  await until(() => stage.engine.writesOf(job).length > 2, 'it writes')
  await stage.executionHandle(job, 1).terminate('by hand')
  await atRest(job)
  expect(await stage.catalog.executions.get(job, 1)).toMatchObject({ status: 'failed' })
  expect((await stage.catalog.executions.get(job, 1))!.endedOn).not.toBeNull()
  stage.engine.play(job, { items: 2 })
  expect(await client.start(job)).toEqual({ execution: 2 })
  expect(await stage.result(job, 2)).toMatchObject({ status: 'completed' })
})
