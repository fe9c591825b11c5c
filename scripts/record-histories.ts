import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { WorkflowHandle } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { HaltedByItem, ItemsWaiting } from '../src/transfer/engine/errors.ts'
import type { WorkflowOptions } from '../workflows/messages.ts'
import { until } from '../test/workflows/histories.ts'
import { Stage, type JobWish } from '../test/workflows/stage.ts'

/**
 * `npm run record-histories`: plays each way an execution can go on a real server, with an engine that only counts, and
 * keeps the histories of job and execution for test/replay, under the version of package.json. Those of a version that was
 * released are never recorded again: workflows begun by it must go on.
 */

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const folder = fileURLToPath(new URL(`../test/replay/histories/${version}/`, import.meta.url))

interface Scene {
  wish: JobWish
  options?: WorkflowOptions
  play?(stage: Stage, job: string): Promise<void>
  /** Executions to wait for; 1 unless said. */
  executions?: number
}

const scenes: Record<string, Scene> = {
  finished: { wish: { items: 5 } },
  halted: {
    wish: {
      items: 200,
      itemMs: 2,
      initialized: { failurePolicy: 'halt' },
      item: (n) => (n === 20 ? new HaltedByItem('"a/b.txt": access denied') : undefined),
    },
  },
  cancelled: {
    wish: { items: 100_000, itemMs: 5 },
    async play(stage, job) {
      await writing(stage, job)
      await stage.client().cancel(job)
    },
  },
  'paused-and-resumed': {
    wish: { items: 400, itemMs: 2 },
    async play(stage, job) {
      await writing(stage, job)
      await stage.client().pause(job)
      await stage.client().resume(job)
    },
  },
  retried: {
    wish: {
      transfer: (call) =>
        call <= 3 ? new ItemsWaiting({ total: 12, byReason: { Locked: 8, ShortRead: 4 }, nextDueMs: 50 }) : undefined,
    },
  },
  approved: {
    wish: {
      items: 3,
      initialized: { removes: 'destination', looksFirst: true },
      planned: { items: 2, approval: { hash: 'a1b2c3', sentence: 'an approval: 2 items would be removed' } },
    },
    async play(stage, job) {
      await until(async () => (await stage.progress(job, 1)).approval !== undefined, 'it waits for an approval')
      await stage.client().approve(job, 'a1b2c3')
    },
  },
  'stop-policy-completed': {
    wish: {
      items: 1,
      schedule: { mode: 'auto', repeat_interval: { value: 1, unit: 'h' } },
      stop_policy: { on_execute: 2 },
    },
    async play(stage, job) {
      await atRest(stage, job, 1)
      await stage.client().start(job)
    },
    executions: 2,
  },
  timers: {
    wish: {
      items: 100_000,
      itemMs: 100,
      schedule: {
        mode: 'auto',
        repeat_interval: { value: 1, unit: 'h' },
        max_execution: { value: 2, unit: 's' },
      },
    },
    options: { answerMs: 200 },
    async play(stage, job) {
      await writing(stage, job)
      await stage.client().pause(job)
    },
  },
  idle: { wish: { items: 1 }, options: { idleMs: 300 }, play: closed },
  adopted: {
    wish: { items: 10_000, itemMs: 10, completeMs: 4_000 },
    async play(stage, job) {
      await writing(stage, job)
      // Its job is gone, and another run of it meets the execution.
      await stage.jobHandle(job).terminate()
      await stage.client().ensure(job)
      await until(async () => (await stage.state(job)).running, 'it is adopted')
    },
  },
  'told-in-order': {
    wish: { items: 100_000, itemMs: 5 },
    options: { answerMs: 300 },
    async play(stage, job) {
      await writing(stage, job)
      const client = stage.client({ answerMs: 300 })
      // Until a resume comes while the pause before it is on its way to the execution.
      await until(async () => {
        const paused = client.pause(job)
        await sleep(3)
        await Promise.allSettled([paused, client.resume(job)])
        await client.resume(job).catch(() => undefined)
        const { events = [] } = await stage.jobHandle(job).fetchHistory()
        return events!.some((event) => event.markerRecordedEventAttributes?.markerName === 'core_patch')
      }, 'both are under way')
      await client.cancel(job)
    },
  },
  'continued-as-new': {
    wish: { items: 40, itemMs: 10 },
    options: { historyEvents: 50, sliceMs: 40 },
    async play(stage, job) {
      for (let n = 2; n <= 4; n++) {
        await atRest(stage, job, n - 1)
        await stage.client().start(job)
      }
    },
    executions: 4,
  },
}

async function writing(stage: Stage, job: string): Promise<void> {
  await until(() => stage.engine.writesOf(job).length > 5, 'it writes')
}

async function atRest(stage: Stage, job: string, executions: number): Promise<void> {
  await until(async () => {
    const stored = await stage.catalog.jobs.get(job)
    return stored?.lastExecution === executions && !['running', 'cancelling'].includes(stored.status)
  }, `execution ${executions} has ended`)
}

async function closed(stage: Stage, job: string): Promise<void> {
  await atRest(stage, job, 1)
  await stage.jobHandle(job).result()
}

/** What a workflow does last it does after the catalog says that it is done. */
async function atRestHistory(run: WorkflowHandle) {
  for (;;) {
    const history = await run.fetchHistory()
    const last = history.events?.at(-1)
    if (!last?.workflowTaskScheduledEventAttributes && !last?.workflowTaskStartedEventAttributes) return history
    await sleep(50)
  }
}

/** Every run of a workflow, the first one first. */
async function runsOf(handle: WorkflowHandle, stage: Stage): Promise<string[]> {
  const histories: string[] = []
  const { raw } = await handle.describe()
  for (let runId = raw.workflowExecutionInfo?.firstRunId; runId;) {
    const history = await atRestHistory(stage.workflows.getHandle(handle.workflowId, runId))
    histories.push(historyToJSON(history))
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId
  }
  return histories
}

async function record(stage: Stage, name: string, { wish, options, play, executions = 1 }: Scene): Promise<void> {
  const client = stage.client(options)
  const job = await stage.job(wish)
  if (wish.schedule) await client.ensure(job)
  else await client.start(job)
  await play?.(stage, job)
  await atRest(stage, job, executions)
  const recorded = {
    job: await runsOf(stage.jobHandle(job), stage),
    execution: await runsOf(stage.executionHandle(job, executions), stage),
  }
  for (const [type, histories] of Object.entries(recorded)) {
    for (const [index, history] of histories.entries()) {
      const run = histories.length === 1 ? '' : `-run-${index + 1}`
      writeFileSync(join(folder, `${name}.${type}${run}.json`), `${withoutThisMachine(history)}\n`)
    }
  }
  process.stdout.write(`${name}: ${recorded.job.length} + ${recorded.execution.length} runs\n`)
}

/** A worker's identity is its process and the name of the machine; stacks say where the project lies there. Nobody's business. */
function withoutThisMachine(history: string): string {
  return history
    .replace(/"stackTrace": "(?:[^"\\]|\\.)*"/g, '"stackTrace": ""')
    .replace(/"identity": "\d+@[^"]*"/g, '"identity": "worker"')
    .replace(/\d+@[\w.-]+-([0-9a-f]{8,})/g, 'worker-$1')
}

const stage = await Stage.open()
try {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, scene] of Object.entries(scenes)) await record(stage, name, scene)
} finally {
  await stage.close()
}
