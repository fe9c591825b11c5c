import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { interleave, unreplayable } from './interleavings.ts'
import { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  // Fewer than there are workflows, so that most tasks begin with a replay.
  stage = await Stage.open({ cachedWorkflows: 2 })
}, 60_000)

afterAll(() => stage.close(), 60_000)

test('commands that come in any order at the same moment leave histories that replay, and a job that works', async () => {
  const { jobs, wrong } = await interleave(stage, { seed: 7, jobs: 3, bursts: 2 })
  expect(wrong).toEqual([])
  expect(await unreplayable(stage, jobs)).toEqual([])
}, 60_000)
