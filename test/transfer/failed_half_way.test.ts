import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { ConnectorError } from '../../src/connector/errors.ts'
import type { Session } from '../../src/connector/connector.ts'
import type { Balance, Batch } from '../../src/ledger/ledger.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { carryOut } from '../../src/transfer/items/carry_out.ts'
import { StopFlag, Stop } from '../../src/transfer/io/stop.ts'
import { Mutex } from '../../src/transfer/io/mutex.ts'
import { stagingKey } from '../../src/transfer/engine/execution_spec.ts'
import { clearLeftovers } from '../../src/transfer/recovery/leftovers.ts'
import type { ActiveExecution } from '../../src/transfer/engine/active_executions.ts'
import { holder, now, oneBatch } from '../ledger/rig.ts'
import { InThisThread } from './in_this_thread.ts'

let job: InThisThread
beforeEach(() => {
  job = new InThisThread()
})
afterEach(() => job.remove())

/** As one holder would; what it throws goes to its slot. */
async function carry(batch: Batch): Promise<void> {
  const hand = { stop: job.stop(), mutex: new Mutex(), handedIn: () => undefined }
  await carryOut(job.context, batch, hand).catch(() => undefined)
}

/** Until nothing is left that may be tried, with all waits over. */
async function carryOn(as: (batch: Batch) => Batch = (batch) => batch): Promise<void> {
  for (;;) {
    job.ledgerRig.nowMs += 600_000
    const claim = await job.ledgerRig.ledger.claimBatch(holder('next'), { items: 500, bytes: 1n << 40n }, now)
    if (claim.state !== 'claimed') return
    await carry(as(claim.claim))
  }
}

function there(): Record<string, string> {
  const names = readdirSync(job.at.destination).sort()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(job.at.destination, name), 'utf8')]))
}

type Call = 'discard' | 'reconcile' | 'publish' | 'setAttributes'

/** The first such call of the destination fails, before or after it has had its effect. */
function failOnce(call: Call, error: Error, when: 'before' | 'after' = 'before'): void {
  const { destination } = job.context
  const real = destination[call].bind(destination) as (...args: unknown[]) => unknown
  let calls = 0
  const failing = (...args: unknown[]): unknown => {
    calls += 1
    if (calls === 1 && when === 'before') throw error
    const result = real(...args)
    if (calls === 1) throw error
    return result
  }
  Object.assign(destination satisfies Session, { [call]: failing })
}

const locked = new ConnectorError('Locked', 'in use')

describe('what a dead holder left is remembered by an item that fails before it is looked at', () => {
  test('a staging that is on no record', async () => {
    await job.list({ x: 'one', y: 'two' })
    const { items, token } = await oneBatch(job.ledgerRig.ledger)
    for (const { item } of items)
      writeFileSync(join(job.at.destination, `.~${stagingKey(job.context.spec.jobId, item, token)}`), 'half')
    failOnce('discard', locked)
    await carryOn()
    expect(there()).toEqual({ x: 'one', y: 'two' })
  })

  test('a staging that is on record', async () => {
    await job.list({ x: 'one', y: 'two' })
    const { ledger } = job.ledgerRig
    const { items, token } = await oneBatch(ledger)
    const staged = items.map(({ item }) => {
      const key = stagingKey(job.context.spec.jobId, item, token)
      writeFileSync(join(job.at.destination, `.~${key}`), 'half')
      return { item, staged: { container: '', key, hash: 'h', sizeBytes: 4n } }
    })
    await ledger.staged(token, staged)
    failOnce('reconcile', locked)
    await carryOn()
    expect(there()).toEqual({ x: 'one', y: 'two' })
  })

  test('what was published and not recorded', async () => {
    await job.list({ x: 'one' })
    const { ledger } = job.ledgerRig
    const batch = await oneBatch(ledger)
    const { finished } = ledger
    ledger.finished = () => Promise.reject(Object.assign(new Error('dead'), { name: 'LedgerGone' }))
    await carry(batch)
    ledger.finished = finished
    failOnce('reconcile', locked)
    await carryOn()
    const { byStatus } = await ledger.end(1)
    expect([byStatus.success.items, byStatus.retry.items]).toEqual([1, 0])
    expect(there()).toEqual({ x: 'one' })
  })

  test('and cleared away in the end if it never gets so far', async () => {
    await job.list({ x: 'one' })
    const { ledger } = job.ledgerRig
    const { items, token } = await oneBatch(ledger)
    job.context.destination.discard = () => {
      throw locked
    }
    await carryOn()
    const { batches } = await ledger.leftovers(1)
    expect(batches.flatMap((batch) => batch.formerTokens)).toContain(token)
    expect(batches.flatMap((batch) => batch.items.map(({ item }) => item))).toEqual([items[0]!.item])
  })
})

