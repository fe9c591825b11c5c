import { expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { ActivityCancellationDetails } from '@temporalio/common'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { slice } from '../../activities/slice.ts'
import type { SliceRun } from '../../src/transfer/engine/engine.ts'
import type { SliceInput, SliceResult } from '../../workflows/messages.ts'

const input: SliceInput = {
  jobId: 'a'.repeat(32),
  execution: 1,
  lane: 'transfer-1',
  width: 1,
  sliceMs: 20_000,
}
const done: SliceResult = { state: 'finished', items: 3, failed: 0, bytes: 30 }

/** As the engine does: what is in hand is finished, then the reason of the abort is raised. */
async function untilAborted({ signal, onBeat }: SliceRun): Promise<SliceResult> {
  onBeat({ items: 2, bytes: 20, inHand: 'a/b.txt' })
  while (!signal.aborted) await sleep(5)
  signal.throwIfAborted()
  return done
}

test('it beats from a timer of its own, with the path in hand, though the work says nothing more', async () => {
  const beats: unknown[] = []
  const environment = new MockActivityEnvironment()
  environment.on('heartbeat', (details: unknown) => beats.push(details))
  const activity = slice(async (_input, run) => {
    run.onBeat({ items: 1, bytes: 10, inHand: 'a/b.txt' })
    await sleep(2_000)
    return done
  })
  expect(await environment.run(activity, input)).toEqual(done)
  expect(beats.length).toBeGreaterThanOrEqual(2)
  expect(beats[0]).toEqual({ items: 1, bytes: 10, inHand: 'a/b.txt' })
  const silent = beats.length
  await sleep(1_000)
  expect(beats).toHaveLength(silent)
})

test('a cancel reaches the work, and ends the slice as cancelled', async () => {
  const environment = new MockActivityEnvironment()
  const running = environment.run(
    slice((_input, run) => untilAborted(run)),
    input,
  )
  await sleep(20)
  environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }))
  await expect(running).rejects.toThrow('CANCELLED')
})

test('a worker that goes ends the slice with what was done, so that the next one goes on elsewhere', async () => {
  const environment = new MockActivityEnvironment()
  const running = environment.run(
    slice((_input, run) => untilAborted(run)),
    input,
  )
  await sleep(20)
  environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }))
  expect(await running).toEqual({ state: 'more', items: 2, failed: 0, bytes: 20 })
})

test('a slice that fails while the worker goes has failed all the same', async () => {
  // Temporal logs the failure; a test that passes says nothing.
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') })
  const activity = slice(async (_input, run) => {
    while (!run.signal.aborted) await sleep(5)
    throw new Error('the disk is gone')
  })
  const running = environment.run(activity, input)
  await sleep(20)
  environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }))
  await expect(running).rejects.toThrow('the disk is gone')
})
