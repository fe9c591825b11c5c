import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endAll } from '../../scripts/rig/processes.ts'
import { cases } from './cases.ts'
import { canWatch } from './effects.ts'
import { failpointSweep } from './failpoint_sweep.ts'
import { killPlan } from './kill_plan.ts'
import { killSweep } from './kill_sweep.ts'
import { Tally } from './tally.ts'
import { withPromisedFs } from '../rig/with_promised_fs.ts'

/** `npm run test:crash [-- kills|failpoints|promises [part of a case's name]]` (`promises`: the failpoints, with platforms that answer later); `CRASH_SEED` repeats the moments of a sweep. */
const [part, only = ''] = process.argv.slice(2)
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 1e6))
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-crash-'))
const tally = new Tally((line) => console.log(line))
const leave = (): void => void endAll().finally(() => process.exit(130))
process.on('SIGINT', leave).on('SIGTERM', leave)

const began = performance.now()
if (part !== 'kills') {
  const chosen = cases.filter(({ scene, failpoint }) => `${scene}, dies at ${failpoint}`.includes(only))
  if (!canWatch())
    tally.say(`${chosen.length} skipped: how often a name was written, as inotifywait (inotify-tools) is not installed`)
  tally.say(`\n${chosen.length} deaths before and after each step\n`)
  const isPromised = part === 'promises'
  if (isPromised) process.env['NODE_OPTIONS'] = withPromisedFs
  await failpointSweep(chosen, { folder, slots: 6, tally, ...(isPromised ? { platform: 'promised_fs' } : {}) })
}
if (part !== 'failpoints' && part !== 'promises') {
  const tree = { folders: 200, filesPerFolder: 100, sizeBytes: 32 * 1024 }
  const kills = { worker: 20, server: 5, everything: 5 }
  tally.say(`\n${JSON.stringify(kills)} kills of a copy of 20,000 files, CRASH_SEED=${seed}\n`)
  await killSweep({ folder, tree, plan: killPlan({ files: 20_000, kills, seed, mostDelayMs: 400 }), tally })
}
await endAll()
if (tally.failed === 0) rmSync(folder, { recursive: true })
else tally.say(`\nleft behind: ${folder}`)
tally.say(`\n${((performance.now() - began) / 1000).toFixed(0)} s`)
tally.say(tally.line)
process.exit(tally.failed === 0 ? 0 : 1)
