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
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
/** By the version whose workflows they are of; those of one that was released stay as they are. */
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .sort()
const current = (name: string): string => `${version}/${name}.json`

const scenes = [
  'finished',
  'halted',
  'cancelled',
  'paused-and-resumed',
  'retried',
  'stop-policy-completed',
  'continued-as-new',
  'timers',
  'idle',
  'adopted',
  'approved',
  'told-in-order',
]

interface Marker {
  markerName?: string
  details?: Record<string, { payloads: { data: string }[] }>
}

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
  expect(files.some((file) => file.startsWith(`${version}/${scene}.job`))).toBe(true)
  expect(files.some((file) => file.startsWith(`${version}/${scene}.execution`))).toBe(true)
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
  expect(eventTypes(current(`${scene}.execution`)).at(-1)).toBe(event)
})

test('halt and cancel show the cancelled lanes', () => {
  const halted = eventTypes(current('halted.execution'))
  expect(halted.filter((type) => type === 'ACTIVITY_TASK_FAILED' || type === 'ACTIVITY_TASK_CANCELED')).toHaveLength(2)
  const cancelled = eventTypes(current('cancelled.execution'))
  expect(cancelled.filter((type) => type === 'ACTIVITY_TASK_CANCEL_REQUESTED')).toHaveLength(2)
  // The control row has told them, so that they answer with what they did. `complete` begins when the last of them has stopped.
  const ends = cancelled.flatMap((type, at) => (type === 'ACTIVITY_TASK_COMPLETED' ? [at] : []))
  expect(cancelled.lastIndexOf('ACTIVITY_TASK_SCHEDULED')).toBeGreaterThan(ends.at(-2)!)
})

test('a job that its stop policy ends sets no timer of another run', () => {
  const events = eventTypes(current('stop-policy-completed.job'))
  expect(events.indexOf('TIMER_STARTED')).toBeGreaterThan(0)
  expect(events.slice(events.lastIndexOf('START_CHILD_WORKFLOW_EXECUTION_INITIATED'))).not.toContain('TIMER_STARTED')
  expect(events.at(-1)).toBe('WORKFLOW_EXECUTION_COMPLETED')
})

test('recorded are timers that rang and timers that were cancelled, and a child that could not be started', () => {
  expect(eventTypes(current('timers.job'))).toEqual(expect.arrayContaining(['TIMER_FIRED', 'TIMER_CANCELED']))
  expect(eventTypes(current('adopted.job'))).toContain('START_CHILD_WORKFLOW_EXECUTION_FAILED')
  expect(eventTypes(current('idle.job')).at(-1)).toBe('WORKFLOW_EXECUTION_COMPLETED')
})

test('activities are called by plain words', () => {
  const types = files
    .filter((file) => file.startsWith(version))
    .flatMap((file) => historyOf(file).events)
    .map((event) => event['activityTaskScheduledEventAttributes'] as { activityType: { name: string } } | undefined)
    .flatMap((scheduled) => (scheduled ? [scheduled.activityType.name] : []))
  expect([...new Set(types)].sort()).toEqual([
    ...['complete', 'enumerate', 'finalize', 'initialize', 'planRemovals', 'remove', 'transfer'],
  ])
})

test('both branches of each patch are recorded', () => {
  const folder = new URL('../../workflows/', import.meta.url)
  const code = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  const ids = code.flatMap((text) => [...text.matchAll(/(?:\.has|patched)\('(.*?)'\)/g)].map(([, id]) => id!))
  // By a history that comes to it.
  const scene: Record<string, string> = {
    'first broken lane counts': 'halted.execution',
    'outcome of a cancelled one in the memo': 'cancelled.execution',
    'control row carries cancel': 'cancelled.execution',
    'lanes in plain words': 'finished.execution',
    'told in order, and again when not heard': 'told-in-order.job',
  }
  expect([...new Set(ids)].sort()).toEqual(Object.keys(scene).sort())
  const marked = (file: string, id: string): boolean =>
    historyOf(file).events.some((event) => {
      const { markerName, details } = (event['markerRecordedEventAttributes'] ?? {}) as Marker
      const [payload] = details?.['patch-data']?.payloads ?? []
      return markerName === 'core_patch' && Buffer.from(payload!.data, 'base64').toString().includes(id)
    })
  for (const id of ids) {
    expect(marked(current(scene[id]!), id)).toBe(true)
    expect(marked(`before-0.1.0/${scene[id]}.json`, id)).toBe(false)
  }
})

test('no recorded history is long, and none names a machine', () => {
  for (const file of files) {
    expect(historyOf(file).events.length).toBeLessThan(1_500)
    expect(readFileSync(new URL(file, folder), 'utf8')).not.toMatch(/"\d+@|node_modules/)
  }
})
