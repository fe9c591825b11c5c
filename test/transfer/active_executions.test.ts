import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from '@jest/globals'
import { IoPool } from '../../src/transfer/io/io_pool.ts'
import { limits } from '../../src/transfer/engine/execution_spec.ts'
import type { TaskEnd } from '../../src/transfer/io/thread_messages.ts'
import { ActiveExecutions } from '../../src/transfer/engine/active_executions.ts'
import { StopFlag, Stop, type StopReason } from '../../src/transfer/io/stop.ts'
import { emptyBalance } from '../../src/report/summary.ts'
import { aTree } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

test('a ledger thread that dies is replaced for the next slice, and nothing it committed is lost', async () => {
  const { id: jobId } = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  const pool = new IoPool()
  const jobs = new ActiveExecutions({ home: rig.home, catalog: rig.catalog, pool, limits })
  try {
    const ref = { jobId, execution: 1 }
    const first = await jobs.open(ref)
    await first.ledger.remember('key', 'committed')
    expect(await jobs.open(ref)).toBe(first)
    // No request at all: the thread dies of it.
    first.ledgerAccess().port.postMessage(null)
    await expect(first.ledger.recall('key')).rejects.toMatchObject({ name: 'LedgerGone' })
    await first.ledgerEnded
    // Somebody who was just about to begin is told, and not left waiting.
    const task = { phase: 'transfer', holder: 'a/0', untilMs: Date.now() + 20_000, width: 1 } as const
    const end = await pool.run(first, task, new StopFlag(), () => undefined)
    expect(end).toMatchObject({ state: 'broken', name: 'LedgerGone' })
    const second = await jobs.open(ref)
    expect(second).not.toBe(first)
    expect(await second.ledger.recall('key')).toBe('committed')
  } finally {
    await jobs.close()
    await pool.close()
  }
})

test('leases are kept alive while the catalog can’t be read', async () => {
  const { id: jobId } = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  const pool = new IoPool()
  let isDown = false
  let end = (): void => undefined
  const control = {
    ...rig.catalog.control,
    read: (id: string) => (isDown ? Promise.reject(new Error('disk I/O error')) : rig.catalog.control.read(id)),
  }
  const jobs = new ActiveExecutions({ home: rig.home, catalog: { ...rig.catalog, control }, pool, limits })
  try {
    const job = await jobs.open({ jobId, execution: 1 })
    const root = { source: { id: '', sizeBytes: 0n }, destination: { id: '', sizeBytes: 0n } }
    const how = {
      begunMs: 0,
      auditLevel: 'none',
      simulated: false,
      triesPerExecution: 3,
      maxRetry: 3,
      lazyContainers: false,
    } as const
    await job.ledger.begin({ execution: 1, ...how, root })
    const holder = (name: string) => ({ name, execution: 1, leaseMs: 300 })
    const working = new Promise<TaskEnd>((resolve) => {
      end = () => resolve({ state: 'more', failed: 0 })
    })
    void job.during([{ holder: 'a/0', run: () => working, stop: end }])
    expect((await job.ledger.claimContainers(holder('a/0'), 1)).state).toBe('claimed')
    isDown = true
    jobs.supervise(0)
    await sleep(600)
    expect((await job.ledger.claimContainers(holder('b/0'), 1, { waitMs: 0 })).state).toBe('wait')
  } finally {
    end()
    await jobs.close()
    await pool.close()
  }
})

test('the control row cancels the execution that it names, and none that comes after it', async () => {
  const job = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  const pool = new IoPool()
  const jobs = new ActiveExecutions({ home: rig.home, catalog: rig.catalog, pool, limits })
  const looked = async (cancelled?: number): Promise<StopReason> => {
    await rig.catalog.control.write(job.id, { paused: false, ...(cancelled === undefined ? {} : { cancelled }) })
    jobs.supervise(60_000)
    await sleep(50)
    return stopFlag.stop
  }
  const { stopFlag } = await jobs.open({ jobId: job.id, execution: 2 })
  try {
    expect(await looked(1)).toBe(Stop.run)
    expect(await looked(2)).toBe(Stop.cancel)
    expect(await looked()).toBe(Stop.run)
  } finally {
    await jobs.close()
    await pool.close()
  }
})

test('a home without room stops all slots until there is room, whatever the control row says meanwhile', async () => {
  const job = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  const pool = new IoPool()
  let low = false
  const room = () => ({ freeBytes: 0n, low, sentence: 'the home has 3 MiB left' })
  const jobs = new ActiveExecutions({ home: rig.home, catalog: rig.catalog, pool, limits, room })
  const looked = async (): Promise<StopReason> => {
    jobs.supervise(0)
    await sleep(50)
    return stopFlag.stop
  }
  const { stopFlag, breaker } = await jobs.open({ jobId: job.id, execution: 1 })
  try {
    expect(await looked()).toBe(Stop.run)
    low = true
    for (let looks = 0; looks < 3; looks++) expect(await looked()).toBe(Stop.trouble)
    await job.control({ paused: true })
    expect(await looked()).toBe(Stop.trouble)
    expect(() => breaker.refuse()).toThrow('the home has 3 MiB left')
    low = false
    expect(await looked()).toBe(Stop.pause)
    await job.control({ paused: false })
    expect(await looked()).toBe(Stop.run)
  } finally {
    await jobs.close()
    await pool.close()
  }
})

test.each([
  [
    'an execution wrote it',
    { status: 'completed', endedOn: 1, balance: { ...emptyBalance(), found: { items: 1, containers: 0, bytes: 1n } } },
  ],
  ['its first execution is in the middle of writing it', { phase: 'executing' }],
] as const)('a job whose ledger is gone, though %s, is not silently begun anew', async (_what, stands) => {
  const { id: jobId } = await rig.job({}, { source: aTree({ 'a.txt': 'x' }) })
  const pool = new IoPool()
  const jobs = new ActiveExecutions({ home: rig.home, catalog: rig.catalog, pool, limits })
  try {
    await rig.catalog.executions.begin(jobId, 1, false)
    await rig.catalog.executions.update(jobId, 1, stands)
    await expect(jobs.open({ jobId, execution: 'phase' in stands ? 1 : 2 })).rejects.toMatchObject({
      name: 'FailedToStart',
      message: expect.stringMatching(/is gone or empty, though execution 1 wrote it: restore it .* doctor --repair/),
    })
  } finally {
    await jobs.close()
    await pool.close()
  }
})
