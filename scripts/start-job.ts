/**
 * Starts a job on a Temporal server of your own, to show how little there is to it:
 *
 *   TEMPORAL_ADDRESS=temporal.example:7233 npx node scripts/start-job.ts job.json
 *
 * A worker has to run beside it, with the same STEVEDORE_HOME: `npx stevedore worker`. TLS and API keys are read from the
 * variables and files that Temporal's own tools use.
 */
import { readFileSync } from 'node:fs'
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { acceptJob } from '../src/accept/job.ts'
import { readConfig } from '../src/config.ts'
import { jobFacts } from '../src/job_facts.ts'
import { openStevedoreHome } from '../src/open_home.ts'
import { sentence } from '../src/problem.ts'
import { start } from '../workflows/commands.ts'
import type { job } from '../workflows/job.ts'
import { executionWorkflowId, jobWorkflowId } from '../workflows/names.ts'

const file = process.argv[2]
if (file === undefined) throw new Error('which job? npx node scripts/start-job.ts job.json')
const { namespace, taskQueue } = readConfig().temporal

// The document is checked and stored: workflows are given an id, never a path or a credential.
const home = await openStevedoreHome()
const accepted = await acceptJob(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>, home.catalog)
for (const warning of accepted.warnings) console.warn(`warning: ${sentence(warning)}`)
const jobId = accepted.job.id
const facts = await jobFacts(home.catalog, jobId)
await home.close()

const connection = await Connection.connect(loadClientConnectConfig().connectionOptions)
const client = new Client({ connection, namespace })

// One workflow per job, for its whole life. It is started if it isn't there, and told to begin an execution; the answer
// comes when it has.
const { execution } = await client.workflow.executeUpdateWithStart(start, {
  args: [facts],
  startWorkflowOperation: new WithStartWorkflowOperation<typeof job>('job', {
    workflowId: jobWorkflowId(jobId),
    taskQueue,
    args: [{ jobId, facts }],
    workflowIdConflictPolicy: 'USE_EXISTING',
  }),
})
console.log(`job ${jobId}, execution ${execution}: workflow ${jobWorkflowId(jobId)} in namespace ${namespace}`)

// The job goes on by itself; this waits for the execution, and shows how it ended.
const outcome: unknown = await client.workflow.getHandle(executionWorkflowId(jobId, execution)).result()
console.log(outcome)
await connection.close()
