import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { aBalance, CliBench } from './bench.ts'

let bench: CliBench
beforeEach(() => {
  bench = new CliBench()
})
afterEach(() => bench.close())

describe('job', () => {
  test('lists beside each job what its last run left to a person', async () => {
    bench.endings = [{ status: 'failed', balance: aBalance({ success: 2, remediation: 1, retry: 3 }) }]
    await bench.run('run', bench.file(bench.aJob()))
    expect((await bench.run('job', 'list')).out).toMatch(/run 1, 1 flagged, 3 to be tried again {2}Share/)
  })

  test('lists, and shows one by name, by id and by the beginning of its id', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const list = await bench.run('job', 'list', '--json')
    expect(list.lines).toHaveLength(1)
    const { id } = list.lines[0]
    expect(list.lines[0]).toMatchObject({ name: 'Share', status: 'idle', previous_execution: { status: 'completed' } })
    expect((await bench.run('job', 'list')).out).toContain(`${id}  idle  run 1  Share`)
    for (const name of ['Share', id, id.slice(0, 8)]) {
      const { out, code } = await bench.run('job', 'show', name)
      expect(code).toBe(0)
      expect(out).toContain(id)
      expect(out).toContain('Run 1 of "Share" completed')
    }
  })

  test('a run that is under way is shown by where it stands, not by counts it does not have yet', async () => {
    bench.endings = ['never']
    const running = bench.run('run', bench.file(bench.aJob()))
    await bench.interrupt(() => bench.commands.includes('start'))
    await running
    const { out } = await bench.run('job', 'show', 'Share')
    expect(out).toMatch(/^status: paused$/m)
    expect(out).toMatch(/^run 1: nothing done yet$/m)
    expect(out).not.toContain('found')
  })

  test('one whose workflow cannot go on is shown with the way out, which is a command', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    expect((await bench.run('job', 'show', 'Share')).out).not.toContain('error:')
    bench.stuck = "the workflow can't go on: TMPRL1100; `stevedore job repair 1` ends it"
    expect((await bench.run('job', 'show', 'Share')).out).toContain(`error: ${bench.stuck}`)
    expect(JSON.parse((await bench.run('job', 'show', 'Share', '--json')).out)).toMatchObject({
      workflow_stuck: bench.stuck,
    })
    expect((await bench.run('job', 'repair', 'Share')).code).toBe(0)
    expect(bench.commands).toContain('repair')
  })

  test('lists those of one status, in text and for programs, and none where none has it', async () => {
    for (const name of ['Share', 'Other']) await bench.run('run', bench.file(bench.aJob({ name })))
    await bench.catalog(async ({ catalog }) =>
      catalog.jobs.update((await catalog.jobs.findByName('Other'))!.id, { status: 'paused' }),
    )
    const listed = async (...args: string[]): Promise<string[]> => {
      const { out } = await bench.run('job', 'list', ...args)
      const { lines } = out === '' ? { lines: [] } : await bench.run('job', 'list', ...args, '--json')
      const names = lines.map(({ name }: { name: string }) => name)
      expect(out.split('\n').map((line) => line.split('  ').at(-1))).toEqual(out === '' ? [''] : names)
      return names.sort()
    }
    expect(await listed()).toEqual(['Other', 'Share'])
    expect(await listed('--status', 'paused')).toEqual(['Other'])
    expect(await listed('--status', 'idle')).toEqual(['Share'])
    expect(await listed('--status', 'not-complete')).toEqual(['Other', 'Share'])
    expect(await listed('--status', 'cancelling')).toEqual([])
  })

  test('a run that waits out trouble is shown with what it waits for', async () => {
    bench.endings = ['never']
    const running = bench.run('run', bench.file(bench.aJob()))
    await bench.interrupt(() => bench.commands.includes('start'))
    await running
    await bench.waits('destination: "/mnt/new" is gone')
    expect((await bench.run('job', 'show', 'Share')).out).toMatch(/^waiting: destination: "\/mnt\/new" is gone$/m)
    const json = JSON.parse((await bench.run('job', 'show', 'Share', '--json')).out)
    expect(json.execution).toMatchObject({ waiting_for: 'destination: "/mnt/new" is gone' })
    await bench.waits(null)
    expect((await bench.run('job', 'show', 'Share')).out).not.toContain('waiting')
    expect((await bench.run('job', 'show', 'Share', '--json')).out).not.toContain('waiting_for')
  })

  test('a status there is not is refused, not taken for one that no job has', async () => {
    const { code, err } = await bench.run('job', 'list', '--status', 'runing')
    expect(code).toBe(2)
    expect(err).toContain('not one of idle, start, running')
  })

  test('an unknown name is answered with those there are', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    expect((await bench.run('job', 'show', 'Shore')).err).toContain('there are "Share"')
  })

  test.each(['start', 'pause', 'resume', 'cancel'])('%s is sent to whoever serves the home', async (command) => {
    await bench.run('run', bench.file(bench.aJob()))
    bench.commands.length = 0
    expect((await bench.run('job', command, 'Share')).code).toBe(0)
    expect(bench.commands).toEqual([command])
  })
})

