import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { acceptJob } from '../../src/intake/job.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import type { JobClient } from '../../src/client/job_client.ts'
import { jobFacts } from '../../src/client/job_facts.ts'
import { deleteJob, keptCommands } from '../../src/client/keep_order.ts'
import { obeyKept, obeyOrders, type OrderParts } from '../../src/client/obey_orders.ts'
import { refuseWhilePaused } from '../../src/client/refuse_to_start.ts'
import { Refused } from '../../src/client/refused.ts'
import { keyOf } from '../../src/home/key.ts'
import { aJob } from '../api/bench.ts'

let folder: string
let catalog: Catalog
let done: string[]
let said: string[]
/** What ending an execution, or removing a job, comes to. */
let failing: { complete?: Error; remove?: Error }
let parts: OrderParts
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-orders-'))
  catalog = openCatalog(join(folder, 'catalog.db'), keyOf(randomBytes(32)))
  done = []
  said = []
  failing = {}
  const did = (what: string) => async (): Promise<void> => void done.push(what)
  const client = {
    endWorkflows: did('workflows ended'),
    refresh: did('refreshed'),
    pause: did('paused'),
    cancel: () => Promise.reject(new Refused('it is not running')),
  } as unknown as JobClient
  parts = {
    catalog,
    client,
    say: (line) => said.push(line),
    engine: {
      async complete({ jobId, execution }, ended) {
        if (failing.complete) throw failing.complete
        done.push(`completed as ${ended.kind}`)
        await catalog.executions.update(jobId, execution, { status: 'cancelled', endedOn: 2 })
      },
      async removeJob() {
        if (failing.remove) throw failing.remove
        done.push('removed')
      },
    },
  }
})
afterEach(async () => {
  await catalog.close()
  rmSync(folder, { recursive: true, force: true })
})

async function stored(change: Record<string, unknown> = {}): Promise<string> {
  return (await acceptJob(aJob(change), catalog)).job.id
}

async function running(change: Record<string, unknown> = {}): Promise<string> {
  const id = await stored(change)
  await catalog.executions.begin(id, 1, false)
  await catalog.jobs.update(id, { status: 'running', lastExecution: 1 })
  return id
}

const auto = { schedule: { mode: 'auto', repeat_interval: { value: 1, unit: 'h' } } }
const commands = () => keptCommands(catalog, () => new Error('nobody serves it'))

