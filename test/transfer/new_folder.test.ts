import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NewContainers, Session } from '../../src/connector/connector.ts'
import { ConnectorError } from '../../src/connector/errors.ts'
import type { Balance, Batch } from '../../src/ledger/ledger.ts'
import { carryOut } from '../../src/transfer/items/carry_out.ts'
import type { ExecutionContext } from '../../src/transfer/engine/execution_context.ts'
import { StopToken, StopFlag, Stop } from '../../src/transfer/io/stop.ts'
import { Mutex } from '../../src/transfer/io/mutex.ts'
import { holder, now, oneBatch, type Rig } from '../ledger/rig.ts'
import { many, paths, textAt, type TreeSpec } from './a_tree.ts'
import { InThisThread } from './in_this_thread.ts'

let job: InThisThread
let rig: Rig
let context: ExecutionContext
let signal: StopFlag
let at: InThisThread['at']

beforeEach(() => {
  job = new InThisThread()
  ;({ ledgerRig: rig, signal, at } = job)
})
afterEach(() => job.remove())

/** Lists everything, and claims all of it as one batch. */
async function batchOf(source: TreeSpec, destination: TreeSpec = {}): Promise<Batch> {
  await job.list(source, destination)
  context = job.context
  return oneBatch(rig.ledger)
}

async function carry(batch: Batch) {
  const stop = new StopToken(signal, new StopFlag(), Infinity)
  const end = await carryOut(context, batch, { stop, mutex: new Mutex(), handedIn: () => undefined })
  await context.pendingWrites.settled()
  return end
}

async function carryTheRest(): Promise<void> {
  for (;;) {
    const claim = await rig.ledger.claimBatch(holder('copy'), { items: 500, bytes: 1n << 40n }, now)
    if (claim.state !== 'claimed') return
    expect(await carry(claim.claim)).toBe(0)
  }
}

/** Puts something in the place of a call on folders staged as a whole. */
function change(replace: (real: NewContainers) => Partial<NewContainers>): void {
  const session = context.destination as Session & { newContainers: NewContainers }
  session.newContainers = { ...session.newContainers, ...replace(session.newContainers) }
}

async function ended(): Promise<Balance['byStatus']> {
  return (await rig.ledger.end(1)).byStatus
}

const three = { 'a/x': 'one', 'a/y': 'two', 'a/z': 'three' }

test('a new folder is staged once, filled, and published once; its files need no publishing', async () => {
  const batch = await batchOf({ ...three, top: 'at the root', 'b/c/deep': 'below', 'empty/': null })
  const calls: string[] = []
  change((real) => ({
    stage: (...args) => (calls.push('stage'), real.stage(...args)),
    put: (staged, name, placing) => (calls.push(name), real.put(staged, name, placing)),
    publish: (...args) => (calls.push('publish'), real.publish(...args)),
  }))
  const { publish } = context.destination
  context.destination.publish = (staged, target) => {
    calls.push(`publish ${target.name}`)
    return publish.call(context.destination, staged, target)
  }
  expect(await carry(batch)).toBe(0)
  expect(calls.sort()).toEqual(['deep', 'publish', 'publish', 'publish top', 'stage', 'stage', 'x', 'y', 'z'])
  expect(paths(at.destination)).toEqual(paths(at.source))
  expect(textAt(at.destination, 'a', 'z')).toBe('three')
  const { success } = await ended()
  expect(success.items).toBe(9)
})

test('a file that can’t be read fails alone, and its folder arrives with the others; without any, empty', async () => {
  const batch = await batchOf({ ...three, 'b/only': 'gone soon' })
  unlinkSync(join(at.source, 'a/y'))
  unlinkSync(join(at.source, 'b/only'))
  expect(await carry(batch)).toBe(2)
  expect(paths(at.destination)).toEqual(['a/', 'a/x', 'a/z', 'b/'])
  expect(await ended()).toMatchObject({ success: { items: 4 }, retry: { items: 2 } })
})

test('when somebody makes the folder meanwhile, the files go into theirs one by one', async () => {
  const batch = await batchOf(three)
  change((real) => ({
    publish: (...args) => {
      mkdirSync(join(at.destination, 'a'))
      writeFileSync(join(at.destination, 'a/theirs'), 'theirs')
      return real.publish(...args)
    },
  }))
  expect(await carry(batch)).toBe(0)
  expect(paths(at.destination)).toEqual(['a/', 'a/theirs', 'a/x', 'a/y', 'a/z'])
  expect((await ended()).success.items).toBe(4)
})

test('when something that is no folder has the name, every item fails and nothing is left', async () => {
  const batch = await batchOf(three)
  writeFileSync(join(at.destination, 'a'), 'theirs')
  expect(await carry(batch)).toBe(4)
  expect(paths(at.destination)).toEqual(['a'])
})

test('when a file breaks off half-way in it, the folder is given up and nothing half arrives', async () => {
  const batch = await batchOf(three)
  change((real) => ({
    put: async (staged, name, placing) => {
      if (name !== 'y') return real.put(staged, name, placing)
      await real.put(staged, name, { ...placing, content: Buffer.from('tw') })
      throw new ConnectorError('ItemFailed', 'broke half-way')
    },
  }))
  expect(await carry(batch)).toBe(0)
  expect(paths(at.destination)).toEqual(paths(at.source))
  expect(textAt(at.destination, 'a', 'y')).toBe('two')
})

