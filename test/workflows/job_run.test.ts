import { expect, test } from '@jest/globals'
import { wholeDay, type Schedule } from '../../src/schedule/schedule.ts'
import { Job } from '../../workflows/job_run.ts'
import type { ExecutionStatus } from '../../src/job/status.ts'
import type { JobFacts, Settled } from '../../workflows/messages.ts'

const manual: Schedule = {
  mode: 'manual',
  days: [0, 1, 2, 3, 4, 5, 6],
  window: wholeDay,
  intervalMs: 900_000,
  timeZone: 'UTC',
}
const auto: Schedule = { ...manual, mode: 'auto' }

function facts(change: Partial<JobFacts> = {}): JobFacts {
  return {
    name: 'files',
    category: 'default',
    source: 'fs',
    destination: 'vault',
    schedule: manual,
    limits: {},
    counts: { executions: 0, successes: 0, failures: 0 },
    lastExecution: 0,
    unfinished: false,
    rest: { status: 'idle', sentence: '' },
    paused: false,
    disabled: false,
    simulated: false,
    ...change,
  }
}

function aJob(change: Partial<JobFacts> = {}): Job {
  return new Job({ jobId: 'a'.repeat(32), facts: facts(change) })
}

function settled(status: ExecutionStatus, change: Partial<JobFacts> = {}): Settled {
  return { facts: facts(change), status, sentence: `it ${status}`, simulated: false, failed: 0 }
}

/** Of a start that comes when the catalog says so. */
function refusal(job: Job, change: Partial<JobFacts>, nowMs: number): string | undefined {
  job.learn(facts(change))
  return job.refusesStart(nowMs)
}

/** One execution at a moment, taking a second. */
function execute(
  job: Job,
  atMs: number,
  status: ExecutionStatus = 'completed',
  change: Partial<JobFacts> = {},
): number {
  const n = job.want(facts(change))
  job.takeUp(atMs)
  job.end(settled(status, change), atMs + 1_000)
  return n
}

test('what it does is told by its status', () => {
  const job = aJob()
  expect(job.state(0)).toMatchObject({ status: 'idle', running: false })
  job.want(facts())
  job.takeUp(0)
  expect(job.state(0)).toMatchObject({ status: 'running', execution: 1, running: true })
  job.isCancelling = true
  expect(job.state(0).status).toBe('cancelling')
  job.end(settled('cancelled'), 5)
  expect(job.state(5)).toMatchObject({ status: 'idle', sentence: '' })
})

test.each([
  ['completed', 'idle'],
  ['no_changes', 'idle'],
  ['cancelled', 'idle'],
  ['warn', 'warn'],
  ['failed', 'failed'],
  ['failed_to_start', 'failed-to-start'],
] as const)('after an execution that ended as %s a job is %s', (ended, status) => {
  const job = aJob()
  execute(job, 0, ended)
  expect(job.state(2_000).status).toBe(status)
})

test('an ad-hoc job is complete after a run, and may be started again', () => {
  const job = aJob({ schedule: { ...manual, mode: 'ad-hoc' } })
  execute(job, 0, 'completed', { schedule: { ...manual, mode: 'ad-hoc' } })
  expect(job.state(2_000).status).toBe('complete')
  expect(refusal(job, { schedule: { ...manual, mode: 'ad-hoc' } }, 2_000)).toBeUndefined()
})

test('the next run of an auto job comes an interval after the last start, but not before the last end', () => {
  const job = aJob({ schedule: auto })
  expect(job.nextRunMs(1_000)).toBe(1_000)
  job.want(facts({ schedule: auto }))
  job.takeUp(1_000)
  expect(job.nextRunMs(2_000)).toBe(901_000)
  expect(job.state(2_000).nextRunMs).toBeUndefined()
  job.end(settled('completed', { schedule: auto }), 2_000_000)
  expect(job.nextRunMs(2_000_000)).toBe(2_000_000)
})

test('paused, disabled and complete jobs have no next run', () => {
  const job = aJob({ schedule: auto })
  job.paused = true
  expect(job.nextRunMs(0)).toBeUndefined()
  expect(aJob({ schedule: auto, disabled: true }).nextRunMs(0)).toBeUndefined()
  job.paused = false
  job.complete = 'stop_policy.on_execute is met'
  expect(job.nextRunMs(0)).toBeUndefined()
  expect(job.record(0)).toMatchObject({ status: 'complete', nextRunMs: null })
})

