import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { interleave } from './interleavings.ts'
import { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  // Fewer than there are workflows, so that most tasks begin with a replay.
  stage = await Stage.open({ cachedWorkflows: 2 })
}, 60_000)

afterAll(() => stage.close(), 60_000)

test('commands that come in any order at the same moment leave histories that replay, and a job that works', async () => {
  expect(await interleave(stage, { seed: 7, jobs: 3, bursts: 2 })).toEqual([])
}, 60_000)
