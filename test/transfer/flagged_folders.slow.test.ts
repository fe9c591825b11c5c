import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { aTree, look, textAt } from './a_tree.ts'
import { expectBalanced, Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const denials = new URL('denials.ts', import.meta.url).href
const script = new URL('play_in_process.ts', import.meta.url).pathname

// Modes of their own: what goes with an item is worked out once per fingerprint, and a denial would show in it.
const source = aTree({
  'denied/': { mode: 0o750 },
  'denied/denied.txt': { is: 'x', mode: 0o640 },
  'denied/sub/': { mode: 0o755 },
  'denied/sub/in.txt': 'x',
  'open/': { mode: 0o755 },
})

/** Plays an execution where `denied…` denies, and checks its books. @returns its sentence */
async function run(job: Job, execution: number): Promise<string> {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', denials, script, rig.home.path, job.id, String(execution)],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', DENIED_BELOW: job.source } },
  )
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
  const balance = (await rig.catalog.executions.get(job.id, execution))?.balance
  expectBalanced(balance!)
  return stdout.trim()
}

const stateOf = (job: Job, path: string): unknown => {
  const { state, reason } = job.explain(path)
  return [path, state, reason]
}

test('a folder whose denial can’t be carried is private and flagged, as a file is, and what comes into it arrives', async () => {
  const job = await rig.job({ permissions: { policy: 'add' } }, { source })
  expect(await run(job, 1)).toBe('5 found, 5 carried out; 2 flagged for a person')
  for (const path of ['denied', 'denied/denied.txt'])
    expect(stateOf(job, path)).toEqual([path, 'remediation', 'permissions_lost'])
  expect(job.explain('denied').why).toMatch(/^a denial or a cut-off from its folder could not be carried/)
  const modes = look(job.destination)
  expect(['denied', 'denied/denied.txt', 'open'].map((path) => modes.get(path)?.mode)).toEqual([0o700, 0o700, 0o755])
  for (const type of ['flagged', '4005'])
    expect(new Set(job.audit({ type }).map(({ item }) => item))).toEqual(
      new Set([job.explain('denied').item, job.explain('denied/denied.txt').item]),
    )

  // A person was asked, once.
  expect(await run(job, 2)).toBe('5 found, 0 carried out; 2 flagged for a person')
  expect((await rig.catalog.executions.get(job.id, 2))?.status).toBe('no_changes')
  writeFileSync(join(job.source, 'denied/sub/new.txt'), 'new')
  await run(job, 3)
  expect(textAt(job.destination, 'denied/sub/new.txt')).toBe('new')
  writeFileSync(join(job.source, 'denied/new.txt'), 'new')
  await run(job, 4)
  expect(textAt(job.destination, 'denied/new.txt')).toBe('new')
  expect(stateOf(job, 'denied')).toEqual(['denied', 'remediation', 'permissions_lost'])
  expect(look(job.destination).get('denied')?.mode).toBe(0o700)
})

test('where permissions.failures stops an item for it, a folder fails too, each time it is tried', async () => {
  const job = await rig.job({ permissions: { policy: 'add', failures: 'deny' } }, { source })
  for (const execution of [1, 2]) {
    await run(job, execution)
    for (const path of ['denied', 'denied/denied.txt'])
      expect(stateOf(job, path)).toEqual([path, 'retry', 'AccessDenied'])
    expect(job.explain('denied')).toMatchObject({ strikes: execution })
    expect(job.explain('denied').why).toBe('/denied: source: a denial can not be carried to the destination')
    const { item } = job.explain('denied')
    const failures = job.audit({ execution, type: 'failed' }).filter((row) => row.item === item)
    expect(failures).toHaveLength(1)
    expect(look(job.destination).get('denied')?.mode).toBe(0o700)
  }
})