test('a folder with half a file in it that can’t be removed is not published; its items wait', async () => {
  const batch = await batchOf(three)
  let broken = true
  change((real) => ({
    put: (staged, name, placing) => {
      if (name === 'y' && broken) throw new ConnectorError('ItemFailed', 'broke half-way')
      return real.put(staged, name, placing)
    },
    discard: (...args) => {
      if (broken) throw new ConnectorError('AccessDenied', 'not now')
      return real.discard(...args)
    },
  }))
  expect(await carry(batch)).toBe(0)
  expect(paths(at.destination).filter((path) => !path.includes('.~'))).toEqual([])
  broken = false
  await carryTheRest()
  expect(paths(at.destination)).toEqual(paths(at.source))
})

test('a folder that can’t be staged goes the way of all folders', async () => {
  const batch = await batchOf(three)
  change(() => ({
    stage: () => {
      throw new ConnectorError('Conflict', 'taken')
    },
  }))
  expect(await carry(batch)).toBe(0)
  expect(paths(at.destination)).toEqual(paths(at.source))
})

test('published after all, though the call failed: nothing is written twice', async () => {
  const batch = await batchOf(three)
  change((real) => ({
    publish: async (...args) => {
      await real.publish(...args)
      throw new ConnectorError('ItemFailed', 'the answer was lost')
    },
  }))
  const puts: (string | undefined)[] = []
  change((real) => ({
    put: async (...args) => {
      const item = await real.put(...args)
      puts.push(item.identity)
      return item
    },
  }))
  expect(await carry(batch)).toBe(0)
  const found = await Promise.all(['x', 'y', 'z'].map((name) => context.destination.stat(`a/${name}`, [])))
  expect(found.map((item) => item?.identity)).toEqual(puts)
})

test.each([Stop.pause, Stop.cancel])(
  'after a stop (%i) what is in the folder arrives, and the rest waits',
  async (stop) => {
    const batch = await batchOf(three)
    change((real) => ({
      put: (staged, name, placing) => {
        if (name === 'y') signal.raise(stop)
        return real.put(staged, name, placing)
      },
    }))
    expect(await carry(batch)).toBe(0)
    expect(paths(at.destination)).toEqual(['a/', 'a/x', 'a/y'])
    signal.raise(Stop.run)
    signal = new StopFlag()
    expect(await carry(await oneBatch(rig.ledger))).toBe(0)
    expect(paths(at.destination)).toEqual(paths(at.source))
    expect((await ended()).success.items).toBe(4)
  },
)

test('a folder that a stop leaves empty does not arrive', async () => {
  const batch = await batchOf(three)
  change((real) => ({
    stage: (...args) => {
      signal.raise(Stop.pause)
      return real.stage(...args)
    },
  }))
  expect(await carry(batch)).toBe(0)
  expect(paths(at.destination)).toEqual([])
  expect((await ended()).pending.items).toBe(4)
})

test('after a halt nothing appears', async () => {
  const batch = await batchOf(three)
  change((real) => ({
    put: (staged, name, placing) => {
      if (name === 'z') signal.raise(Stop.halt)
      return real.put(staged, name, placing)
    },
  }))
  expect(await carry(batch)).toBe(0)
  expect(paths(at.destination)).toEqual([])
  expect((await ended()).pending.items).toBe(4)
})

test('when the connection breaks nothing is left', async () => {
  const batch = await batchOf(three)
  change((real) => ({
    put: (staged, name, placing) => {
      if (name === 'y') throw new ConnectorError('Unreachable', 'gone')
      return real.put(staged, name, placing)
    },
  }))
  await expect(carry(batch)).rejects.toMatchObject({ name: 'SideTrouble' })
  expect(paths(at.destination)).toEqual([])
  expect((await ended()).pending.items).toBe(4)
})

test('a staged folder that can’t be removed is cleared away by the next holder', async () => {
  const batch = await batchOf(three)
  let broken = true
  change((real) => ({
    put: (staged, name, placing) => {
      if (name === 'y' && broken) throw new ConnectorError('Unreachable', 'gone')
      return real.put(staged, name, placing)
    },
    discard: (...args) => {
      if (broken) throw new ConnectorError('Unreachable', 'gone')
      return real.discard(...args)
    },
  }))
  await expect(carry(batch)).rejects.toMatchObject({ name: 'SideTrouble' })
  expect(paths(at.destination)).toHaveLength(2)
  broken = false
  await carryTheRest()
  expect(paths(at.destination)).toEqual(paths(at.source))
  expect((await ended()).success.items).toBe(4)
})

test('a folder with a large file, or with more than files, is not staged as a whole', async () => {
  const batch = await batchOf({ 'a/x': 'small', 'a/large': '600 KB', 'b/x': 'small', 'b/link': { to: 'x' } })
  change(() => ({
    stage: () => {
      throw new Error('staged')
    },
  }))
  expect(await carry(batch)).toBe(0)
  expect(paths(at.destination)).toEqual(paths(at.source))
})

test('hundreds of files in folders of all sizes arrive, batch by batch', async () => {
  const batch = await batchOf({
    ...many(300, (n) => `a/f${n}`),
    ...many(300, (n) => `b/f${n}`),
    ...many(700, (n) => `c/f${n}`),
    ...many(40, (n) => `d/${n}/f`),
  })
  expect(await carry(batch)).toBe(0)
  await carryTheRest()
  expect(paths(at.destination)).toEqual(paths(at.source))
  expect((await ended()).success.items).toBe(1384)
})
