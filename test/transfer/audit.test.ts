import { appendFileSync, chmodSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { auditTypes, type AuditType } from '../../src/policy/audit_level.ts'
import { aTree, many, type TreeSpec } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'none'] as const
type Level = (typeof levels)[number]

const source: TreeSpec = {
  'adopted.txt': { is: 'same', modified: '2020-01-01' },
  'conflict.txt': 'ours',
  'exists/in.txt': 'x',
  'large.bin': '20 KB',
  'left.txt': 'x',
  'new/file.txt': 'x',
  'gone.txt': 'x',
  'mode.txt': { is: 'x', mode: 0o600 },
  'renamed?.txt': 'x',
  'twins.txt': 'x',
  'TWINS.txt': 'x',
  'touched.txt': 'x',
  'temporary.tmp': 'x',
  ...many(6, (n) => `wide/${n}`),
  'wide.txt': 'x',
}

/** Two executions in which nearly everything happens that can be told of. */
async function aStory(audit_level: Level): Promise<Job> {
  const job = await rig.job(
    {
      audit_level,
      large_item: 'skip',
      duplicate_names: 'warn',
      max_items_per_container: 30,
      permissions: 'add',
      tags: 'add',
      filter: { source: [{ rules: [{ type: 'filter_extension', extensions: ['tmp'] }] }] },
    },
    {
      source: aTree(source),
      destination: aTree({
        'adopted.txt': { is: 'same', modified: '2020-01-01' },
        'conflict.txt': 'theirs',
        'exists/': null,
        'wide.txt/': null,
      }),
      to: { auth: { max_size: 10 * 1024, names: 'windows' } },
    },
  )
  await job.run()
  unlinkSync(join(job.source, 'gone.txt'))
  chmodSync(join(job.source, 'mode.txt'), 0o640)
  appendFileSync(join(job.destination, 'left.txt'), 'and more')
  const { modifiedNs = 0n } = job.explain('touched.txt').source
  writeFileSync(join(job.source, 'touched.txt'), 'x')
  utimesSync(join(job.source, 'touched.txt'), Number(modifiedNs) / 1e9, Number(modifiedNs) / 1e9)
  await job.run()
  return job
}

const told: AuditType[] = [
  ...(['4001', 'adopted', 'attributes', 'created', 'decided', 'execution', 'failed', 'filtered', 'flagged'] as const),
  ...([
    'left',
    'matched',
    'renamed',
    'reread',
    'setting',
    'skipped',
    'step',
    'too_large',
    'transferred',
    'unchanged',
  ] as const),
]

describe('audit_level', () => {
  test.each(levels)('%s keeps exactly the rows of its level and above', async (level) => {
    const job = await aStory(level)
    const kept = [...new Set(job.audit().map(({ type }) => type))].sort()
    const least = levels.indexOf(level)
    expect(kept).toEqual(told.filter((type) => levels.indexOf(auditTypes[type].level) >= least))
    for (const { type, level: at } of job.audit())
      expect([type, at]).toEqual([type, auditTypes[type as AuditType].level])
    expect(job.rows().size).toBeGreaterThan(20)
  })
})

describe('the audit log', () => {
  const refused = aTree({ 'd/a?b.txt': 'x', 'd/fine.txt': 'x' })
  const strict = { segment_transform: false }
  const windows = { auth: { names: 'windows' } }

  test('says of which item a row speaks, also of one that was never seen before', async () => {
    const job = await rig.job({ ...strict, audit_level: 'trace' }, { source: refused, to: windows })
    await job.run()
    const { item, audit } = job.explain('d/a?b.txt')
    expect(audit.map(({ type }) => type).sort()).toEqual(['decided', 'failed', 'flagged'])
    expect(new Set(audit.map((row) => row.item))).toEqual(new Set([item]))
    expect(job.explain('d/fine.txt').audit.map(({ type }) => type)).toEqual(['decided', 'step', 'transferred'])
  })

  test('says once that an item failed, and in later executions only that it is flagged', async () => {
    const job = await rig.job(strict, { source: refused, to: windows })
    await job.run()
    await job.run()
    const told = (execution: number) =>
      job
        .audit({ execution })
        .map(({ type }) => type)
        .filter((type) => type === 'failed' || type === 'flagged')
        .sort()
    expect([told(1), told(2)]).toEqual([['failed', 'flagged'], ['flagged']])
  })

  test('tells the failure that flags an item from those before', async () => {
    const job = await rig.job({ large_item: 'fail' }, { source: aTree({ a: '20 KB' }), to: { auth: { max_size: 10 } } })
    for (const _ of [1, 2, 3, 4]) await job.run()
    expect(job.audit({ type: 'failed' }).map(({ execution }) => execution)).toEqual([1, 2, 3, 4])
    expect(job.audit({ type: 'flagged' }).map(({ execution }) => execution)).toEqual([4])
  })

  test('has the begin, the end with its counts, and what halted an execution', async () => {
    const job = await rig.job({ ...strict, failure_policy: 'halt' }, { source: refused, to: windows })
    expect((await job.run()).status).toBe('failed')
    const rows = job.audit({ type: 'execution' })
    expect(rows.map(({ message }) => message)).toEqual(['execution 1 began', 'execution 1 ended'])
    expect(rows[1]?.detail).toMatchObject({ found: expect.any(Number), remediation: 1 })
    expect(job.audit({ type: 'halted' })).toMatchObject([{ level: 'error', message: expect.stringContaining('a?b') }])
  })
})
