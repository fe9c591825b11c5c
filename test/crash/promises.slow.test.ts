import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { endAll } from '../../scripts/rig/processes.ts'
import { withPromisedFs } from '../rig/with_promised_fs.ts'
import { promisedCases } from './cases.ts'
import { failpointSweep } from './failpoint_sweep.ts'
import { Tally } from './tally.ts'

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-crash-'))
const before = process.env['NODE_OPTIONS'] ?? ''
beforeAll(() => {
  process.env['NODE_OPTIONS'] = `${before} ${withPromisedFs}`
})
afterAll(async () => {
  process.env['NODE_OPTIONS'] = before
  await endAll()
})

test('deaths while many items of a batch are under way, each in another state, lose nothing, repeat nothing and leave nothing', async () => {
  const lines: string[] = []
  const tally = new Tally((line) => lines.push(line))
  await failpointSweep(promisedCases, { folder, slots: 2, tally, platform: 'promised_fs' })
  if (tally.failed > 0) throw new Error(lines.join('\n'))
  expect(tally.passed).toBe(promisedCases.length)
  rmSync(folder, { recursive: true })
}, 600_000)
