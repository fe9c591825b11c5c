import { setTimeout as sleep } from 'node:timers/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker } from '@temporalio/worker'
import fc from 'fast-check'
import { Refused } from '../../src/client/refused.ts'
import { readConfig } from '../../src/config.ts'
import { workflowBundle } from '../../src/temporal/bundle.ts'
import { until } from './histories.ts'
import type { Stage } from './stage.ts'

type Command = 'start' | 'pause' | 'resume' | 'cancel'

/** What somebody sends to a job, all at the same moment, and how long he waits then. */
interface Burst {
  commands: Command[]
  thenMs: number
}

const burst: fc.Arbitrary<Burst> = fc.record({
  commands: fc.array(fc.constantFrom<Command>('start', 'start', 'cancel', 'cancel', 'pause', 'resume'), {
    minLength: 1,
    maxLength: 4,
  }),
  thenMs: fc.constantFrom(0, 0, 5, 30, 120),
})

const patienceMs = 150_000

interface Interleaving {
  seed: number
  jobs: number
  bursts: number
}

interface Interleaved {
  jobs: string[]
  /** Commands that were neither answered nor refused. */
  wrong: string[]
}

/** Sends random bursts of commands to many jobs at once; each can be started again afterwards. */
export async function interleave(stage: Stage, { seed, jobs, bursts }: Interleaving): Promise<Interleaved> {
  const plans = fc.sample(fc.array(burst, { minLength: bursts, maxLength: bursts }), { seed, numRuns: jobs })
  const client = stage.client({ answerMs: 150, sliceMs: 40, historyEvents: 150 })
  const ids = await Promise.all(plans.map((_, n) => stage.job({ items: 5 + 10 * (n % 3), itemMs: 4 })))
  const wrong: string[] = []
  const send = async (job: string, command: Command): Promise<void> => {
    await client[command](job).catch((error: unknown) => {
      // Where workers come and go, or the catalog takes its time, a command may be obeyed after its answer was given up.
      if (!(error instanceof Refused) && !String(error).includes('no answer within'))
        wrong.push(`${command} of ${job}: ${String(error)}`)
    })
  }
  await Promise.all(
    plans.map(async (plan, n) => {
      for (const { commands, thenMs } of plan) {
        await Promise.all(commands.map((command) => send(ids[n]!, command)))
        await sleep(thenMs)
      }
    }),
  )
  await Promise.all(ids.map((id) => endsWell(stage, id)))
  return { jobs: ids, wrong }
}

/** Whatever was asked of it, in the end it can be started, and that execution ends. */
async function endsWell(stage: Stage, id: string): Promise<void> {
  const client = stage.client()
  const obeys = (command: Command): Promise<boolean> =>
    client[command](id).then(
      () => true,
      () => false,
    )
  const starts = async (): Promise<boolean> => {
    await obeys('resume')
    await obeys('cancel')
    return obeys('start')
  }
  await until(starts, `${id} can be started`, patienceMs)
  const { lastExecution } = (await stage.catalog.jobs.get(id))!
  const ended = async (): Promise<boolean> =>
    typeof (await stage.catalog.executions.get(id, lastExecution))?.endedOn === 'number'
  await until(ended, `execution ${lastExecution} of ${id} ends`, patienceMs)
}

/** What is wrong with the histories of all runs of jobs and executions: a task that failed, or one that does not replay. */
export async function unreplayable(stage: Stage, jobs: readonly string[]): Promise<string[]> {
  const codePath = await workflowBundle({ cache: readConfig().cache })
  const wrong: string[] = []
  const query = `StevedoreJob IN (${jobs.map((id) => `'${id}'`).join(', ')})`
  for await (const { workflowId, runId } of stage.workflows.list({ query })) {
    const history = await stage.workflows.getHandle(workflowId, runId).fetchHistory()
    const failed = history.events?.find((event) => event.workflowTaskFailedEventAttributes)
    if (failed) wrong.push(`${workflowId}: ${failed.workflowTaskFailedEventAttributes?.failure?.message}`)
    const recorded = JSON.parse(historyToJSON(history)) as unknown
    await Worker.runReplayHistory({ workflowBundle: { codePath } }, recorded).catch((error: Error) => {
      wrong.push(`${workflowId}: ${error.message.slice(0, 300)}`)
    })
  }
  return wrong
}