describe('connection', () => {
  const list = async (): Promise<unknown[]> => (await bench.run('connection', 'list', '--json')).lines

  test('is added from options or from a file, listed, and tested', async () => {
    const root = join(bench.folder, 'old')
    const added = await bench.run('connection', 'add', '--name', 'Old', '--platform', 'fs', '--set', `root=${root}`)
    expect(added.code).toBe(0)
    const file = bench.file({ name: 'New', platform: { id: 'fs' }, auth: { root } }, 'connection.json')
    expect((await bench.run('connection', 'add', file, '--set', 'max_size=1000')).code).toBe(0)
    expect(await list()).toMatchObject([
      { name: 'Old', auth: { root } },
      { name: 'New', auth: { root, max_size: 1000 } },
    ])
    const tried = await bench.run('connection', 'test', 'Old')
    expect(tried.code).toBe(0)
    expect(tried.out).toContain('Old works')
  })

  test('a setting can come from a file, so that a secret is on no command line', async () => {
    const file = join(bench.folder, 'root.txt')
    writeFileSync(file, `${bench.folder}\n`)
    await bench.run('connection', 'add', '--platform', 'fs', '--set', `root=@${file}`)
    expect(await list()).toMatchObject([{ auth: { root: bench.folder } }])
    expect((await bench.run('connection', 'add', '--platform', 'fs', '--set', 'root=@/nowhere')).code).toBe(2)
    writeFileSync(file, Buffer.from('/Löhne', 'latin1'))
    const latin1 = await bench.run('connection', 'add', '--platform', 'fs', '--set', `root=@${file}`)
    expect(latin1).toMatchObject({ code: 2, err: expect.stringContaining('is not UTF-8, at line 1') })
    expect((await bench.run('connection', 'add', '--platform', 'fs', '--set', 'root')).code).toBe(2)
  })

  test('a file whose auth is no object is told so, not read letter by letter', async () => {
    const file = bench.file({ name: 'New', platform: 'fs', auth: '/data' }, 'connection.json')
    const { code, err } = await bench.run('connection', 'add', file)
    expect(code).toBe(2)
    expect(err).toBe('error: auth: what was given is not an object')
  })

  test('wrong settings are refused by name, one that does not open is said to', async () => {
    const wrong = await bench.run('connection', 'add', '--platform', 'fs', '--set', 'root=relative', '--set', 'nmaes=x')
    expect(wrong.code).toBe(2)
    expect(wrong.err).toContain('auth.root')
    expect(wrong.err).toContain('auth.nmaes')
    await bench.run('connection', 'add', '--name', 'Gone', '--platform', 'fs', '--set', 'root=/nowhere/at/all')
    const tried = await bench.run('connection', 'test', 'Gone')
    expect(tried.code).toBe(3)
    expect(tried.err).toMatch(/Gone does not work/)
  })
})

describe('where there is no home', () => {
  test.each([
    'job list',
    'job show Share',
    'job start Share',
    'connection list',
    'connection test Old',
    'explain Share a/b',
    'verify Share',
  ])('%s says so, and makes none', async (command) => {
    const { code, err } = await bench.run(...command.split(' '))
    expect(code).toBe(2)
    expect(err).toBe(`error: there is no home at ${bench.home}: run, up and connection add make one`)
    expect(existsSync(bench.home)).toBe(false)
  })

  test('a folder of somebody else’s is left as it is', async () => {
    mkdirSync(bench.home)
    expect((await bench.run('job', 'list')).code).toBe(2)
    expect(readdirSync(bench.home)).toEqual([])
  })

  test('connection add makes it', async () => {
    expect((await bench.run('connection', 'add', '--platform', 'fs', '--set', 'root=/data')).code).toBe(0)
    expect((await bench.run('job', 'list')).code).toBe(0)
  })
})

describe('the rest', () => {
  test('schema prints a JSON Schema that knows every setting of the demo', async () => {
    const { out, code } = await bench.run('schema')
    expect(code).toBe(0)
    const schema = JSON.parse(out)
    expect(schema.$schema).toContain('json-schema.org')
    expect(Object.keys(schema.properties.transfer.properties)).toContain('conflict_resolution')
  })

  test('explain says when a job has not run, or never saw such a path', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const { code, err } = await bench.run('explain', 'Share', 'a/b')
    expect(code).toBe(2)
    expect(err).toContain('has not run yet')
  })

  test('up says where everything is, and ends when told to', async () => {
    const running = bench.run('up')
    await bench.interrupt()
    const { code, out } = await running
    expect(code).toBe(0)
    expect(out).toContain('http://127.0.0.1:8233')
    expect(out).toContain('http://127.0.0.1:9090/v1')
  })

  test('up interrupted while it is being started ends with 130', async () => {
    bench.whenServing = async (signal) => {
      await bench.interrupt()
      signal?.throwIfAborted()
    }
    const { code, err } = await bench.run('up')
    expect(code).toBe(130)
    expect(err).toBe('Interrupted before anything was served.')
  })

  test('up says which file holds the token that calls of the API need', async () => {
    const running = bench.run('up')
    await bench.interrupt()
    expect((await running).out).toContain(`Token     ${join(realpathSync(bench.home), 'token')}`)
  })

  test('up without a token says who may use the API then', async () => {
    const running = bench.run('up', '--no-token')
    await bench.interrupt()
    const { out, err } = await running
    expect(out).not.toContain('Token')
    expect(err).toMatch(/warning: the API asks for no token: everybody with an account on this machine/)
  })

  test('up warns when others can reach the API', async () => {
    const running = bench.run('up', '--host', '0.0.0.0')
    await bench.interrupt()
    expect((await running).err).toMatch(/warning: the API speaks plain HTTP/)
  })

  test('a second up on one home is told that there is one', async () => {
    bench.serves = false
    expect((await bench.run('up')).code).toBe(3)
  })
})
