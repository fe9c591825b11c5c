import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { endAll } from '../../scripts/rig/processes.ts'
import { fewCases } from './cases.ts'
import { failpointSweep } from './failpoint_sweep.ts'
import { killPlan } from './kill_plan.ts'
import { killSweep } from './kill_sweep.ts'
import { Tally } from './tally.ts'

// The whole sweep is `npm run test:crash`; this is what every run of the tests can afford.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-crash-'))
afterAll(endAll)

test('kills of the worker and of everything, and deaths between steps, lose nothing, repeat nothing and leave nothing', async () => {
  const lines: string[] = []
  const tally = new Tally((line) => lines.push(line))
  const tree = { folders: 60, filesPerFolder: 100, sizeBytes: 16 * 1024 }
  const plan = killPlan({ files: 6_000, kills: { worker: 1, server: 0, everything: 1 }, seed: 3, mostDelayMs: 50 })
  await Promise.all([killSweep({ folder, tree, plan, tally }), failpointSweep(fewCases, { folder, slots: 2, tally })])
  if (tally.failed > 0) throw new Error(lines.join('\n'))
  expect(tally.passed).toBe(plan.length + 5 + fewCases.length)
  rmSync(folder, { recursive: true })
}, 180_000)
