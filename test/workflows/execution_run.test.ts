import { expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { Execution, type ExecutionPorts, type LaneKind } from '../../workflows/execution_run.ts'
import type { ExecutionPhase } from '../../src/job/status.ts'
import type { Initialized, PlannedRemovals, SliceInput, SliceResult } from '../../workflows/messages.ts'

const start = { jobId: 'a'.repeat(32), execution: 7, summary: 'files: fs → vault, execution 7', paused: false }
const initialized: Initialized = {
  failurePolicy: 'continue',
  enumerateLanes: 2,
  transferLanes: [2, 1],
}
const finished: SliceResult = { state: 'finished', items: 0, failed: 0, bytes: 0 }

/** ExecutionPorts without Temporal: conditions are looked at between turns of the event loop. */
class Rig implements ExecutionPorts {
  now = 0
  slept: number[] = []
  phases: ExecutionPhase[] = []
  asked: { kind: LaneKind; input: SliceInput }[] = []
  stopped = false
  full = false
  planned: PlannedRemovals = { items: 0 }
  initialized = initialized
  answer: (kind: LaneKind, nth: number) => SliceResult | Promise<SliceResult> = () => finished

  nowMs(): number {
    return this.now
  }
  async initialize(): Promise<Initialized> {
    return this.initialized
  }
  async planRemovals(): Promise<PlannedRemovals> {
    return this.planned
  }
  async slice(kind: LaneKind, _summary: string, input: SliceInput): Promise<SliceResult> {
    this.asked.push({ kind, input })
    await turn()
    return this.answer(kind, this.asked.filter((slice) => slice.kind === kind).length)
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.stopped) throw new Error('stopped')
      await turn()
    }
  }
  async sleep(ms: number): Promise<void> {
    this.slept.push(ms)
    this.now += ms
  }
  historyIsFull(): boolean {
    return this.full
  }
  async enter(phase: ExecutionPhase): Promise<void> {
    this.phases.push(phase)
  }
  awaits(): void {}
  show(): void {}
  stopLanes(): void {
    this.stopped = true
  }
  has(): boolean {
    return true
  }
}

test('phases follow one another, and enumeration and transfer go on side by side', async () => {
  const rig = new Rig()
  expect(await new Execution(start, rig).throughPhases()).toBe('done')
  expect(rig.phases).toEqual(['initialize', 'changes', 'executing', 'finalize'])
  expect(rig.asked.slice(0, 4).map(({ input }) => [input.lane, input.width])).toEqual([
    ['enumerate-1', 1],
    ['enumerate-2', 1],
    ['transfer-1', 2],
    ['transfer-2', 1],
  ])
  expect(rig.asked.at(-1)!.input).toMatchObject({
    lane: 'finalize',
    width: 3,
  })
})

test('what a lane is asked for is short at first, so that its counts are seen within two seconds, and then longer', async () => {
  const rig = new Rig()
  rig.answer = (kind, nth) => ({ ...finished, items: 1, state: kind === 'finalize' && nth < 6 ? 'more' : 'finished' })
  await new Execution(start, rig).throughPhases()
  const asked = rig.asked.filter(({ kind }) => kind === 'finalize').map(({ input }) => input.sliceMs)
  expect(asked).toEqual([1_500, 3_000, 6_000, 12_000, 20_000, 20_000])
})

test('counts are summed over slices and lanes', async () => {
  const rig = new Rig()
  rig.answer = (kind, nth) => ({ state: nth <= 4 ? 'more' : 'finished', items: 10, failed: 1, bytes: 100 })
  const run = new Execution(start, rig)
  await run.throughPhases()
  const { tally } = run.state()
  const slices = (kind: LaneKind): number => rig.asked.filter((slice) => slice.kind === kind).length
  expect(tally.found).toBe(10 * slices('enumerate'))
  expect(tally.transferred).toBe(10 * slices('transfer'))
  expect(tally.bytes).toBe(100 * slices('transfer'))
  expect(tally.slices).toBe(rig.asked.length)
})

