import { copyFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ledgerFile } from '../../src/home/home.ts'
import type { Unmatched } from '../../src/ledger/ledger.ts'
import { openBench } from '../api/bench.ts'
import { listing, oneContainer, Rig, start } from '../ledger/rig.ts'
import { CliBench } from './bench.ts'

let bench: CliBench
beforeEach(() => {
  bench = new CliBench()
})
afterEach(() => bench.close())

const removal = (name: string, more: Partial<Unmatched> = {}): Unmatched => ({
  name,
  kind: 'item',
  reason: 'not_at_source',
  side: 'destination',
  facts: { sizeBytes: 1_000n, id: '' },
  ...more,
})

/** A job of which an execution is under way, and has planned these removals. */
async function planned(...removals: Unmatched[]): Promise<string> {
  await bench.run('run', bench.file(bench.aJob()))
  return bench.catalog(async ({ home, catalog }) => {
    const { id } = (await catalog.jobs.findByName('Share'))!
    const rig = new Rig()
    await rig.ledger.begin(start({ execution: 2 }))
    await rig.ledger.enumerated(
      listing(await oneContainer(rig.ledger, 'list', 2), { execution: 2, unmatched: removals }),
    )
    await rig.restart()
    copyFileSync(rig.file, ledgerFile(home, id))
    await rig.remove()
    await catalog.executions.begin(id, 2, false)
    await catalog.jobs.update(id, { lastExecution: 2, status: 'running' })
    return id
  })
}

describe('job approve', () => {
  test('shows what waits, by folder and with examples, and the command that lets just that go', async () => {
    await planned(removal('old', { kind: 'container' }), removal('a.txt'), removal('b.txt'))
    const { out, code } = await bench.run('job', 'approve', 'Share')
    expect(code).toBe(0)
    expect(out).toMatch(/^Plan ([0-9a-f]{12}): 3 items to be removed, 1 folder among them, 2\.0 KiB/m)
    expect(out).toMatch(/^ *2 +\/$/m)
    expect(out).toMatch(/^ *1 +\/old$/m)
    expect(out).toContain('All of them:')
    const hash = /^Plan (\w+):/.exec(out)![1]!
    expect(out).toMatch(new RegExp(`job approve .*Share --plan ${hash}`))
    expect(bench.commands).toEqual(['start'])
    const yes = await bench.run('job', 'approve', 'Share', '--plan', hash)
    expect(yes).toMatchObject({ code: 0, out: `plan ${hash} is approved` })
    expect(bench.commands).toEqual(['start', `approve ${hash}`])
  })

  test('says which side it is, where it is not the destination', async () => {
    await planned(removal('a.txt'), removal('b.txt', { side: 'source', reason: 'destination_gone' }))
    const { out } = await bench.run('job', 'approve', 'Share')
    expect(out).toContain('/a.txt, at the destination')
    expect(out).toContain('/b.txt, at the source')
  })

  test('tells programs the same', async () => {
    const job = await planned(removal('a.txt'))
    const { out } = await bench.run('job', 'approve', 'Share', '--json')
    expect(JSON.parse(out)).toMatchObject({
      job,
      items: 1,
      bytes: 1000,
      examples: [{ path: '/a.txt', kind: 'item', side: 'destination' }],
    })
  })

  test('says that nothing waits, when nothing does', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const { err, code } = await bench.run('job', 'approve', 'Share')
    expect(code).not.toBe(0)
    expect(err).toContain('nothing of "Share" waits for an approval')
  })
})

describe('job reset', () => {
  test('is kept for the next run, and said', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const { out, code } = await bench.run('job', 'reset', 'Share', 'full')
    expect(code).toBe(0)
    expect(out).toMatch(/the next run begins with a reset \(hard, permissions\)\. To begin it: .*job start .*Share/)
    const stored = await bench.catalog(async ({ catalog }) => (await catalog.jobs.findByName('Share'))!.resets)
    expect(stored).toEqual(['hard', 'permissions'])
  })

  test('says where there is nothing to reset, what it does not know, and what it does not do yet', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const soft = await bench.run('job', 'reset', 'Share', 'soft')
    expect([soft.code, soft.out]).toEqual([0, expect.stringContaining('there is nothing to reset')])
    expect(await bench.run('job', 'reset', 'Share', 'hardd')).toMatchObject({
      code: 2,
      err: expect.stringContaining('is not one of soft, hard, permissions, full, stats, did you mean hard?'),
    })
    expect(await bench.run('job', 'reset', 'Share', 'inspect_all')).toMatchObject({
      code: 2,
      err: expect.stringContaining('inspect_all is not carried out yet'),
    })
  })

  test('waits for the end of a run that is under way', async () => {
    await planned(removal('a.txt'))
    const { code, err } = await bench.run('job', 'reset', 'Share', 'hard')
    expect(code).not.toBe(0)
    expect(err).toContain('run 2 is under way; wait for it, or cancel it')
  })
})

describe('over REST', () => {
  test('a reset is taken by itself and with a start, and with nothing else', async () => {
    const api = openBench()
    try {
      const { id } = (await api.call('POST', '/v1/jobs', api.aRealJob())).json.job
      const url = `/v1/jobs/${id}`
      const alone = await api.call('PATCH', `${url}?reset=permissions&fields=all`)
      expect([alone.status, alone.json.job.reset]).toEqual([200, ['permissions']])
      expect(api.commands).toEqual([])
      expect((await api.call('PATCH', `${url}?reset=1&start=1`)).status).toBe(200)
      expect(api.commands).toEqual([`start ${id}`])
      expect((await api.catalog.jobs.get(id))!.resets).toEqual(['permissions', 'hard'])
      expect((await api.call('PATCH', `${url}?reset=soft`)).json.warnings).toMatchObject([{ code: 'nothing_to_reset' }])
      expect((await api.call('PATCH', `${url}?reset=hard&pause=1`)).status).toBe(400)
      const unknown = await api.call('PATCH', `${url}?reset=everything`)
      expect([unknown.status, unknown.json.errors[0].property]).toEqual([400, 'reset'])
      await api.catalog.executions.begin(id, 1, false)
      await api.catalog.jobs.update(id, { lastExecution: 1, status: 'running' })
      expect((await api.call('PATCH', `${url}?reset=hard`)).status).toBe(409)
    } finally {
      await api.close()
    }
  })

  test('a plan is approved by its hash, and asked for', async () => {
    const api = openBench()
    try {
      const { id } = (await api.call('POST', '/v1/jobs', api.aRealJob())).json.job
      expect((await api.call('GET', `/v1/jobs/${id}/approval`)).status).toBe(404)
      expect((await api.call('PATCH', `/v1/jobs/${id}?approve=abc`)).status).toBe(200)
      expect(api.commands).toEqual([`approve ${id} abc`])
      expect((await api.call('PATCH', `/v1/jobs/${id}?approve=abc&start=1`)).status).toBe(400)
    } finally {
      await api.close()
    }
  })
})
