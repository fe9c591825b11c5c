import { beforeAll, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DeterminismViolationError } from '@temporalio/workflow'
import { Worker } from '@temporalio/worker'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import { workflowBundle } from '../../src/temporal/bundle.ts'
import { quietRuntime } from '../../src/temporal/runtime.ts'

const folder = new URL('histories/', import.meta.url)
const files = readdirSync(folder).sort()

const scenes = [
  'finished',
  'halted',
  'cancelled',
  'paused-and-resumed',
  'retried',
  'stop-policy-completed',
  'continued-as-new',
]

let asIs: string
let changed: string

beforeAll(async () => {
  quietRuntime(pino({ level: 'silent' }))
  const { cache } = readConfig()
  asIs = await workflowBundle({ cache })
  const workflowsPath = fileURLToPath(new URL('changed_workflows.ts', import.meta.url))
  changed = await workflowBundle({ cache, workflowsPath })
}, 120_000)

function historyOf(file: string): { events: Record<string, unknown>[] } {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { events: Record<string, unknown>[] }
}

function replay(codePath: string, file: string): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { codePath } }, historyOf(file))
}

function eventTypes(file: string): string[] {
  return historyOf(file).events.map((event) => String(event['eventType']).replace('EVENT_TYPE_', ''))
}

test.each(scenes)('there is a recorded history of job and execution: %s', (scene) => {
  expect(files.some((file) => file.startsWith(`${scene}.job`))).toBe(true)
  expect(files.some((file) => file.startsWith(`${scene}.execution`))).toBe(true)
})

test.each(files)('%s replays', async (file) => {
  await replay(asIs, file)
})

test.each(files.filter((file) => !/-run-[2-9]/.test(file)))('%s does not replay on changed workflows', async (file) => {
  await expect(replay(changed, file)).rejects.toThrow(DeterminismViolationError)
})

test.each([
  ['finished', 'WORKFLOW_EXECUTION_COMPLETED'],
  ['halted', 'WORKFLOW_EXECUTION_FAILED'],
  ['cancelled', 'WORKFLOW_EXECUTION_CANCELED'],
  ['paused-and-resumed', 'WORKFLOW_EXECUTION_COMPLETED'],
  ['retried', 'WORKFLOW_EXECUTION_COMPLETED'],
])('the %s execution ends with %s', (scene, event) => {
  expect(eventTypes(`${scene}.execution.json`).at(-1)).toBe(event)
})

test('halt and cancel show the cancelled lanes', () => {
  const halted = eventTypes('halted.execution.json')
  expect(halted.filter((type) => type === 'ACTIVITY_TASK_FAILED' || type === 'ACTIVITY_TASK_CANCELED')).toHaveLength(2)
  const cancelled = eventTypes('cancelled.execution.json')
  expect(cancelled.filter((type) => type === 'ACTIVITY_TASK_CANCEL_REQUESTED')).toHaveLength(2)
  expect(cancelled.filter((type) => type === 'ACTIVITY_TASK_CANCELED')).toHaveLength(2)
  // `complete` begins when the last lane has stopped.
  expect(cancelled.lastIndexOf('ACTIVITY_TASK_SCHEDULED')).toBeGreaterThan(
    cancelled.lastIndexOf('ACTIVITY_TASK_CANCELED'),
  )
})

test('the stop policy shows as the cancelled timer of the next run', () => {
  const events = eventTypes('stop-policy-completed.job.json')
  expect(events.lastIndexOf('TIMER_CANCELED')).toBeGreaterThan(events.lastIndexOf('TIMER_STARTED'))
  expect(events.at(-1)).toBe('WORKFLOW_EXECUTION_COMPLETED')
})

test('no recorded history is long, and none names a machine', () => {
  for (const file of files) {
    expect(historyOf(file).events.length).toBeLessThan(1_500)
    expect(readFileSync(new URL(file, folder), 'utf8')).not.toMatch(/"\d+@|node_modules/)
  }
})
