import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CancelledFailure } from '@temporalio/common'
import { tellingWhatItWaitsFor } from '../../activities/waiting.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { openHome } from '../../src/home/home.ts'
import { openKey } from '../../src/home/key.ts'
import type { Beat, Engine, SliceRun } from '../../src/transfer/engine/engine.ts'
import { ConnectionTrouble, FailedToStart, HaltedByItem, ItemsWaiting } from '../../src/transfer/engine/errors.ts'
import type { SliceInput, SliceResult } from '../../workflows/messages.ts'

const gone = new ConnectionTrouble('destination', 'Unreachable', '"/mnt/new" is gone')
const run: SliceRun = { signal: new AbortController().signal, onBeat: () => undefined }

let folder: string
let catalog: Catalog
let jobId: string
let input: SliceInput
/** What the next call of the engine does. */
let next: (onBeat: (beat: Beat) => void) => Promise<SliceResult>
let engine: Engine

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-waiting-'))
  const home = openHome(folder)
  catalog = openCatalog(home.catalog, openKey(home.key))
  jobId = (await catalog.jobs.create({ name: 'files', document: {}, categoryId: -1 })).id
  await catalog.executions.begin(jobId, 1, false)
  input = { jobId, execution: 1, lane: 'transfer-1', width: 1, sliceMs: 20_000 }
  engine = worker()
})

afterEach(async () => {
  await catalog.close()
  rmSync(folder, { recursive: true, force: true })
})

function worker(): Engine {
  const slice = (_input: unknown, { onBeat }: SliceRun): Promise<SliceResult> => next(onBeat)
  const does = { enumerate: slice, transfer: slice, finalize: slice, close: async () => undefined }
  const initialize = (): Promise<SliceResult> => next(() => undefined)
  return tellingWhatItWaitsFor({ ...does, initialize } as unknown as Engine, catalog)
}

const answers = (result: Partial<SliceResult>) => async (): Promise<SliceResult> => ({
  state: 'more',
  items: 0,
  failed: 0,
  bytes: 0,
  ...result,
})
const fails = (error: Error) => (): Promise<never> => Promise.reject(error)

async function waitsFor(
  step: typeof next,
  phase: 'enumerate' | 'transfer' | 'finalize' = 'transfer',
): Promise<string | undefined> {
  next = step
  await engine[phase](input, run).catch(() => undefined)
  return (await catalog.executions.get(jobId, 1))!.waitingFor
}

test('while trouble is waited out the execution says why, until something is carried out again', async () => {
  expect(await waitsFor(fails(gone))).toBe('destination: "/mnt/new" is gone')
  expect(await waitsFor(answers({}))).toBe('destination: "/mnt/new" is gone')
  expect(await waitsFor(answers({ items: 1 }))).toBeUndefined()
})

test.each(['paused', 'finished'] as const)('a slice that comes back %s waits for nothing', async (state) => {
  await waitsFor(fails(gone))
  expect(await waitsFor(answers({ state }))).toBeUndefined()
})

test('a slice says so as soon as it goes on, not only at its end', async () => {
  await waitsFor(fails(gone))
  const seen: (string | undefined)[] = []
  await waitsFor(async (onBeat) => {
    for (const bytes of [0, 1_000]) {
      onBeat({ items: 0, bytes })
      await new Promise((resolve) => setTimeout(resolve, 20))
      seen.push((await catalog.executions.get(jobId, 1))!.waitingFor)
    }
    return answers({})()
  })
  expect(seen).toEqual(['destination: "/mnt/new" is gone', undefined])
})

test('folders that are looked at do not say that transfers go on', async () => {
  await waitsFor(fails(gone))
  expect(await waitsFor(answers({ items: 5 }), 'enumerate')).toBe('destination: "/mnt/new" is gone')
})

test('an execution that cannot begin says what for', async () => {
  next = fails(gone)
  await expect(engine.initialize(input)).rejects.toBe(gone)
  expect((await catalog.executions.get(jobId, 1))!.waitingFor).toBe('destination: "/mnt/new" is gone')
  next = answers({})
  await engine.initialize(input)
  expect((await catalog.executions.get(jobId, 1))!.waitingFor).toBeUndefined()
})

test.each([
  new ItemsWaiting({ total: 2, byReason: { Locked: 2 }, nextDueMs: 4_000 }),
  new HaltedByItem('no'),
  new FailedToStart(['no']),
  new CancelledFailure('CANCELLED'),
])('%s is nothing to wait for', async (error) => {
  expect(await waitsFor(fails(error))).toBeUndefined()
})

test('what a worker that died left there is taken back by the next', async () => {
  await waitsFor(fails(gone))
  engine = worker()
  expect(await waitsFor(answers({ items: 1 }))).toBeUndefined()
})

test('the end of an execution ends its waiting', async () => {
  await waitsFor(fails(gone))
  await catalog.executions.update(jobId, 1, { status: 'failed', endedOn: 2 })
  expect((await catalog.executions.get(jobId, 1))!.waitingFor).toBeUndefined()
})

test('a catalog that cannot be written does not hide the trouble', async () => {
  await catalog.close()
  next = fails(gone)
  await expect(engine.transfer(input, run)).rejects.toBe(gone)
})
