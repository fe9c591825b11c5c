/**
 * Starts a job on a Temporal server of your own, to show how little there is to it:
 *
 *   TEMPORAL_ADDRESS=temporal.example:7233 npx node scripts/start-job.ts job.json
 *
 * A worker has to run beside it, with the same STEVEDORE_HOME: `npx stevedore worker`. Address, namespace, TLS and API keys
 * are read from the variables and the profiles (TEMPORAL_PROFILE) that Temporal's own tools use.
 */
import { readFileSync } from 'node:fs'
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { checkJob, storeJob } from '../src/intake/job.ts'
import { inertSettings, refusals } from '../src/intake/not_carried_out.ts'
import { readConfig } from '../src/config.ts'
import { taskQueueOf } from '../src/home/task_queue.ts'
import { jobFacts } from '../src/client/job_facts.ts'
import { jobStart } from '../src/client/job_start.ts'
import { parseJson } from '../src/json/json.ts'
import { openStevedoreHome } from '../src/open_home/open_home.ts'
import { sentence } from '../src/problem.ts'
import { dataConverter } from '../src/temporal/codec.ts'
import { onceThere } from '../src/temporal/once_there.ts'
import { start } from '../workflows/commands.ts'
import type { job } from '../workflows/job.ts'
import { executionWorkflowId } from '../workflows/names.ts'

const [file] = process.argv.slice(2)
if (file === undefined) end('which job? npx node scripts/start-job.ts job.json')

await startJob(file).catch(end)

async function startJob(path: string): Promise<void> {
  const { taskQueue: prefix, codec } = readConfig().temporal

  // First of all, so that nothing is stored that nobody can be told of. Variables and profiles are those of Temporal's own tools.
  const { connectionOptions, namespace = 'stevedore' } = loadClientConnectConfig()
  const connection = await Connection.connect({ connectTimeout: '5s', ...connectionOptions }).catch((error: Error) => {
    const address = connectionOptions.address ?? 'localhost:7233'
    throw new Error(`no Temporal server answers at ${address}; TEMPORAL_ADDRESS says where it is (${error.message})`, {
      cause: error,
    })
  })
  // The document is checked and stored: workflows are given an id, never a path or a credential.
  const home = await openStevedoreHome()
  const taskQueue = taskQueueOf(home.home, prefix)
  if (!(await isPolled(connection, namespace, taskQueue)))
    console.warn(
      `warning: no worker polls task queue ${taskQueue} of namespace ${namespace}: start \`npx stevedore worker\``,
    )
  const document = parseJson(readFileSync(path, 'utf8')) as Record<string, unknown>
  const checked = await checkJob(document, home.catalog, { needsTransferType: true })
  for (const warning of checked.warnings) console.warn(`warning: ${sentence(warning)}`)
  const toRun = { document: { ...checked.job } }
  for (const { path: at, why } of await inertSettings(toRun, home.catalog)) console.warn(`warning: ${at}: ${why}`)
  const refused = await refusals(toRun, home.catalog)
  if (refused.length > 0) throw new Error(refused.map(sentence).join('\n'))
  const name = JSON.stringify(checked.name)
  if (await home.catalog.jobs.findByName(checked.name))
    throw new Error(`there is a job ${name} already; its next run begins with: npx stevedore job start ${name}`)
  const stored = await storeJob(checked, home.catalog)
  const facts = await jobFacts(home.catalog, stored.id)
  // What the Web UI shows of the job and finds it by goes with its start: a summary, the document without secrets, attributes.
  const startOfJob = jobStart(stored, facts, { taskQueue })
  await home.close()

  const converter = await dataConverter(codec)
  const client = new Client({ connection, namespace, ...(converter ? { dataConverter: converter } : {}) })

  // One workflow per job, for its whole life. It is started if it isn't there, and told to begin an execution; the answer
  // comes when it has.
  const { execution } = await client.workflow.executeUpdateWithStart(start, {
    args: [],
    startWorkflowOperation: new WithStartWorkflowOperation<typeof job>('job', startOfJob),
  })
  console.log(`job ${stored.id}, execution ${execution}: workflow ${startOfJob.workflowId} in namespace ${namespace}`)

  // The job goes on by itself; this waits for the execution, a workflow of its own that begins a moment later, and shows how
  // it ended.
  console.log(await onceThere(() => client.workflow.getHandle(executionWorkflowId(stored.id, execution)).result()))
  await connection.close()
}

/** Whether a worker has asked this queue for work in the last minutes, as far as the server tells. */
async function isPolled(connection: Connection, namespace: string, taskQueue: string): Promise<boolean> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: 1,
  })
  return (pollers?.length ?? 0) > 0
}

/** What went wrong, in words, with what caused it: how an execution failed is the cause of its workflow's failure. */
function end(error: unknown): never {
  const said = new Set<string>()
  for (let at = error; at !== undefined && at !== null; at = (at as { cause?: unknown }).cause)
    said.add(at instanceof Error ? at.message : String(at))
  console.error([...said].join('\n  because: '))
  process.exit(1)
}
