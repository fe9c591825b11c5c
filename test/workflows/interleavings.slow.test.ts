import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { interleave, unreplayable } from './interleavings.ts'
import { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open({ cachedWorkflows: 2 })
}, 60_000)

afterAll(() => stage.close(), 60_000)

/** Another worker every so often, which knows no workflow, until what goes on meanwhile is over. */
async function restartingWorkers<T>(work: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  work.then(over, over)
  while (!isOver) {
    await sleep(4_000)
    await stage.stopWorker()
    await stage.startWorker({ cachedWorkflows: 2 })
  }
  return work
}

test.each([1, 2])(
  'commands in any order, with workers that come and go, leave histories that replay and jobs that work (seed %i)',
  async (seed) => {
    const { jobs, wrong } = await restartingWorkers(interleave(stage, { seed, jobs: 5, bursts: 4 }))
    expect(wrong).toEqual([])
    expect(await unreplayable(stage, jobs)).toEqual([])
  },
  300_000,
)

test('a catalog so slow that workflow tasks end before it answers changes nothing in that', async () => {
  const { jobs: stored } = stage.catalog
  const { update } = stored
  let n = 0
  const slowly: typeof update = async (...args) => {
    if (n++ % 4 === 0) await sleep(9_000)
    return update(...args)
  }
  Object.assign(stored, { update: slowly })
  try {
    const { jobs, wrong } = await interleave(stage, { seed: 5, jobs: 3, bursts: 2 })
    expect(wrong).toEqual([])
    expect(await unreplayable(stage, jobs)).toEqual([])
  } finally {
    Object.assign(stored, { update })
  }
}, 300_000)
