import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import type { Reading, Session } from '../../src/connector/connector.ts'
import { fs } from '../../src/connector/fs/fs.ts'
import type { WorkItem } from '../../src/ledger/ledger.ts'
import type { ExecutionContext } from '../../src/transfer/engine/execution_context.ts'
import { ItemTransfer } from '../../src/transfer/items/item_transfer.ts'
import { transferContent, type ContentTransfer } from '../../src/transfer/items/transfer_content.ts'
import { Pace, sharedPace } from '../../src/transfer/io/pace.ts'
import { chunkBytes, hashContent, isSmall, readSmall } from '../../src/transfer/items/read_content.ts'
import type { StopToken } from '../../src/transfer/io/stop.ts'
import { contentOf } from './a_tree.ts'
import { memoryDisk } from './rig.ts'

const folder = mkdtempSync(join(memoryDisk, 'stevedore-content-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const pace = new Pace({}, sharedPace())
const stop = { reason: 0, slot: { count: () => undefined } } as unknown as StopToken

/** A source whose contents end earlier or later than listed, without a word. */
async function dishonest(sizeBytes: number, endsAt: number) {
  const name = `${sizeBytes}-${endsAt}`
  const [from, to] = [join(folder, name, 'from'), join(folder, name, 'to')]
  for (const path of [from, to]) mkdirSync(path, { recursive: true })
  writeFileSync(join(from, 'file'), contentOf('x', `${Math.max(endsAt, sizeBytes)} B`))
  const [source, destination] = [await fs.open({ root: from }), await fs.open({ root: to })]
  const listed = await source.stat('file', [])
  const open = async (): Promise<Reading> => {
    const reading = await source.open('file')
    return {
      sizeBytes: BigInt(sizeBytes),
      read: (into, at) => reading.read(into.subarray(0, Math.max(0, endsAt - Number(at))), at),
      close: () => reading.close(),
    }
  }
  const context = {
    source: { open, stat: () => listed } as unknown as Session,
    destination,
    spec: { settings: { durability: 'process' } },
    pace,
    isSmall,
    settledFacts: (facts: unknown) => facts,
  } as unknown as ExecutionContext
  return { context, to, facts: { ...listed, sizeBytes: BigInt(sizeBytes) } }
}

function ofWork(work: object): ContentTransfer {
  const to = { container: '', key: 'k', attributes: {}, token: 1 }
  return { item: new ItemTransfer(work as WorkItem), source: 'file', ...to, stop }
}

test.each([
  [1000, 400, 'ShortRead'],
  [1000, 0, 'ShortRead'],
  [2_000_000, 600_000, 'ShortRead'],
  [2_000_000, 0, 'ShortRead'],
  [1000, 1001, 'GrewWhileRead'],
  [0, 1, 'GrewWhileRead'],
  [2_000_000, 2_000_001, 'GrewWhileRead'],
])(
  'a content of %i bytes that ends at %i is no success, even when its platform keeps silent about it',
  async (sizeBytes, endsAt, code) => {
    const { context, to, facts } = await dishonest(sizeBytes, endsAt)
    const transfer = transferContent(context, ofWork({ item: 1, source: facts }))
    await expect(transfer).rejects.toMatchObject({ code })
    expect(readdirSync(to)).toEqual([])
    await expect(hashContent(context.source, 'file', facts, { stop, pace })).rejects.toMatchObject({ code })
    if (sizeBytes < 500_000)
      await expect(readSmall(context.source, 'file', facts, Buffer.alloc(chunkBytes))).rejects.toMatchObject({ code })
  },
)

test('what was on record of a content half-way is not on record any more once it is thrown away', async () => {
  const { context, to, facts } = await dishonest(3_000_000, 700_000)
  const recorded: bigint[] = []
  const ledger = {
    partial: async (_token: number, _item: number, { bytes }: { bytes: bigint }) => recorded.push(bytes),
  }
  const partial = { key: 'k', bytes: 600_000n, source: facts }
  const work = ofWork({ item: 1, source: facts, partial })
  const transfer = transferContent({ ...context, ledger } as unknown as ExecutionContext, work)
  await expect(transfer).rejects.toMatchObject({ code: 'ShortRead' })
  expect(readdirSync(to)).toEqual([])
  expect(recorded).toEqual([0n])
})