test('a start is refused with the reason', () => {
  const job = aJob()
  expect(refusal(job, {}, 0)).toBeUndefined()
  expect(refusal(job, { disabled: true }, 0)).toContain('is disabled')
  job.paused = true
  expect(refusal(job, {}, 0)).toContain('is paused')
  job.paused = false
  job.want(facts())
  expect(refusal(job, {}, 0)).toContain('is running (execution 1)')
})

test('what the catalog says newly counts at a start: a limit that was lowered, one that was lifted', () => {
  const limited = aJob({ limits: { on_execute: 1 } })
  execute(limited, 0, 'completed', { limits: { on_execute: 1 } })
  expect(limited.complete).toContain('stop_policy.on_execute')
  expect(refusal(limited, { limits: { on_execute: 2 } }, 5_000)).toBeUndefined()

  const free = aJob()
  execute(free, 0)
  expect(refusal(free, { limits: { on_execute: 1 } }, 5_000)).toContain('is complete')
})

test('counts never go back to what a catalog read too early said', () => {
  const job = aJob()
  execute(job, 0)
  execute(job, 10_000)
  job.learn(facts({ counts: { executions: 1, successes: 0, failures: 0 }, lastExecution: 1 }))
  expect(job.facts.counts.executions).toBe(2)
  expect(job.want(facts())).toBe(3)
})

test('a job that was reset learns from the catalog what it has forgotten, and goes on with what is under way', () => {
  const ended = aJob()
  ended.learn(facts({ lastExecution: 3, lastStartMs: 70, counts: { executions: 3, successes: 1, failures: 0 } }))
  expect(ended.wanted).toBeUndefined()
  expect(ended.facts).toMatchObject({ lastExecution: 3, lastStartMs: 70, counts: { executions: 3, successes: 1 } })
  const running = aJob()
  running.learn(facts({ lastExecution: 3, lastStartMs: 70, unfinished: true }))
  expect(running.wanted).toBe(3)
  expect(refusal(running, {}, 100)).toContain('is running (execution 3)')
  running.takeUp(100)
  expect(running.facts).toMatchObject({ lastExecution: 3, lastStartMs: 70 })
})

test('an execution that the catalog has counted already is not counted twice', () => {
  const job = aJob()
  job.want()
  job.takeUp(0)
  const counts = { executions: 1, successes: 0, failures: 0 }
  job.end(settled('completed', { counts, lastExecution: 1 }), 1_000)
  expect(job.facts.counts).toEqual(counts)
})

test('a job whose workflow somebody cancels has no next run, and says why', () => {
  const job = aJob({ schedule: auto })
  job.isStopped = true
  expect(job.record(0)).toMatchObject({
    status: 'idle',
    statusReason: 'its workflow was ended from outside: it runs again when somebody starts it',
    nextRunMs: null,
  })
  expect(job.refusesToBegin()).toContain('is being cancelled')
})

test('an unfinished execution goes on under its number', () => {
  const job = aJob({ unfinished: true, lastExecution: 4, lastStartMs: 77 })
  expect(job.wanted).toBe(4)
  job.takeUp(1_000)
  expect(job.facts).toMatchObject({ lastExecution: 4, lastStartMs: 77 })
})

test('a pause outlives its execution only when the job would run again by itself', () => {
  for (const [schedule, paused] of [
    [auto, true],
    [manual, false],
  ] as const) {
    const job = aJob({ schedule })
    job.want(facts({ schedule }))
    job.takeUp(0)
    job.paused = true
    job.end(settled('cancelled', { schedule }), 1_000)
    expect(job.paused).toBe(paused)
  }
})

test('what is carried over makes the same job', () => {
  const job = aJob({ schedule: auto })
  execute(job, 5_000, 'failed', { schedule: auto })
  const next = new Job(JSON.parse(JSON.stringify(job.carryOver())) as ReturnType<Job['carryOver']>)
  expect(next.nextRunMs(10_000)).toBe(job.nextRunMs(10_000))
  expect(next.facts).toEqual(job.facts)
  expect(next.record(10_000)).toEqual(job.record(10_000))
})