describe('with nobody serving the home', () => {
  test('cancel is kept, and ends the execution before the next start does anything', async () => {
    const id = await running()
    await commands().cancel(id)
    expect((await catalog.jobs.get(id))!.status).toBe('running')
    await obeyKept(parts)
    expect(done).toEqual(['workflows ended', 'completed as cancelled'])
    expect(await catalog.jobs.get(id)).toMatchObject({
      status: 'idle',
      counts: { executions: 1, successes: 0, failures: 0 },
    })
    expect(await catalog.orders.list()).toEqual([])
    expect(await jobFacts(catalog, id)).toMatchObject({ unfinished: false, paused: false })
    expect(said.join()).toMatch(/execution 1 is cancelled, as was asked while nobody served/)
  })

  test('cancel holds also where the destination is out of reach', async () => {
    const id = await running()
    await commands().cancel(id)
    failing.complete = new Error('the share does not answer')
    await obeyKept(parts)
    expect(await catalog.executions.get(id, 1)).toMatchObject({
      status: 'cancelled',
      sentence: expect.stringContaining('cleared away later: the share does not answer'),
      endedOn: expect.any(Number),
    })
  })

  test('pause is kept, and what goes on begins paused; resume takes it back before that', async () => {
    const id = await running()
    await commands().pause(id)
    await commands().resume(id)
    expect(await catalog.orders.list()).toEqual([])
    await expect(commands().resume(id)).rejects.toThrow('nobody serves it')
    await commands().pause(id)
    await obeyKept(parts)
    expect(done).toEqual(['workflows ended'])
    expect(await jobFacts(catalog, id)).toMatchObject({ unfinished: true, paused: true })
    expect(await catalog.control.read(id)).toEqual({ paused: true })
    const idle = await stored(auto)
    await commands().pause(idle)
    await obeyKept(parts)
    expect(await jobFacts(catalog, idle)).toMatchObject({ unfinished: false, paused: true })
  })

  test('what makes no sense is refused at once, and a start has nobody to do it', async () => {
    const id = await stored()
    await expect(commands().cancel(id)).rejects.toThrow(/"Share" isn't running/)
    await expect(commands().pause(id)).rejects.toThrow(/nothing to pause/)
    await expect(commands().start(id)).rejects.toThrow('nobody serves it')
  })

  test('delete is kept, also of a job in the middle of an execution; the job is gone before the next start', async () => {
    const id = await running()
    expect(await deleteJob(id, catalog, () => false)).toBe('kept')
    expect(await catalog.jobs.named('Share')).toEqual([])
    expect((await jobFacts(catalog, id)).disabled).toBe(true)
    // The heavier order stays.
    await commands().pause(id)
    await obeyKept(parts)
    expect(done).toEqual(['workflows ended', 'completed as cancelled', 'removed'])
    expect(await catalog.jobs.get(id)).toBeUndefined()
    expect(await catalog.executions.get(id, 1)).toBeUndefined()
  })

  test('what can’t be deleted runs no more, and says why', async () => {
    const id = await stored(auto)
    await deleteJob(id, catalog, () => false)
    failing.remove = new Error('the share does not answer')
    await obeyKept(parts)
    expect(await catalog.jobs.get(id)).toMatchObject({ status: 'paused' })
    expect(said.join()).toMatch(/not deleted but paused: .*the share does not answer/)
    expect(await catalog.orders.list()).toEqual([])
  })
})

describe('while the home is served', () => {
  let stop: () => Promise<void>
  beforeEach(() => {
    stop = obeyOrders(parts)
  })
  afterEach(() => stop())
  const none = async (): Promise<void> => {
    for (let n = 0; n < 100 && (await catalog.orders.list()).length > 0; n++) await sleep(20)
    expect(await catalog.orders.list()).toEqual([])
  }

  test('a job is deleted after its workflows are ended and its traces removed', async () => {
    const id = await stored()
    expect(await deleteJob(id, catalog, () => true)).toBe('deleted')
    expect(done).toEqual(['workflows ended', 'removed'])
    expect(await catalog.jobs.get(id)).toBeUndefined()
  })

  test('one that runs is not, nor one whose traces can’t be removed: it goes on as before', async () => {
    await expect(deleteJob(await running(), catalog, () => true)).rejects.toThrow(
      /is running \(execution 1\).*cancel it first/,
    )
    const id = await stored({ name: 'Other' })
    failing.remove = new Error('the share does not answer')
    await expect(deleteJob(id, catalog, () => true)).rejects.toThrow(/half-way.*the share does not answer/)
    await none()
    expect(await jobFacts(catalog, id)).toMatchObject({ disabled: false })
    expect(done).toEqual(['workflows ended', 'refreshed'])
  })

  test('orders of somebody who could not see who serves are obeyed; what there is no more to cancel is dropped', async () => {
    const id = await running()
    await catalog.orders.keep(id, 'pause')
    await none()
    await catalog.orders.keep(id, 'cancel')
    await none()
    await catalog.orders.keep(id, 'refresh')
    await none()
    expect(done).toEqual(['paused', 'refreshed'])
  })
})

test('a start of a job that is paused says so, also in the middle of an execution', async () => {
  const id = await running()
  refuseWhilePaused(await jobFacts(catalog, id))
  await catalog.jobs.update(id, { status: 'paused' })
  const facts = await jobFacts(catalog, id)
  expect(() => refuseWhilePaused(facts)).toThrow('"Share" is paused in execution 1; resume it first')
})