test('while paused nothing begins; drained means nothing is in hand', async () => {
  const rig = new Rig()
  const run = new Execution({ ...start, paused: true }, rig)
  const going = run.throughPhases()
  await turn()
  expect(rig.phases).toEqual([])
  expect(run.isDrained).toBe(true)
  let letGo = (): void => undefined
  rig.answer = (kind, nth) =>
    kind === 'transfer' && nth <= 2
      ? new Promise((resolve) => (letGo = () => resolve({ ...finished, state: 'paused' })))
      : finished
  run.paused = false
  await rig.until(() => rig.asked.length >= 4)
  run.paused = true
  expect(run.isDrained).toBe(false)
  const asked = rig.asked.length
  for (let i = 0; i < 5; i++) await turn()
  expect(rig.asked).toHaveLength(asked)
  letGo()
  rig.answer = () => finished
  run.paused = false
  void going.catch(() => undefined)
})

test('when one lane breaks off, the others are stopped and waited for, and its error is what counts', async () => {
  const rig = new Rig()
  let ended = 0
  rig.answer = async (kind) => {
    if (kind === 'enumerate') throw new Error('the first')
    await rig.until(() => rig.stopped).catch(() => undefined)
    for (let i = 0; i < 5; i++) await turn()
    ended += 1
    throw new Error('a later one')
  }
  await expect(new Execution(start, rig).throughPhases()).rejects.toThrow('the first')
  expect(rig.stopped).toBe(true)
  expect(ended).toBe(2)
  expect(rig.phases).not.toContain('finalize')
})

test('the lane that broke off counts also when its group is the last to end', async () => {
  const rig = new Rig()
  let listers = 0
  rig.answer = async (kind) => {
    if (kind === 'enumerate' && ++listers === 1) throw new Error('the first')
    await rig.until(() => rig.stopped).catch(() => undefined)
    // The other lister has much in hand; what transfers is only waiting.
    for (let i = 0; i < (kind === 'enumerate' ? 20 : 0); i++) await turn()
    throw new Error(`${kind} was stopped`)
  }
  await expect(new Execution(start, rig).throughPhases()).rejects.toThrow('the first')
})

test('with a full history lanes end, and the next run goes on from what was carried over', async () => {
  const rig = new Rig()
  rig.answer = (_kind, nth) => {
    rig.full = nth > 1
    return { state: 'more', items: 5, failed: 0, bytes: 50 }
  }
  const run = new Execution(start, rig)
  expect(await run.throughPhases()).toBe('renew')
  const carried = JSON.parse(JSON.stringify(run.carryOver(false))) as ReturnType<Execution['carryOver']>
  expect(carried.carried).toMatchObject({ phase: 'changes', initialized, controlPaused: false })

  const next = new Rig()
  const resumed = new Execution(carried, next)
  expect(resumed.state().tally).toEqual(run.state().tally)
  expect(await resumed.throughPhases()).toBe('done')
  expect(next.phases).toEqual(['changes', 'executing', 'finalize'])
})

test('a run that goes on after enumeration lists nothing again', async () => {
  const next = new Rig()
  const tally = { slices: 9, found: 8, transferred: 7, failed: 0, bytes: 6 }
  const carried = { initialized, phase: 'executing', tally, controlPaused: false } as const
  await new Execution({ ...start, carried }, next).throughPhases()
  expect(next.asked.map(({ kind }) => kind)).toEqual(['transfer', 'transfer', 'finalize'])
})

test('a slice that comes back at once with nothing done is not asked again at once', async () => {
  const rig = new Rig()
  rig.answer = (_kind, nth) => ({ ...finished, state: nth < 3 ? 'more' : 'finished' })
  await new Execution(start, rig).throughPhases()
  expect(rig.slept.length).toBeGreaterThan(0)
})

test('it is overdue from its deadline on', () => {
  const rig = new Rig()
  const run = new Execution({ ...start, deadlineMs: 1_000 }, rig)
  expect(run.isOverdue).toBe(false)
  rig.now = 1_000
  expect(run.isOverdue).toBe(true)
})
