import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { CliBench, type Wire } from './bench.ts'

let bench: CliBench
beforeEach(() => {
  bench = new CliBench()
})
afterEach(() => bench.close())

const jobs = async (): Promise<Wire[]> => (await bench.run('job', 'list', '--json')).lines

describe('job', () => {
  test('edit changes name and settings by options or a file, and says what', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const set = await bench.run('job', 'edit', 'Share', '--name', 'Moved', '--set', 'transfer.large_item=skip')
    expect([set.code, set.err]).toEqual([0, ''])
    expect(set.out).toBe('Moved: changed\n  name: "Share" → "Moved"\n  transfer.large_item: (absent) → "skip"')
    const schedule = { mode: 'auto', repeat_interval: { value: 1, unit: 'h' } }
    const file = bench.file({ schedule, transfer: { large_item: null } }, 'changes.json')
    expect((await bench.run('job', 'edit', 'Moved', file)).code).toBe(0)
    const [job] = await jobs()
    expect(job).toMatchObject({ name: 'Moved', schedule })
    expect(job.transfer).not.toHaveProperty('large_item')
    await bench.run('job', 'edit', 'Moved', '--unset', 'schedule')
    expect((await jobs())[0]).not.toHaveProperty('schedule')
  })

  test('edit refuses another source, harm, and to change nothing', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const edit = (...args: string[]) => bench.run('job', 'edit', 'Share', ...args)
    expect(await edit('--set', 'transfer.source.target.path=/else')).toMatchObject({
      code: 2,
      err: 'error: transfer.source.target.path: source and destination stay; make another job',
    })
    expect(await edit('--set', 'transfer.permissions=diff')).toMatchObject({ code: 3 })
    expect(await edit()).toMatchObject({ code: 2, err: expect.stringContaining('say what changes') })
  })

  test('delete asks whoever serves the home, and says that what was copied stays', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    bench.commands.length = 0
    expect(await bench.run('job', 'delete', 'Share')).toMatchObject({
      code: 0,
      out: 'Share is deleted; what it has copied stays.',
    })
    expect(bench.commands).toEqual(['delete'])
    expect(await bench.run('job', 'list')).toMatchObject({ out: '' })
  })

  test('of two jobs of one name a person is asked which; where nobody is, the ids are named and none is picked', async () => {
    const file = bench.file(bench.aJob())
    await bench.run('run', file)
    await bench.run('run', '--new', file)
    const [first, second] = await jobs()
    bench.commands.length = 0
    for (const command of [
      ['job', 'show', 'Share'],
      ['job', 'start', 'Share'],
      ['job', 'delete', 'Share'],
      ['run', file],
    ]) {
      const { code, err } = await bench.run(...command)
      expect(code).toBe(2)
      expect(err).toContain(`2 jobs are called "Share"; give the id of one: ${first.id}, ${second.id}`)
    }
    expect(bench.commands).toEqual([])
    bench.answers = ['2', first.id]
    expect((await bench.run('job', 'show', 'Share', '--json')).out).toContain(second.id)
    expect((await bench.run('job', 'show', 'Share', '--json')).out).toContain(first.id)
    bench.answers = ['3']
    expect((await bench.run('job', 'show', 'Share')).code).toBe(2)
  })

  test('start says at once that it would fail where a root is missing', async () => {
    const job = bench.aJob()
    job.transfer.source.connection.auth.root = join(bench.folder, 'gone')
    await bench.run('run', bench.file(job))
    bench.commands.length = 0
    const { code, err } = await bench.run('job', 'start', 'Share')
    expect(code).toBe(3)
    expect(err).toMatch(/would fail to start: .*gone/)
    expect(bench.commands).toEqual([])
    mkdirSync(join(bench.folder, 'gone'))
    expect((await bench.run('job', 'start', 'Share')).code).toBe(0)
  })
})

describe('connection', () => {
  test('add stores one whose root is missing, with a warning', async () => {
    const { code, err } = await bench.run('connection', 'add', '--platform', 'fs', '--set', 'root=/nowhere/at/all')
    expect(code).toBe(0)
    expect(err).toMatch(/^warning: it is stored, but does not work now: .*nowhere/)
  })

  test('edit changes what is given, a value also from a file; delete waits until nobody uses it', async () => {
    await bench.run(
      'connection',
      'add',
      '--name',
      'Old',
      '--platform',
      'fs',
      '--set',
      'root=/a',
      '--set',
      'max_size=1000',
    )
    const file = join(bench.folder, 'root.txt')
    writeFileSync(file, `${bench.folder}\n`)
    const edited = await bench.run('connection', 'edit', 'Old', '--set', `root=@${file}`, '--unset', 'max_size')
    expect(edited).toMatchObject({ code: 0, out: 'Old: changed', err: '' })
    expect((await bench.run('connection', 'list', '--json')).lines).toMatchObject([{ auth: { root: bench.folder } }])
    const [{ id }] = (await bench.run('connection', 'list', '--json')).lines
    const job = bench.aJob()
    job.transfer.source = { connection: { id } }
    await bench.run('run', bench.file(job))
    const used = await bench.run('connection', 'delete', 'Old')
    expect(used).toMatchObject({ code: 3, err: expect.stringMatching(/connection "Old" is used by job "Share" \(/) })
    await bench.run('job', 'delete', 'Share')
    expect(await bench.run('connection', 'delete', 'Old')).toMatchObject({ code: 0, out: 'Old is deleted.' })
  })
})

test('maps are added, listed, changed and deleted', async () => {
  await bench.run('connection', 'add', '--name', 'Old', '--platform', 'fs', '--set', `root=${bench.folder}`)
  const [{ id }] = (await bench.run('connection', 'list', '--json')).lines
  const end = { connection: { id } }
  const map = { name: 'People', source: end, destination: end, map_by: { email: true } }
  expect(await bench.run('map', 'add', bench.file(map, 'map.json'))).toMatchObject({
    code: 2,
    err: expect.stringContaining('type: says which map: one of account_map, group_map'),
  })
  expect((await bench.run('map', 'add', bench.file({ ...map, type: 'account_map' }, 'map.json'))).code).toBe(0)
  expect((await bench.run('map', 'list')).out).toMatch(/^\w{32} {2}account map {2}People$/)
  const changes = bench.file({ name: 'Staff', map_by: { name: true } }, 'changes.json')
  expect((await bench.run('map', 'edit', 'People', changes)).out).toBe('Staff: changed')
  expect((await bench.run('map', 'list', '--json')).lines).toMatchObject([
    { name: 'Staff', map_by: { email: true, name: true } },
  ])
  expect((await bench.run('map', 'delete', 'Staff')).out).toBe('Staff is deleted.')
  expect(await bench.run('map', 'delete', 'Staff')).toMatchObject({
    code: 2,
    err: expect.stringContaining('no such map'),
  })
})
