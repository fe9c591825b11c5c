import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadJob } from '../../activities/load_job.ts'
import { recordJob } from '../../activities/record_job.ts'
import { settleExecution } from '../../activities/settle_execution.ts'
import { writeControl } from '../../activities/write_control.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { openHome } from '../../src/home/home.ts'
import { openKey } from '../../src/home/key.ts'

let folder: string
let catalog: Catalog

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-activities-'))
  const home = openHome(folder)
  catalog = openCatalog(home.catalog, openKey(home.key))
})

afterEach(async () => {
  await catalog.close()
  rmSync(folder, { recursive: true, force: true })
})

async function aJob(document: Record<string, unknown> = {}): Promise<string> {
  const connection = async (name: string, platform: string) =>
    (await catalog.connections.create({ name, platform, auth: { root: '/x' }, secrets: { password: 'hunter2' } })).id
  const side = async (name: string, platform: string) => ({
    connection: { id: await connection(name, platform) },
    target: { path: '/' },
  })
  const { id } = await catalog.jobs.create({
    name: 'files',
    categoryId: (await catalog.categories.named()).id,
    document: {
      transfer: { transfer_type: 'copy', source: await side('a', 'fs'), destination: await side('b', 'vault') },
      ...document,
    },
  })
  return id
}

test('the facts of a job are small and hold no path and no credential', async () => {
  const id = await aJob({
    schedule: { mode: 'auto', repeat_interval: { value: 5, unit: 'm' } },
    stop_policy: { on_execute: 3 },
  })
  const facts = await loadJob(catalog)(id)
  expect(facts).toMatchObject({
    name: 'files',
    source: 'fs',
    destination: 'vault',
    limits: { on_execute: 3 },
    schedule: { mode: 'auto', intervalMs: 300_000 },
    lastExecution: 0,
    unfinished: false,
    paused: false,
  })
  expect(JSON.stringify(facts).length).toBeLessThan(1_024)
  expect(JSON.stringify(facts)).not.toMatch(/hunter2|\/x/)
})

test('an execution that began and has no end is unfinished, and one whose beginning was only announced too', async () => {
  const id = await aJob()
  await catalog.jobs.update(id, { lastExecution: 1, status: 'running' })
  expect((await loadJob(catalog)(id)).unfinished).toBe(true)
  await catalog.executions.begin(id, 1, false)
  await catalog.jobs.update(id, { status: 'idle' })
  expect((await loadJob(catalog)(id)).unfinished).toBe(true)
  await catalog.executions.update(id, 1, { endedOn: 100, status: 'completed' })
  expect(await loadJob(catalog)(id)).toMatchObject({ unfinished: false, lastEndMs: 100_000 })
})

test('numbers that the ledger has been through are left out by the next execution, not by one that goes on', async () => {
  const id = await aJob()
  await catalog.executions.begin(id, 4, false)
  await catalog.jobs.update(id, { lastExecution: 4, lastInLedger: 20, status: 'running' })
  expect(await loadJob(catalog)(id)).toMatchObject({ unfinished: true, lastExecution: 4 })
  await catalog.executions.update(id, 4, { endedOn: 100, status: 'failed_to_start' })
  await catalog.jobs.update(id, { status: 'failed-to-start' })
  expect(await loadJob(catalog)(id)).toMatchObject({ unfinished: false, lastExecution: 20 })
  await catalog.jobs.update(id, { lastExecution: 21 })
  expect(await loadJob(catalog)(id)).toMatchObject({ lastExecution: 21 })
})

test('repeat_count is asked of the executions on record', async () => {
  const id = await aJob({ schedule: { mode: 'auto', repeat_count: 4 } })
  for (const n of [1, 2, 3]) await catalog.executions.begin(id, n, false)
  await catalog.jobs.update(id, { lastExecution: 3 })
  expect((await loadJob(catalog)(id)).today).toMatchObject({ runs: 3 })
})

test('a document that can no longer be read does not keep its job from being started and saying so', async () => {
  const id = await aJob()
  await catalog.jobs.update(id, { document: { transfer: 5 } })
  expect(await loadJob(catalog)(id)).toMatchObject({ schedule: { mode: 'manual' }, source: 'unknown' })
})

test('what was recorded of an execution counts; an end that nobody recorded is recorded', async () => {
  const id = await aJob()
  const unrecorded = { status: 'failed', sentence: 'broke off' } as const
  expect(await settleExecution(catalog)({ jobId: id, execution: 1, unrecorded })).toMatchObject({
    ...unrecorded,
    failed: 0,
  })

  await catalog.executions.begin(id, 1, true)
  expect(await settleExecution(catalog)({ jobId: id, execution: 1, unrecorded })).toMatchObject({
    ...unrecorded,
    simulated: true,
  })
  expect((await catalog.executions.get(id, 1))!.endedOn).not.toBeNull()

  await catalog.executions.begin(id, 2, false)
  await catalog.executions.update(id, 2, { status: 'completed', sentence: 'all', endedOn: 5 })
  expect(await settleExecution(catalog)({ jobId: id, execution: 2, unrecorded })).toMatchObject({
    status: 'completed',
    sentence: 'all',
  })
})

test('records and control rows are set, not added to: repeating changes nothing', async () => {
  const id = await aJob()
  const record = {
    jobId: id,
    status: 'running',
    statusReason: '',
    counts: { executions: 2, successes: 1, failures: 0 },
    lastExecution: 3,
    nextRunMs: 5_500,
  } as const
  for (let i = 0; i < 2; i++) await recordJob(catalog)(record)
  expect(await catalog.jobs.get(id)).toMatchObject({
    status: 'running',
    counts: record.counts,
    lastExecution: 3,
    executeOn: 5.5,
  })
  await writeControl(catalog)({ jobId: id, paused: true })
  expect(await catalog.control.read(id)).toMatchObject({ paused: true })
  await expect(recordJob(catalog)({ ...record, jobId: '0'.repeat(32) })).rejects.toThrow('there is no job')
})