test.each([
  ['goes on at what is on record after an outage of the source', new ConnectorError('Unreachable', 'gone'), 64n << 20n],
  ['begins anew after an error of its own', locked, undefined],
])('a long content %s', async (_what, error, resumeAt) => {
  await job.list({ large: `${(64 << 20) + 3_000_000} B` })
  const { source, destination } = job.context
  const open = source.open.bind(source)
  let broken = false
  source.open = async (...args) => {
    const reading = await open(...args)
    const read = reading.read.bind(reading)
    reading.read = (into, at) => {
      if (broken || at < (64n << 20n) + 1_000_000n) return read(into, at)
      broken = true
      throw error
    }
    return reading
  }
  const stage = jest.spyOn(destination, 'stage')
  await carryOn()
  await carryOn()
  expect(stage.mock.calls.map(([spec]) => spec.resumeAt)).toEqual([undefined, resumeAt])
  expect(readFileSync(join(job.at.destination, 'large')).equals(readFileSync(join(job.at.source, 'large')))).toBe(true)
  expect(Object.keys(there())).toEqual(['large'])
})

describe('what failed after it had been published is known as ours when the execution ends', () => {
  /** Published, and nobody has come to record it; what asks for it fails. */
  async function fail(): Promise<void> {
    await job.list({ x: 'one' })
    failOnce('publish', locked, 'after')
    const { destination } = job.context
    const { reconcile } = destination
    destination.reconcile = () => {
      throw locked
    }
    await carryOn()
    destination.reconcile = reconcile
  }

  async function end(): Promise<Balance> {
    const { spec } = job.context
    const { ledger } = job.ledgerRig
    await clearLeftovers({ spec, ledger } as ActiveExecution, { jobId: spec.jobId, execution: 1 })
    return ledger.end(1)
  }

  const row = () => {
    const reader = new LedgerReader(job.ledgerRig.file)
    const { state, reason, strikes, hash } = reader.explain(['x'])!
    reader.close()
    return { state, reason, strikes, hash: hash?.slice(0, 4) }
  }
  const arrived = { state: 'success', reason: 'new', strikes: 0, hash: '7692' }

  test('also when it was to be tried by the next one', async () => {
    await fail()
    expect(row()).toMatchObject({ state: 'retry', reason: 'Locked' })
    const { byReason } = await end()
    expect(byReason).toEqual([{ status: 'success', reason: 'new', items: 1, bytes: 3n }])
    expect(row()).toEqual(arrived)
    expect(there()).toEqual({ x: 'one' })
  })

  test('also when it is flagged, and when whoever clears up dies and begins anew', async () => {
    await fail()
    const db = new DatabaseSync(job.ledgerRig.file)
    db.exec("UPDATE item SET state = 4 WHERE name = 'x'; UPDATE counter SET state = 4 WHERE state = 3")
    db.close()
    await job.ledgerRig.restart()
    await job.ledgerRig.ledger.leftovers(1)
    await job.ledgerRig.restart()
    const { byReason } = await end()
    expect(byReason).toEqual([{ status: 'success', reason: 'new', items: 1, bytes: 3n }])
    expect(row()).toEqual(arrived)
  })
})

