import { copyFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { ItemRequest } from '../../src/catalog/catalog.ts'
import { ledgerFile } from '../../src/home/home.ts'
import {
  failure,
  files,
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
import { aBalance, CliBench, type Wire } from './bench.ts'

let bench: CliBench
beforeEach(() => {
  bench = new CliBench()
})
afterEach(() => bench.close())

/** Runs a job that ends with a flagged folder beside `d`, in which `denied` is flagged and so many files are locked. */
async function ran(locked = 1, ...options: string[]): Promise<{ out: string; code: number; lines: Wire[] }> {
  bench.endings = [{ balance: aBalance({ remediation: 2, retry: locked }) }]
  bench.whenTold = () => bench.catalog(({ home, catalog }) => withLedger(home, catalog, locked))
  return bench.run('run', bench.file(bench.aJob()), ...options)

  async function withLedger(
    home: Parameters<typeof ledgerFile>[0],
    catalog: { jobs: { findByName(name: string): Promise<{ id: string } | undefined> } },
    locked: number,
  ): Promise<void> {
    const rig = new Rig()
    await rig.ledger.begin(start({ triesPerExecution: 1, maxRetry: 0 }))
    await listRoot(rig.ledger, [
      {
        name: 'flagged',
        kind: 'container',
        size: 0,
        action: 'fail',
        reason: 'kind_differs',
        rest: { why: 'a file there' },
      },
      folder('d'),
    ])
    const inside = [{ name: 'denied' }, ...files(locked, 1, 'locked '), { name: 'fine' }]
    await rig.ledger.enumerated(listing(await oneContainer(rig.ledger), { fresh: fresh(inside) }))
    const batch = await oneBatch(rig.ledger)
    const of = (name: string): number => batch.items.find((work) => work.name === name)!.item
    const denied = { reason: 'AccessDenied', why: 'destination: not permitted' }
    const failed = files(locked, 1, 'locked ').map(({ name }) => failure(of(name)))
    await rig.ledger.finished(results(batch, { failed: [failure(of('denied'), denied), ...failed] }))
    await rig.ledger.end(1)
    await rig.restart()
    copyFileSync(rig.file, ledgerFile(home, (await catalog.jobs.findByName('Share'))!.id))
    await rig.remove()
  }
}

async function requests(): Promise<[string, ItemRequest][]> {
  return bench.catalog(async ({ catalog, ledgers }) => {
    const { id } = (await catalog.jobs.findByName('Share'))!
    const asked = await catalog.requests.of(id)
    return [...asked].map(([item, request]) => [ledgers.open(id, 'real')!.path(item)!.sourceNames.join('/'), request])
  })
}

const home = (): string => `--home ${bench.home}`

describe('what failed is named', () => {
  test('by the run, with the reason, what can be done, and the commands that do it', async () => {
    const { out, code } = await ran()
    expect(code).toBe(1)
    expect(out.slice(out.indexOf('3 items failed:')).split('\n')).toEqual([
      '3 items failed:',
      '  /flagged: flagged, kind_differs: a file there',
      '  /d/denied: flagged, AccessDenied: destination: not permitted',
      '  /d/locked 0: flagged, Locked: somebody has it open',
      'What can be done:',
      '  kind_differs: Rename or remove one of the two: a file and a folder cannot share a name.',
      expect.stringMatching(/^ {2}AccessDenied: Let the account/),
      '  Locked: Have it closed by whoever has it open.',
      `  Try again what is flagged: stevedore job retry ${home()} Share; a run that you start does so by itself for what can be mended outside.`,
      `  Leave out for good: stevedore job ignore ${home()} Share <path>`,
    ])
    const show = (await bench.run('job', 'show', 'Share')).out
    expect(show.slice(show.indexOf('3 items failed:'))).toBe(out.slice(out.indexOf('3 items failed:')))
  })

  test('the first twenty of them, for programs as well; job items has all, with the same fields', async () => {
    const { lines } = await ran(30, '--json')
    const { failed } = lines.at(-1)
    expect([failed.total, failed.items.length]).toEqual([32, 20])
    expect(failed.items[1]).toEqual({
      path: '/d/denied',
      status: 'remediation',
      reason: 'AccessDenied',
      message: 'destination: not permitted',
      remedy: expect.any(String),
    })
    expect(JSON.parse((await bench.run('job', 'show', 'Share', '--json')).out).failed).toEqual(failed)
    expect((await bench.run('job', 'show', 'Share')).out).toContain(
      `  … and 12 more: stevedore job items ${home()} Share`,
    )
    const all = (await bench.run('job', 'items', 'Share', '--json')).lines
    expect(all).toHaveLength(32)
    expect(all.slice(0, 20)).toEqual(failed.items)
    const denied = await bench.run('job', 'items', 'Share', '--status', 'flagged,retry', '--reason', 'AccessDenied')
    expect(denied.out).toBe('/d/denied: flagged, AccessDenied: destination: not permitted')
    expect(denied.err).toContain('AccessDenied: Let the account')
    expect((await bench.run('job', 'items', 'Share', '--status', 'success', '--search', 'FINE')).out).toMatch(
      /^\/d\/fine/,
    )
    expect((await bench.run('job', 'items', 'Share', '--status', 'retry')).err).toBe('There are none.')
    expect(await bench.run('job', 'items', 'Share', '--status', 'bad')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--status bad: is not one of flagged, success/),
    })
  })
})

