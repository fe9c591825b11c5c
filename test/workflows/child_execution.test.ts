import { beforeEach, expect, jest, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import type { JobFacts } from '../../workflows/messages.ts'

/** What was sent to the execution, and whether it arrives; in the order of sending. */
interface Sent {
  what: boolean | 'cancel'
  arrives(): Promise<void>
  fails(): Promise<void>
}

let sent: Sent[]
let pauses: (() => void)[]

function send(what: Sent['what']): Promise<void> {
  return new Promise((resolve, reject) => {
    const afterwards = (settle: () => void) => async (): Promise<void> => {
      settle()
      await turn()
    }
    sent.push({ what, arrives: afterwards(resolve), fails: afterwards(() => reject(new Error('not found'))) })
  })
}

const real = await import('@temporalio/workflow')
jest.unstable_mockModule('@temporalio/workflow', () => ({
  ...real,
  patched: () => true,
  sleep: () => new Promise<void>((resolve) => pauses.push(resolve)),
  // It is adopted: no event tells of it.
  startChild: () => Promise.reject(new WorkflowExecutionAlreadyStartedError('there', 'job/a/1', 'execution')),
  getExternalWorkflowHandle: () => ({
    signal: (_: unknown, paused: boolean) => send(paused),
    cancel: () => send('cancel'),
  }),
}))
const { ChildExecution } = await import('../../workflows/child_execution.ts')

const facts = { name: 'Share', source: 'fs', destination: 'fs', schedule: { mode: 'manual' } } as JobFacts
let wanted: { paused: boolean; isCancelling: boolean }
let child: InstanceType<typeof ChildExecution>

async function want(now: Partial<typeof wanted>): Promise<void> {
  wanted = { ...wanted, ...now }
  child.follow(wanted)
  await turn()
}

beforeEach(async () => {
  sent = []
  pauses = []
  wanted = { paused: false, isCancelling: false }
  const follow = (): void => child.follow(wanted)
  const fate = { onStarted: follow, onAdopted: follow, onTold: follow, onClosed: () => undefined }
  child = new ChildExecution({ jobId: 'a', execution: 1, summary: 'Share', paused: false }, facts, fate)
  await turn()
  await sent.shift()!.arrives()
})

test('an execution is told the next thing when the last one has arrived: they can’t pass each other on the way', async () => {
  await want({ paused: true })
  await want({ paused: false })
  expect(sent.map(({ what }) => what)).toEqual([true])
  expect(child.knows(false)).toBe(false)
  await sent[0]!.arrives()
  expect(sent.map(({ what }) => what)).toEqual([true, false])
  await sent[1]!.arrives()
  expect(child.knows(false)).toBe(true)
})

test('what did not arrive is told again after a while, if it still holds', async () => {
  await want({ paused: true, isCancelling: true })
  expect(sent.map(({ what }) => what)).toEqual([true, 'cancel'])
  for (const { fails } of sent.splice(0)) await fails()
  expect(child.knows(true)).toBe(false)
  expect(sent).toEqual([])
  for (const over of pauses.splice(0)) over()
  await turn()
  expect(sent.map(({ what }) => what)).toEqual([true, 'cancel'])
  for (const { arrives } of sent) await arrives()
  expect(child.knows(true)).toBe(true)
})
