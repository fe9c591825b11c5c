import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { ConnectorError } from '../../src/connector/errors.ts'
import { carryOutFrom, claimBatch } from '../../src/transfer/items/batch_pipeline.ts'
import { Stop } from '../../src/transfer/io/stop.ts'
import { claimed, holder } from '../ledger/rig.ts'
import { many, paths, type TreeSpec } from './a_tree.ts'
import { InThisThread } from './in_this_thread.ts'

let job: InThisThread
/** What was asked of the ledger and done at the destination, in order. */
let log: string[]
beforeEach(() => {
  job = new InThisThread()
  log = []
})
afterEach(() => job.remove())

/** Batches are named by the order in which they were claimed: a, b, c … */
async function carryAllOut(source: TreeSpec): Promise<number> {
  await job.list(source)
  const { context } = job
  const { ledger, destination } = context
  const names = new Map<number, string>()
  const { claimBatch: claim, staged, finished } = ledger
  ledger.claimBatch = async (...args) => {
    const answer = await claim.apply(ledger, args)
    if (answer.state !== 'claimed') return answer
    const name = String.fromCharCode(97 + names.size)
    names.set(answer.claim.token, name)
    log.push(`${name} claimed`)
    return answer
  }
  ledger.staged = async (...args) => {
    log.push(`${names.get(args[0])} staged`)
    await staged.apply(ledger, args)
    log.push(`${names.get(args[0])} on record`)
  }
  ledger.finished = async (...args) => {
    log.push(`${names.get(args[0].token)} handed in`)
    await finished.apply(ledger, args)
    log.push(`${names.get(args[0].token)} done`)
  }
  const { stage } = destination
  destination.stage = async (spec) => {
    log.push(`stage ${names.get(parseInt(spec.key.split('-').at(-1)!, 36))}`)
    if (log.at(-2) !== log.at(-1)) await new Promise((resolve) => setImmediate(resolve))
    return stage.call(destination, spec)
  }
  const first = claimed(await claimBatch(context, holder('copy/0')))
  return carryOutFrom(context, first, { holder: holder('copy/0'), stop: job.stop() })
}

const at = (event: string): number => {
  expect(log).toContain(event)
  return log.indexOf(event)
}

test('while what was staged is committed the next batch is worked on, one at a time, and everything arrives', async () => {
  const tree = many(1_700, (i) => `f${i}`)
  expect(await carryAllOut(tree)).toBe(0)
  expect(paths(job.at.destination)).toEqual(paths(job.at.source))
  for (const [now, next] of ['ab', 'bc', 'cd']) {
    expect(at(`${next} claimed`)).toBeLessThan(at(`${now} on record`))
    expect(at(`${next} staged`)).toBeLessThan(at(`${now} done`))
  }
  const stagings = log.filter((event) => /^stage|staged$/.test(event))
  const order = stagings.filter((event, i) => event !== stagings[i - 1])
  expect(order).toEqual(['a', 'b', 'c', 'd'].flatMap((name) => [`stage ${name}`, `${name} staged`]))
})

test('no other batch is claimed before or beside one that takes long', async () => {
  const tree = many(600, (i) => `f${i}`)
  const long = { ...tree, f0: '65 MB' }
  expect(await carryAllOut(long)).toBe(0)
  expect(at('b claimed')).toBeGreaterThan(at('a done'))
  expect(paths(job.at.destination)).toEqual(paths(job.at.source))
})

test('after a stop what was claimed ahead goes back, and nothing is claimed', async () => {
  const { signal } = job
  let staged = 0
  await job.list(many(1_200, (i) => `f${i}`))
  const { destination, ledger } = job.context
  const { stage } = destination
  destination.stage = (spec) => {
    if (++staged === 700) signal.raise(Stop.pause)
    return stage.call(destination, spec)
  }
  const first = claimed(await claimBatch(job.context, holder('copy/0')))
  await carryOutFrom(job.context, first, { holder: holder('copy/0'), stop: job.stop() })
  expect(paths(job.at.destination)).toHaveLength(700)
  const { byStatus } = await ledger.end(1)
  expect(byStatus).toMatchObject({ success: { items: 700 }, pending: { items: 500 } })
})

test('trouble with a connection ends them all, and what was done is on record', async () => {
  await job.list(many(1_200, (i) => `f${i}`))
  const { destination, ledger } = job.context
  const { publish } = destination
  let published = 0
  destination.publish = (staged, target) => {
    if (++published > 600) throw new ConnectorError('Unreachable', 'gone')
    return publish.call(destination, staged, target)
  }
  const first = claimed(await claimBatch(job.context, holder('copy/0')))
  const carried = carryOutFrom(job.context, first, { holder: holder('copy/0'), stop: job.stop() })
  await expect(carried).rejects.toMatchObject({ name: 'SideTrouble', side: 'destination' })
  expect(paths(job.at.destination)).toHaveLength(600)
  const { byStatus } = await ledger.end(1)
  expect(byStatus).toMatchObject({ success: { items: 600 }, pending: { items: 600 } })
})

test('what was claimed ahead of trouble does not run into it too', async () => {
  await job.list(many(1_200, (i) => `f${i}`))
  const { destination, ledger } = job.context
  let calls = 0
  destination.stage = () => {
    calls += 1
    throw new ConnectorError('Unreachable', 'gone')
  }
  const first = claimed(await claimBatch(job.context, holder('copy/0')))
  await expect(carryOutFrom(job.context, first, { holder: holder('copy/0'), stop: job.stop() })).rejects.toMatchObject({
    name: 'SideTrouble',
  })
  expect(calls).toBe(1)
  expect((await ledger.end(1)).byStatus).toMatchObject({ pending: { items: 1_200 } })
})

test('when results cannot be recorded the batch that was worked on meanwhile is the last', async () => {
  await job.list(many(1_700, (i) => `f${i}`))
  const { destination, ledger } = job.context
  const { stage } = destination
  let staged = 0
  destination.stage = (spec) => {
    staged += 1
    return stage.call(destination, spec)
  }
  ledger.finished = () => Promise.reject(new Error('no room'))
  const first = claimed(await claimBatch(job.context, holder('copy/0')))
  await expect(carryOutFrom(job.context, first, { holder: holder('copy/0'), stop: job.stop() })).rejects.toThrow(
    'no room',
  )
  expect(staged).toBeLessThan(1_100)
})