describe('stevedore job retry and ignore', () => {
  beforeEach(async () => {
    await ran()
  })

  test('ask for all that failed, for what is at or in a path, or for what has a reason', async () => {
    const { out, code } = await bench.run('job', 'retry', 'Share')
    expect([code, out]).toEqual([0, 'Share: 3 items are tried again by the next run'])
    expect((await requests()).every(([, request]) => request === 'retry')).toBe(true)
    await bench.run('job', 'ignore', 'Share', '/d/')
    expect(await requests()).toEqual([
      ['flagged', 'retry'],
      ['d/denied', 'ignore'],
      ['d/locked 0', 'ignore'],
    ])
    const one = await bench.run('job', 'retry', 'Share', '--reason', 'Locked', '--json')
    expect(one.lines).toMatchObject([{ path: '/d/locked 0', request: 'retry' }])
    expect((await bench.run('job', 'items', 'Share')).out).toContain(
      '/d/denied: flagged, AccessDenied: destination: not permitted (left out from the next run on)',
    )
  })

  test('of what is in a flagged folder have that folder tried again, and never leave it out', async () => {
    const { out } = await bench.run('job', 'retry', 'Share', 'flagged/in/it')
    expect(out).toContain('/flagged: flagged, kind_differs: a file there (tried again by the next run)')
    expect(await requests()).toEqual([['flagged', 'retry']])
    expect((await bench.run('job', 'ignore', 'Share', 'flagged/in/it')).code).toBe(2)
    expect(await requests()).toEqual([['flagged', 'retry']])
  })

  test('say what did not fail, and do the rest', async () => {
    expect(await bench.run('job', 'retry', 'Share', 'd/fine')).toMatchObject({
      code: 2,
      err: 'error: nothing failed at "d/fine"; paths begin at the folders of the job',
    })
    const both = await bench.run('job', 'retry', 'Share', 'd/fine', 'd/denied')
    expect(both).toMatchObject({ code: 1, err: expect.stringMatching(/^warning: nothing failed at "d\/fine"/) })
    expect(await requests()).toEqual([['d/denied', 'retry']])
  })

  test('ignore leaves nothing out without being told what', async () => {
    expect(await bench.run('job', 'ignore', 'Share')).toMatchObject({ code: 2, err: expect.stringMatching(/--all/) })
    expect(await requests()).toEqual([])
    await bench.run('job', 'ignore', 'Share', '--all')
    expect(await requests()).toHaveLength(3)
  })
})