describe('a holder who comes late leaves alone what its successor goes on with', () => {
  test('a long content half-way', async () => {
    await job.list({ large: `${(64 << 20) + 3_000_000} B` })
    const { source, destination } = job.context
    const open = source.open.bind(source)
    let successor: Batch | undefined
    source.open = async (...args) => {
      const reading = await open(...args)
      const read = reading.read.bind(reading)
      reading.read = async (into, at) => {
        if (successor || at < (64n << 20n) + 1_000_000n) return read(into, at)
        job.ledgerRig.nowMs += 600_000
        successor = await oneBatch(job.ledgerRig.ledger, 'successor')
        throw locked
      }
      return reading
    }
    const stage = jest.spyOn(destination, 'stage')
    await carry(await oneBatch(job.ledgerRig.ledger))
    expect(Object.keys(there())).toEqual([`.~${successor!.items[0]!.partial!.key}`])
    await carry(successor!)
    expect(stage.mock.calls.map(([spec]) => spec.resumeAt)).toEqual([undefined, 64n << 20n])
    expect((await job.ledgerRig.ledger.end(1)).byStatus.success.items).toBe(1)
    expect(Object.keys(there())).toEqual(['large'])
  })

  test.each(['is told to halt', 'fails to publish'])('what is staged and on record, when it %s', async (what) => {
    await job.list({ x: 'one', y: 'two' })
    const { ledger } = job.ledgerRig
    const { staged } = ledger
    let successor: Batch | undefined
    ledger.staged = async (...args) => {
      await staged.call(ledger, ...args)
      if (successor) return
      job.ledgerRig.nowMs += 600_000
      successor = await oneBatch(ledger, 'successor')
      if (what === 'is told to halt') job.signal.raise(Stop.halt)
    }
    if (what === 'fails to publish') failOnce('publish', locked)
    await carry(await oneBatch(ledger))
    expect(successor!.staged.map(({ item }) => item)).toHaveLength(2)
    expect(Object.keys(there())).toHaveLength(2)
    Object.assign(job, { signal: new StopFlag() })
    const stage = jest.spyOn(job.context.destination, 'stage')
    await carry(successor!)
    expect(stage).not.toHaveBeenCalled()
    expect(there()).toEqual({ x: 'one', y: 'two' })
  })
})

describe('a source that changed before the try that staged it', () => {
  const baseline = (): string | undefined => {
    const reader = new LedgerReader(job.ledgerRig.file)
    const { sizeBytes, modifiedNs } = reader.explain(['x'])!.source
    reader.close()
    return `${sizeBytes} ${modifiedNs}`
  }
  const now = (): string => {
    const { size, mtimeNs } = statSync(join(job.at.source, 'x'), { bigint: true })
    return `${size} ${mtimeNs}`
  }

  /** Its holder is gone before it can tell, or before it can publish. */
  async function tryAndDie(call: 'finished' | 'publish'): Promise<void> {
    await job.list({ x: 'one' })
    writeFileSync(join(job.at.source, 'x'), 'another')
    const { ledger } = job.ledgerRig
    await carry(await oneBatch(ledger))
    job.ledgerRig.nowMs += 600_000
    const of = call === 'finished' ? ledger : job.context.destination
    const real = of[call as never] as unknown
    const gone = Object.assign(new Error('dead'), { name: 'LedgerGone' })
    const { finished } = ledger
    ledger.finished = () => Promise.reject(gone)
    if (call === 'publish') job.context.destination.publish = () => Promise.reject(gone)
    job.context.destination.discard = () => undefined
    await carry(await oneBatch(ledger))
    Object.assign(ledger, { finished })
    Object.assign(of, { [call]: real })
  }

  test.each(['finished', 'publish'] as const)(
    'is its baseline when the next holder goes on: died at %s',
    async (call) => {
      await tryAndDie(call)
      await carryOn()
      expect(there()['x']).toBe('another')
      expect(baseline()).toBe(now())
    },
  )
})

describe('an error after the effect', () => {
  test('of publishing: the next try finds its own file, and not somebody’s', async () => {
    await job.list({ x: 'one' })
    failOnce('publish', locked, 'after')
    await carryOn()
    const { byStatus } = await job.ledgerRig.ledger.end(1)
    expect([byStatus.success.items, byStatus.retry.items]).toEqual([1, 0])
    expect(there()).toEqual({ x: 'one' })
  })

  test.each([
    ['its platform is out of reach', new ConnectorError('Unreachable', 'gone')],
    ['it fails', locked],
  ])('of setting attributes: they are set again, where %s', async (_what, error) => {
    await job.list({ x: 'one' })
    const at = join(job.at.destination, 'x')
    writeFileSync(at, 'one')
    utimesSync(at, 1.6e9, 1.6e9)
    const counterpart = (await job.context.destination.stat('x', []))!
    const asAttributes = (batch: Batch): Batch => ({
      ...batch,
      items: batch.items.map((work) => ({ ...work, action: 'attributes', counterpart })),
    })
    failOnce('setAttributes', error, 'after')
    await carryOn(asAttributes)
    // A slot that met trouble is told to stop; the next one begins anew.
    await carryOn(asAttributes)
    const { byStatus, byReason } = await job.ledgerRig.ledger.end(1)
    expect([byStatus.success.items, byReason.map(({ reason }) => reason)]).toEqual([1, ['new']])
  })
})
