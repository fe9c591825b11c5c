import * as disk from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import type { Item } from '../../../src/connector/item.ts'
import type { Session } from '../../../src/connector/connector.ts'
import { refusal } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

const windows = { names: 'windows' }
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
let keys = 0

async function empty(session: Session, name: string, condition: 'absent' | Item = 'absent'): Promise<Item> {
  const key = `t${++keys}`
  const staging = await session.stage({ container: '', key, sizeBytes: 0n, attributes: {}, durability: 'process' })
  const staged = await staging.finish(emptyHash)
  try {
    return await session.publish(staged, { container: '', name, condition })
  } finally {
    await session.discard('', key)
  }
}

test.each([
  ['report.txt', 'REPORT.TXT'],
  ['größe', 'GRÖßE'],
  ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
])('%s is taken when somebody else makes %s', async (name, other) => {
  const root = aFolder()
  const session = await aSession(root, windows)
  await empty(session, 'first')
  // Some kernels step times by the timer's tick.
  await sleep(20)
  disk.writeFileSync(join(root, other), 'theirs')
  expect(await refusal(() => empty(session, name))).toBe('Conflict')
  expect(disk.readdirSync(root).sort()).toEqual(['first', other].sort())
  disk.unlinkSync(join(root, other))
  await empty(session, name)
})

test('an item is replaced under its own spelling, whatever else is there', async () => {
  const root = aFolder()
  for (const name of ['a', 'A']) disk.writeFileSync(join(root, name), 'old')
  const session = await aSession(root, windows)
  await empty(session, 'a', (await session.stat('a', [])) as Item)
  expect(disk.readFileSync(join(root, 'a'), 'utf8')).toBe('')
  expect(disk.readFileSync(join(root, 'A'), 'utf8')).toBe('old')
})

test('a name takes another case in one step, twice with the same end, and never at the cost of another item', async () => {
  const root = aFolder()
  for (const name of ['a', 'b', 'B']) disk.writeFileSync(join(root, name), name)
  disk.mkdirSync(join(root, 'Docs'))
  disk.writeFileSync(join(root, 'Docs/x'), '')
  const session = await aSession(root, windows)
  const [a, b, docs] = ['a', 'b', 'Docs'].map((name) => session.stat(name, []) as Item)
  expect(((await session.move('a', '', 'A', a!)) as Item).name).toBe('A')
  expect(((await session.move('a', '', 'A', a!)) as Item).identity).toBe(a!.identity)
  expect(await refusal(() => session.move('b', '', 'B', b!))).toBe('Conflict')
  await session.move('Docs', '', 'docs', docs!)
  expect(disk.readdirSync(root).sort()).toEqual(['A', 'B', 'b', 'docs'])
  expect(disk.readFileSync(join(root, 'B'), 'utf8')).toBe('B')
  expect(await session.stat('docs/x', [])).not.toBeNull()
})

test('two writers in one wide folder do not read it again for each file', async () => {
  const root = aFolder()
  for (let i = 0; i < 20_000; i++) disk.closeSync(disk.openSync(join(root, `somebody's file ${i}`), 'w'))
  const sessions = [await aSession(root, windows), await aSession(root, windows)] as const
  for (const session of sessions) await empty(session, `warm ${++keys}`)
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }
  const reading = await timed(async () => empty(await aSession(root, windows), 'read once'))
  const writing = await timed(async () => {
    for (let i = 0; i < 200; i++) await empty(sessions[i % 2 === 0 ? 0 : 1], `new ${i}`)
  })
  expect(writing).toBeLessThan(reading * 50)
})
