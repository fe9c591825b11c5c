import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { interleave } from './interleavings.ts'
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
    expect(await restartingWorkers(interleave(stage, { seed, jobs: 5, bursts: 4 }))).toEqual([])
  },
  300_000,
)

test('a catalog so slow that workflow tasks end before it answers changes nothing in that', async () => {
  const { jobs } = stage.catalog
  const { update } = jobs
  let n = 0
  const slowly: typeof update = async (...args) => {
    if (n++ % 4 === 0) await sleep(9_000)
    return update(...args)
  }
  Object.assign(jobs, { update: slowly })
  try {
    expect(await interleave(stage, { seed: 5, jobs: 3, bursts: 2 })).toEqual([])
  } finally {
    Object.assign(jobs, { update })
  }
}, 300_000)
