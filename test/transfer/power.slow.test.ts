import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import type { Failpoint } from '../../src/transfer/recovery/failpoints.ts'
import { aTree } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const script = new URL('play_in_process.ts', import.meta.url).pathname
const preload = new URL('log_syncs.ts', import.meta.url).href
const settings = {
  durability: 'power',
  permissions: { policy: 'add' },
  performance: { parallel_writes: { requested: 1 } },
}

let logs = 0
/** Plays an execution in a process of its own; what of the destination was synced in it, `` being the destination itself. */
async function syncedBy(job: Job, execution: number, failpoint?: Failpoint): Promise<Set<string>> {
  const log = join(rig.folder, `syncs-${++logs}`)
  writeFileSync(log, '')
  const child = spawn(process.execPath, ['--import', preload, script, rig.home.path, job.id, String(execution)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SYNC_LOG: log, STEVEDORE_FAILPOINT: failpoint ?? '', NODE_OPTIONS: '' },
  })
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect({ code, signal }).toEqual(failpoint ? { code: null, signal: 'SIGKILL' } : { code: 0, signal: null })
  const synced = readFileSync(log, 'utf8').trim().split('\n')
  return new Set(synced.map((path) => relative(job.destination, path)).filter((path) => !path.startsWith('..')))
}

test('to survive a power cut, folders, links, attributes and what they hang on are synced too', async () => {
  const job = await rig.job(settings, {
    source: aTree({ 'a/b/file': 'x', 'a/link': { to: 'b' }, 'a/empty/': null, 'a/large': '1 MB' }),
    to: { path: '/new/place' },
  })
  const first = await syncedBy(job, 1)
  const place = 'new/place'
  for (const folder of ['', 'new', place, `${place}/a`, `${place}/a/b`, `${place}/a/empty`])
    expect([folder, first.has(folder)]).toEqual([folder, true])
  chmodSync(join(job.source, 'a/large'), 0o600)
  expect(await syncedBy(job, 2)).toContain(`${place}/a/large`)
})

test.each(['staged:after-commit', 'publish:after'] as const)(
  'to survive a power cut, what a process left when it died at %s is synced by the next one',
  async (failpoint) => {
    const job = await rig.job(settings, { source: aTree({ large: '1 MB' }) })
    await syncedBy(job, 1, failpoint)
    const synced = await syncedBy(job, 1)
    expect([...synced]).toEqual(expect.arrayContaining(['', 'large']))
  },
)
