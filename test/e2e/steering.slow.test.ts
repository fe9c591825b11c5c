import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { copyJob } from '../../scripts/rig/jobs.ts'
import { runStevedore } from '../../scripts/rig/processes.ts'
import { eventually } from '../../scripts/rig/wait.ts'
import { anInstallation } from '../rig/an_installation.ts'

/** The command as people run it, a real server and real folders: a home is steered while nobody serves it, and while somebody does. */
const files = 3_000
const { folder, installation } = anInstallation('steering', (at) => {
  mkdirSync(join(at, 'old'))
  for (let n = 0; n < files; n++) writeFileSync(join(at, 'old', `f${n}`), `content of ${n}`)
})
const source = join(folder, 'old')

async function typed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runStevedore(args, installation)
  expect([args, code, stderr]).toEqual([args, 0, expect.any(String)])
  return stdout.trim()
}

const arrived = (name: string): string[] => readdirSync(join(folder, name))

/** A job whose execution stands in the middle, with everything that served its home killed. */
async function cutOff(name: string): Promise<string> {
  mkdirSync(join(folder, name))
  const transfer = { performance: { parallel_writes: { requested: 1 } } }
  const id = await installation.rest.createJob(copyJob({ name, source, destination: join(folder, name) }, transfer))
  await installation.rest.start(id)
  await eventually(30_000, 2, () => arrived(name).length > 20 || undefined)
  await installation.kill('everything')
  return id
}

test('cancel with nobody serving is obeyed before the next start writes anything', async () => {
  const id = await cutOff('cancelled')
  expect(await typed('job', 'cancel', 'cancelled')).toMatch(/Nobody serves this home: cancel is kept for cancelled/)
  expect(await typed('job', 'show', 'cancelled')).toContain('kept: cancel')
  const before = arrived('cancelled').filter((name) => !name.startsWith('.'))
  expect(before.length).toBeLessThan(files)
  await installation.up()
  const run = await installation.untilEnded(id, 1, 60_000)
  expect(run.status).toBe('cancelled')
  // What had arrived is recorded, what was half-way is gone, nothing came after.
  expect(arrived('cancelled').filter((name) => !before.includes(name))).toEqual([])
  await installation.rest.start(id)
  expect(await installation.untilEnded(id, 2, 60_000)).toMatchObject({ status: 'completed' })
  expect(arrived('cancelled')).toHaveLength(files)
}, 240_000)

test('pause with nobody serving holds after the next start, until it is resumed', async () => {
  const id = await cutOff('paused')
  expect(await typed('job', 'pause', 'paused')).toMatch(/pause is kept for paused/)
  const before = arrived('paused').length
  await installation.up()
  expect((await installation.rest.job(id)).status).toBe('paused')
  const start = await runStevedore(['job', 'start', 'paused'], installation)
  expect([start.code, start.stderr]).toEqual([
    3,
    expect.stringContaining('"paused" is paused in execution 1; resume it first'),
  ])
  expect(arrived('paused').length).toBe(before)
  await typed('job', 'resume', 'paused')
  expect(await installation.untilEnded(id, 1, 60_000)).toMatchObject({ status: 'completed' })
  expect(arrived('paused')).toHaveLength(files)
}, 240_000)

test('delete with nobody serving clears away what was half-way, and the job is gone after the next start', async () => {
  const id = await cutOff('deleted')
  expect(await typed('job', 'delete', 'deleted')).toMatch(/deleted is deleted at the next start/)
  await installation.up()
  await expect(installation.rest.job(id)).rejects.toThrow(/404/)
  expect(arrived('deleted').filter((name) => name.startsWith('.'))).toEqual([])
  expect(readdirSync(join(installation.home, 'ledger')).filter((name) => name.startsWith(id))).toEqual([])
}, 240_000)

test('a schedule that is changed holds at once, and a job is deleted while its home is served', async () => {
  const name = 'scheduled'
  mkdirSync(join(folder, name))
  const yearly = { schedule: { mode: 'auto', repeat_interval: { value: 9_000, unit: 'h' }, start_date: 4_000_000_000 } }
  const id = await installation.rest.createJob({
    ...copyJob({ name, source, destination: join(folder, name) }),
    ...yearly,
  })
  const running = await runStevedore(['job', 'edit', name, '--unset', 'schedule.start_date'], installation)
  expect([running.code, running.stderr]).toEqual([0, ''])
  expect(await installation.untilEnded(id, 1, 60_000)).toMatchObject({ status: 'completed' })
  expect(await typed('job', 'delete', name)).toBe('scheduled is deleted; what it has copied stays.')
  await expect(installation.rest.job(id)).rejects.toThrow(/404/)
  expect(arrived(name)).toHaveLength(files)
}, 240_000)
