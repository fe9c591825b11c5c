import { afterEach, expect, test } from '@jest/globals'
import { WorkflowStuck } from '../../src/client/job_commands.ts'
import { aJob, openBench, type Bench } from './bench.ts'

let bench: Bench
afterEach(() => bench.close())

const why = 'the workflow of "Share" can\'t go on: TMPRL1100; `stevedore job repair 1` ends it'

test('a job whose workflow cannot go on is told of with the way out: where it is shown, and to whoever commands it', async () => {
  const answers = async (): Promise<{ execution: number }> => ({ execution: 1 })
  const commanded: string[] = []
  bench = openBench({
    commands: {
      start: answers,
      pause: answers,
      resume: answers,
      ensure: answers,
      approve: async () => ({ sentence: '' }),
      cancel: () => Promise.reject(new WorkflowStuck(why)),
      repair: async (jobId) => commanded.push(jobId),
      stuck: async () => why,
    },
  })
  const { id } = (await bench.call('POST', '/v1/jobs', aJob())).json.job
  const shown = await bench.call('GET', `/v1/jobs/${id}`)
  expect(shown.json.warnings).toEqual([{ code: 'workflow_stuck', description: why }])
  const refused = await bench.call('PATCH', `/v1/jobs/${id}?cancel=1`)
  expect(refused.status).toBe(503)
  expect(refused.json.errors).toMatchObject([{ code: 'workflow_stuck', description: why }])
  expect((await bench.call('PATCH', `/v1/jobs/${id}?repair=1`)).status).toBe(200)
  expect(commanded).toEqual([id])
})
