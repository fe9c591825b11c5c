import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { answer, itemAt } from '../../src/cli/commands/explain.ts'
import { explanation } from '../../src/cli/explanation.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import {
  failure,
  folder,
  fresh,
  listing,
  listRoot,
  oneBatch,
  oneContainer,
  results,
  Rig,
  start,
} from '../ledger/rig.ts'

let rig: Rig
let reader: LedgerReader
beforeEach(async () => {
  rig = new Rig()
  await rig.ledger.begin(start({ auditLevel: 'trace', triesPerExecution: 2 }))
  await listRoot(rig.ledger, [
    folder('Sales'),
    {
      name: 'o.txt',
      kind: 'link',
      action: 'fail',
      reason: 'kind_differs',
      rest: { why: 'a symbolic link at the source, a file at the destination' },
    },
    { name: 'huge.mp4', size: 9_000, action: 'skip', reason: 'too_large', rest: { why: '9000 bytes' } },
  ])
  await rig.ledger.enumerated(
    listing(await oneContainer(rig.ledger), {
      fresh: fresh([
        { name: 'what?.txt', size: 10, destinationName: 'what_.txt', rest: { processing: ['renamed'] } },
        { name: 'open\x1b[2J.xls', size: 20 },
        {
          name: 'both.txt',
          size: 30,
          action: 'overwrite',
          reason: 'conflict_copy',
          rest: { keepAs: 'both (conflict 2023-11-14T221320Z)\x1b[2J.txt' },
        },
      ]),
    }),
  )
  const batch = await oneBatch(rig.ledger)
  const open = batch.items.find(({ name }) => name.startsWith('open'))!.item
  await rig.ledger.finished(
    results(batch, {
      failed: [failure(open)],
      audit: [{ item: open, level: 'error', type: 'failed', message: 'somebody has it open' }],
    }),
  )
  reader = new LedgerReader(rig.file)
})
afterEach(async () => {
  reader.close()
  await rig.remove()
})

const said = (...names: string[]): string => explanation(reader.explain(names)!).join('\n')

describe('explain', () => {
  test('what arrived: both sides, the decision, why, how it was altered, its hash', () => {
    const text = said('Sales', 'what?.txt')
    expect(text).toMatch(/^\/Sales\/what\?\.txt\n/)
    expect(text).toMatch(/source +10 B \(10 bytes\), modified 2020-09-13T12:26:40/)
    expect(text).toMatch(/destination +\/Sales\/what_\.txt, 10 B .*, as it was written\n/)
    expect(text).toMatch(/decided +create it at the destination \(execution 1, looked at 2023-11-14T22:13:20\.000Z\)/)
    expect(text).toMatch(/why +It was not at the destination\. \[new\]/)
    expect(text).toMatch(/altered +under another name \[renamed\]/)
    expect(text).toContain('ab'.repeat(32))
  })

  test('what waits: its failed tries, when it is tried again, and what happened', () => {
    const text = said('Sales', 'open\x1b[2J.xls')
    expect(text).toMatch(/attempts +1 failed try in its last run/)
    expect(text).toMatch(/next try not before 2023-11-14T/)
    expect(text).toMatch(/failed: somebody has it open/)
    expect(text).not.toContain('\x1b')
  })

  test('a conflict that keeps both: under which name the destination’s own version stays', () => {
    const text = said('Sales', 'both.txt')
    expect(text).toMatch(/^ {2}decided +replace the destination’s \(execution 1, looked at .*\)$/m)
    const kept = 'both (conflict 2023-11-14T221320Z)\\u{1b}[2J.txt'
    expect(text.split('\n').filter((line) => line.startsWith('  kept '))).toEqual([
      `  kept         the destination’s own version as ${kept}`,
    ])
    expect(said('Sales', 'what?.txt')).not.toContain('own version')
  })

  test('what was left out, and why', () => {
    const text = said('huge.mp4')
    expect(text).toMatch(/destination +nothing yet; it would be \/huge\.mp4/)
    expect(text).toMatch(
      /why +It is larger than the destination takes; large_item: skip leaves such files out\. \[too_large\]\n +9000 bytes/,
    )
    expect(text).toMatch(/state +left out on purpose/)
  })

  test('what the destination has another kind of is not described as the source’s', () => {
    const text = said('o.txt')
    expect(text).toMatch(/source +a link/)
    expect(text).toMatch(/destination +\/o\.txt, where something of another kind is\n/)
    expect(text).toMatch(
      /why +The two sides have items of different kinds.*\[kind_differs\]\n +a symbolic link at the source/,
    )
  })

  test('the folder the job begins at is nobody’s decision', () => {
    const text = said()
    expect(text).toMatch(/^\/\n +source +a folder/)
    expect(text).toContain('this is where the job begins')
    expect(text).not.toContain('[]')
  })

  test('what lies below a folder that was not looked into leads to that folder', async () => {
    rig.nowMs += 3_600_000
    await rig.ledger.end(1)
    await rig.ledger.begin(start({ execution: 2 }))
    const root = await oneContainer(rig.ledger, 'list', 2)
    const sales = (await rig.ledger.tracked(root.item, 0)).find(({ name }) => name === 'Sales')!.item
    const unchanged = [{ status: 'success' as const, reason: 'unchanged', items: 1, bytes: 0n, containers: 1 }]
    await rig.ledger.enumerated(listing(root, { execution: 2, unchanged, descend: [sales] }))
    const folder = await oneContainer(rig.ledger, 'list', 2)
    const failed = { reason: 'too_many_items' as const, why: 'more than 2 items', flag: true }
    await rig.ledger.enumerated(listing(folder, { execution: 2, failed }))
    const asked = itemAt('/Sales/never/seen/', { job: 'Share', ledger: reader })
    const text = answer('/Sales/never/seen/', asked).join('\n')
    expect(text).toMatch(
      /^\/Sales\/never\/seen\/: not looked at\. It lies in \/Sales, which could not be looked into:\n\/Sales\/\n/,
    )
    expect(text).toMatch(/decided +its content is left where it is \(execution 2/)
    expect(text).toMatch(/why +The folder holds more items.*\[too_many_items\]\n +more than 2 items/)
    expect(() => itemAt('huge.mp4/x', { job: 'Share', ledger: reader })).toThrow(/"\/huge.mp4" was, and is no folder/)
    expect(() => itemAt('nothing', { job: 'Share', ledger: reader })).toThrow(
      /"nothing" was never seen by "Share"; paths/,
    )
  })

  test('an item is found by its name at the destination too, and a folder says that it is one', () => {
    expect(said('Sales', 'what_.txt')).toMatch(/^\/Sales\/what\?\.txt\n/)
    expect(said('Sales')).toMatch(/^\/Sales\/\n +source +a folder/)
  })
})
