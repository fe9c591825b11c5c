import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareTrees, sayDifferences } from '../../scripts/rig/compare_trees.ts'
import { Installation } from '../../scripts/rig/installation.ts'
import { copyJob } from '../../scripts/rig/jobs.ts'
import { runStevedore, tail } from '../../scripts/rig/processes.ts'
import { folderName, writeSmallFiles, type SmallFiles } from '../../scripts/rig/trees.ts'
import { eventually } from '../../scripts/rig/wait.ts'
import { Arrivals } from './arrivals.ts'
import { whatWentWrong } from './balance.ts'
import type { Kill } from './kill_plan.ts'
import { slowMotion } from './slow_motion.ts'
import type { Tally } from './tally.ts'

/** From the kill to the first new file at the destination, with a restart at once. */
const mostRecoveryMs = 15_000

/** How much of the time the worker runs on its way to the next kill. */
const share = 0.1

interface KillSweep {
  folder: string
  tree: SmallFiles
  plan: readonly Kill[]
  tally: Tally
}

/** One copy of many files, killed again and again by SIGKILL and started again each time. */
export async function killSweep({ folder, tree: size, plan, tally }: KillSweep): Promise<void> {
  const root = mkdtempSync(join(folder, 'kills-'))
  const [source, destination] = [join(root, 'source'), join(root, 'destination')]
  mkdirSync(destination)
  const tree = writeSmallFiles(source, size)
  const installation = new Installation(root)
  const before = tally.failed
  try {
    await installation.up()
    const file = join(root, 'job.json')
    // One writer: the copy has to last.
    const document = copyJob(
      { name: 'killed', source, destination },
      { performance: { parallel_writes: { requested: 1 } } },
    )
    writeFileSync(file, JSON.stringify(document))
    const jobId = await installation.rest.createJob(document)
    await installation.rest.start(jobId)

    const folders = Array.from({ length: size.folders }, (_, number) => folderName(number))
    const arrivals = new Arrivals(destination, folders, (name) => /^f\d+\.bin$/.test(name))
    for (const [index, kill] of plan.entries())
      await killOnce(kill, { number: index + 1, of: plan.length, files: tree.files, arrivals, installation, tally })
    const end = await installation.untilEnded(jobId, 1, 180_000)
    tally.check('every file found is accounted for, none failed, none flagged', whatWentWrong(end))
    await checkResult({ jobId, file, source, destination, installation, tally })
  } catch (error) {
    tally.check('the sweep goes through', [(error as Error).message, tail(installation.log)])
  } finally {
    await installation.down()
    if (tally.failed === before) rmSync(root, { recursive: true })
    else tally.say(`          left behind: ${root}`)
  }
}

interface Moment {
  number: number
  of: number
  files: number
  arrivals: Arrivals
  installation: Installation
  tally: Tally
}

async function killOnce({ victim, afterFiles, delayMs }: Kill, moment: Moment): Promise<void> {
  const { number, of, files, arrivals, installation, tally } = moment
  const what = `kill ${number} of ${of}: ${victim}`
  // Until the server is back, if only that dies: the worker has no reason to wait, and would be done.
  const atFullSpeed = slowMotion(installation.pid, share)
  try {
    const there = await eventually(120_000, 5, () => (arrivals.count() >= afterFiles ? true : undefined))
    if (!there) throw new Error(`${what}: only ${arrivals.count()} of ${afterFiles} files after 120 s`)
    await sleep(delayMs)
    await installation.kill(victim)
    const killedAt = performance.now()
    const arrived = arrivals.count()
    await installation.restart()
    const up = performance.now() - killedAt
    if (arrived >= files) return void tally.check(what, 'all files had arrived before it: it hit nothing')
    const next = await eventually(60_000, 5, () => (arrivals.count() > arrived ? performance.now() : undefined))
    const recovery = (next ?? Infinity) - killedAt
    const spent = `${(recovery / 1000).toFixed(1)} s to the next file, ${(up / 1000).toFixed(1)} s of it until it answers`
    tally.check(
      `${what} after ${arrived} files · ${spent}`,
      recovery > mostRecoveryMs ? `more than ${mostRecoveryMs / 1000} s` : undefined,
    )
  } finally {
    atFullSpeed()
  }
}

interface Result {
  jobId: string
  file: string
  source: string
  destination: string
  installation: Installation
  tally: Tally
}

async function checkResult({ jobId, file, source, destination, installation, tally }: Result): Promise<void> {
  const compared = compareTrees(source, destination)
  tally.check(
    `destination = source: ${compared.files} files, every byte and time, and nothing else there`,
    sayDifferences(compared),
  )
  const verified = await runStevedore(['verify', jobId, '--json'], installation)
  tally.check('ledger = tree: `stevedore verify` finds no difference', exitOf(verified))
  const before = fingerprints(source, destination)
  const again = await runStevedore(['run', file, '--json'], installation)
  tally.check('another run ends with 0', exitOf(again))
  const after = fingerprints(source, destination)
  const touched = [...before].filter(([path, print]) => after.get(path) !== print).map(([path]) => path)
  tally.check(
    'and writes nothing',
    touched.length === 0 ? [] : `${touched.length} changed: ${touched.slice(0, 5).join(', ')}`,
  )
}

function exitOf({ code, stdout, stderr }: { code: number | null; stdout: string; stderr: string }): string[] {
  return code === 0 ? [] : [`ended with ${code}`, stdout.slice(-2_000), stderr.slice(-2_000)]
}

/** Inode and change time of everything at the destination: any write at all moves one of them. */
function fingerprints(source: string, destination: string): Map<string, string> {
  const prints = new Map<string, string>()
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const stats = lstatSync(join(destination, path), { bigint: true, throwIfNoEntry: false })
    prints.set(path, stats ? `${stats.ino} ${stats.ctimeNs}` : 'absent')
  }
  return prints
}
