import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { compareTrees, sayDifferences } from '../../scripts/rig/compare_trees.ts'
import { Installation } from '../../scripts/rig/installation.ts'
import { copyJob } from '../../scripts/rig/jobs.ts'
import { runStevedore, tail } from '../../scripts/rig/processes.ts'
import { eventually } from '../../scripts/rig/wait.ts'
import { whatWentWrong } from './balance.ts'
import type { Case } from './cases.ts'
import { canWatch, EffectsWatch, unexpected } from './effects.ts'
import { scenes, type Scene } from './scenes.ts'
import type { Tally } from './tally.ts'

/**
 * One death per case, several cases side by side: most of a case is waiting for the server to notice the death.
 *
 * @param platform of both sides, when it is not `fs`
 * @param folder where homes and trees go; those of failed cases are left there
 */
export async function failpointSweep(
  cases: readonly Case[],
  { folder, slots, tally, platform }: { folder: string; slots: number; tally: Tally; platform?: string },
): Promise<void> {
  const rest = [...cases]
  const slot = async (number: number): Promise<void> => {
    const installation = new Installation(mkdtempSync(join(folder, `slot${number}-`)))
    try {
      for (let next = rest.shift(); next; next = rest.shift())
        await oneCase(next, { installation, folder, tally, platform })
    } finally {
      await installation.down()
    }
  }
  await Promise.all(Array.from({ length: Math.min(slots, cases.length) }, (_, number) => slot(number)))
}

async function oneCase(
  { scene: sceneName, failpoint }: Case,
  {
    installation,
    folder,
    tally,
    platform,
  }: { installation: Installation; folder: string; tally: Tally; platform: string | undefined },
): Promise<void> {
  const name = `${sceneName}, dies at ${failpoint}`
  const root = mkdtempSync(join(folder, `${sceneName}-${failpoint.replace(/\W/g, '-')}-`))
  let problems: string[]
  try {
    problems = await dieAndRecover(scenes[sceneName], { name, failpoint, root, installation, platform })
  } catch (error) {
    problems = [(error as Error).message, tail(installation.log)]
  }
  if (tally.check(name, problems)) rmSync(root, { recursive: true })
  else tally.say(`          left behind: ${root} and ${installation.home}`)
}

interface Stage {
  name: string
  failpoint: string
  root: string
  installation: Installation
  platform: string | undefined
}

/** @returns what is wrong in the end */
async function dieAndRecover(
  scene: Scene,
  { name, failpoint, root, installation, platform }: Stage,
): Promise<string[]> {
  const [source, destination] = [join(root, 'source'), join(root, 'destination')]
  for (const side of [source, destination]) mkdirSync(side)
  scene.arrange(source, destination)
  const document = copyJob({ name, source, destination, target: scene.target, platform }, scene.transfer)
  let jobId = ''
  let execution = 1

  if (scene.change) {
    await installation.upPlain()
    jobId = await installation.rest.createJob(document)
    await installation.rest.start(jobId)
    const first = await installation.untilEnded(jobId, execution++, 60_000)
    if (first.status !== 'completed') return [`the undisturbed execution ended as ${first.status}: ${first.sentence}`]
    scene.change(source, destination)
  }
  await installation.upWith({ STEVEDORE_FAILPOINT: failpoint }, scene.change ? 'SIGTERM' : 'SIGKILL')
  if (!scene.change) jobId = await installation.rest.createJob(document)

  const watch = canWatch() ? await EffectsWatch.begin(scene.watches === 'source' ? source : destination) : undefined
  // It may die before it can answer.
  await installation.rest.start(jobId).catch(() => undefined)
  const death = await eventually(30_000, 20, () => (installation.alive ? undefined : installation.ended()))
  if (death?.signal !== 'SIGKILL') return [`it did not die there: ${JSON.stringify(death ?? 'still alive')}`]

  await installation.upPlain()
  const end = await installation.untilEnded(jobId, execution, 90_000)
  const effects = await watch?.end()
  const compared = compareTrees(source, join(destination, scene.target ?? ''), {
    folderTimes: !scene.merges,
    ...(scene.mayBeExtra ? { mayBeExtra: scene.mayBeExtra } : {}),
    ...(scene.mayBeMissing ? { mayBeMissing: scene.mayBeMissing } : {}),
  })
  const verified = await runStevedore(['verify', jobId, '--json'], installation)
  return [
    ...whatWentWrong(end),
    sayDifferences(compared),
    ...(verified.code === 0 ? [] : [`verify ended with ${verified.code}: ${verified.stdout}${verified.stderr}`]),
    ...(effects ? unexpected(effects, scene.expected(destination)) : []),
    ...(scene.alsoCheck?.(source, destination) ?? []),
  ]
}
