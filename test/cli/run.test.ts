import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refused } from '../../src/client/refused.ts'
import { aBalance, CliBench, until, type Ending, type Wire } from './bench.ts'

let bench: CliBench
beforeEach(() => {
  bench = new CliBench()
})
afterEach(() => bench.close())

describe('the exit code of run', () => {
  test.each<[string, number, Ending]>([
    ['done', 0, {}],
    ['nothing to do', 0, { status: 'no_changes' }],
    ['done, with a flagged item', 1, { status: 'failed', balance: aBalance({ success: 2, remediation: 1 }) }],
    ['done, with an item for the next run', 1, { status: 'failed', balance: aBalance({ success: 2, retry: 1 }) }],
    ['done with a warning, nothing failed', 1, { status: 'warn' }],
    [
      'halted',
      3,
      {
        status: 'failed',
        phase: 'executing',
        sentence: 'halted by its first failure (a.txt): …',
        balance: aBalance({ retry: 1 }),
      },
    ],
    ['broken off', 3, { status: 'failed', phase: 'changes', sentence: 'broke off (the server is gone): …' }],
    ['failed to start', 3, { status: 'failed_to_start', sentence: 'did not start: the source is gone', balance: null }],
    ['failed to start before there was an execution', 3, 'no start'],
    ['cancelled by another command', 130, { status: 'cancelled' }],
  ])('%s', async (_what, code, ending) => {
    bench.endings = [ending]
    expect((await bench.run('run', bench.file(bench.aJob()))).code).toBe(code)
  })

  test.each([
    ['no command', []],
    ['an unknown command', ['walk']],
    ['an unknown option', ['run', 'job.json', '--fast']],
    ['no file', ['run']],
    ['a file that is not there', ['run', '/nowhere/job.json']],
    ['a port that is none', ['up', '--port', '70000']],
    ['an unknown job', ['job', 'show', 'nothing']],
  ])('2 for %s', async (_what, args) => {
    const { code, err } = await bench.run(...args)
    expect(code).toBe(2)
    expect(err).toMatch(/\w+/)
    expect(bench.served).toBe(0)
  })

  test('2 for a file that is no JSON, saying where', async () => {
    const { code, err } = await bench.run('run', bench.file('{\n  "name": oops\n}'))
    expect(code).toBe(2)
    expect(err).toMatch(/job\.json is not JSON at line 2, column 11/)
  })

  test('2 for a bad document, with all its paths, before any server is started', async () => {
    const { code, err } = await bench.run('run', bench.file(bench.aJob({}, { large_item: 'maybe', timestamps: 7 })))
    expect(code).toBe(2)
    expect(err).toContain('transfer.large_item: "maybe"')
    expect(err).toContain('transfer.timestamps: 7')
    expect(err).toContain('2 problems')
    expect(bench.served).toBe(0)
  })

  test('2 with every mistake at once: in values, in connections, and what is missing', async () => {
    const document = bench.aJob({ kind: 'transfr' }, { transfer_type: undefined, large_item: 'maybe' })
    document.transfer.source.connection = { platform: { id: 'fs' }, auth: { root: 'relative' } }
    document.transfer.destination.connection = { id: 'f'.repeat(32) }
    const { code, lines } = await bench.run('run', bench.file(document), '--json')
    expect(code).toBe(2)
    expect(lines[0].errors.map((error: Wire) => error.property).sort()).toEqual([
      'kind',
      'transfer.destination.connection.id',
      'transfer.large_item',
      'transfer.source.connection.auth.root',
      'transfer.transfer_type',
    ])
  })

  test('2 without a transfer_type: a person has to say it', async () => {
    const { code, err } = await bench.run('run', bench.file(bench.aJob({}, { transfer_type: undefined })))
    expect(code).toBe(2)
    expect(err).toMatch(/transfer\.transfer_type: .*copy, sync/)
  })

  test('3 for settings that could do harm, each named; nothing was started', async () => {
    const { code, err } = await bench.run('run', bench.file(bench.aJob({}, { permissions: 'diff' })))
    expect(code).toBe(3)
    expect(err).toMatch(/transfer\.permissions\.policy: permissions are not taken away/)
    expect(bench.commands).toEqual([])
  })

  test('0 for help and version', async () => {
    const help = await bench.run('--help')
    expect(help.code).toBe(0)
    expect(help.out).toContain('STEVEDORE_HOME')
    expect(help.out).toContain(
      'Exit codes: 0 done, 1 done with failed or flagged items, 2 bad document or usage, 3 halted, failed to start or infrastructure, 130 interrupted',
    )
    expect((await bench.run('--version')).out).toBe('0.0.0-test')
  })
})

describe('run', () => {
  test('prints the summary, and how to ask about one item when something is worth asking about', async () => {
    bench.endings = [{ status: 'failed', balance: aBalance({ success: 2, remediation: 1 }) }]
    const { out } = await bench.run('run', bench.file(bench.aJob()))
    expect(out).toMatch(/^Run 1 of "Share" went to its end, with failures/)
    expect(out).toMatch(/flagged +1/)
    expect(out).toContain(`stevedore explain --home ${bench.home} Share <path>`)
  })

  test('with --json, standard output is JSON lines and nothing else', async () => {
    const { lines, err } = await bench.run('run', bench.file(bench.aJob()), '--json')
    expect(lines.map((line) => line.type)).toEqual(['started', 'summary'])
    expect(lines[0]).toMatchObject({
      execution: 1,
      job: { name: 'Share' },
      web_ui: expect.stringMatching(
        /^http:\/\/127\.0\.0\.1:8233\/namespaces\/stevedore\/workflows\/job%2F[0-9a-f]{32}%2F1$/,
      ),
    })
    expect(lines[1]).toMatchObject({ status: 'completed', balanced: true, found: { items: 3 } })
    expect(err).toBe('')
  })

  test('errors are JSON too when asked for', async () => {
    const { lines, code } = await bench.run('run', bench.file(bench.aJob({}, { large_item: 'maybe' })), '--json')
    expect(code).toBe(2)
    expect(lines[0]).toMatchObject({ type: 'error', errors: [{ property: 'transfer.large_item' }] })
  })

  test('with --json, warnings, changes and refusals are objects too', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const changed = await bench.run('run', bench.file(bench.aJob({ frobnicate: 1, priority: 3 })), '--json')
    expect(changed.lines.map((line) => line.type)).toEqual(['warning', 'changed', 'started', 'summary'])
    expect(changed.lines[0]).toMatchObject({ property: 'frobnicate' })
    expect(changed.lines[1].changes).toContain('priority: (absent) → 3')
    const answer = { type: 'error', errors: [{ code: 'not_carried_out', property: 'transfer.permissions.policy' }] }
    const refused = await bench.run('run', bench.file(bench.aJob({}, { permissions: 'diff' })), '--json')
    expect(refused).toMatchObject({ code: 3, lines: [answer] })
    await bench.catalog(async ({ catalog }) => {
      const { id, document } = (await catalog.jobs.findByName('Share'))!
      const transfer = { ...(document.transfer as object), permissions: 'diff' }
      await catalog.jobs.update(id, { document: { ...document, transfer } })
    })
    expect((await bench.run('job', 'start', 'Share', '--json')).lines).toMatchObject([answer])
  })

  test('the same name again is the next run of the same job', async () => {
    const file = bench.file(bench.aJob())
    await bench.run('run', file)
    const { out } = await bench.run('run', file)
    expect(out).toMatch(/^Run 2 of "Share"/)
    expect(await bench.catalog(async ({ catalog }) => (await catalog.jobs.list({ offset: 0, limit: 9 })).total)).toBe(1)
    expect(
      await bench.catalog(async ({ catalog }) => (await catalog.connections.list({ offset: 0, limit: 9 })).total),
    ).toBe(2)
  })

  test('changed settings are shown and applied', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const { err, code } = await bench.run('run', bench.file(bench.aJob({}, { large_item: 'skip' })))
    expect(code).toBe(0)
    expect(err).toContain('transfer.large_item: (absent) → "skip"')
    const job = await bench.catalog(({ catalog }) => catalog.jobs.findByName('Share'))
    expect(job?.document.transfer).toMatchObject({ large_item: 'skip' })
    expect((await bench.run('run', bench.file(bench.aJob({}, { large_item: 'skip' })))).err).not.toContain('Changed')
  })

  test('what is refused is not stored either: neither a change nor a job, nor what is in it', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    bench.commands.length = 0
    const map = { map_by: { name: true }, exceptions: [] }
    const harmful = { disabled: true, kind: 'policy', priority: 3 }
    for (const name of ['Share', 'Another']) {
      const { code, err } = await bench.run('run', bench.file(bench.aJob({ ...harmful, name }, { account_map: map })))
      expect(code).toBe(3)
      expect(err).toMatch(/^error: kind: .*^error: disabled: .*^Nothing was stored, and nothing was started\.$/ms)
      expect(err).not.toContain('Changed since')
    }
    const all = { offset: 0, limit: 9 }
    await bench.catalog(async ({ catalog }) => {
      expect((await catalog.jobs.list(all)).rows).toMatchObject([{ name: 'Share', disabled: false, priority: 0 }])
      expect((await catalog.jobs.findByName('Share'))?.document).toMatchObject({ kind: 'transfer' })
      expect(await catalog.maps.list('account_map', all)).toMatchObject({ total: 0 })
      expect(await catalog.connections.list(all)).toMatchObject({ total: 2 })
    })
    expect(bench.commands).toEqual([])
    const { err } = await bench.run('run', bench.file(bench.aJob()))
    expect(err).not.toContain('Changed since')
  })

  test('a changed category or priority is what the job then has, and it is no longer disabled', async () => {
    await bench.run('run', bench.file(bench.aJob({ category: 'Legal', priority: 5 })))
    await bench.run('run', bench.file(bench.aJob({ category: 'Other', priority: 7 })))
    const job = await bench.catalog(async ({ catalog }) => {
      const { id, document } = (await catalog.jobs.findByName('Share'))!
      return catalog.jobs.update(id, { document: { ...document, disabled: true }, disabled: true })
    })
    expect(job).toMatchObject({ category: { name: 'Other' }, priority: 7, disabled: true })
    await bench.run('run', bench.file(bench.aJob()))
    const after = await bench.catalog(({ catalog }) => catalog.jobs.findByName('Share'))
    expect(after).toMatchObject({ category: { id: -1 }, priority: 0, disabled: false })
  })

  test('a change beside the endpoints of a side is shown too', async () => {
    const sized = (count: number): unknown => {
      const job = bench.aJob()
      job.transfer.source.size_estimate = { count }
      return job
    }
    await bench.run('run', bench.file(sized(10)))
    const { err } = await bench.run('run', bench.file(sized(20)))
    expect(err).toContain('transfer.source.size_estimate.count: 10 → 20')
  })

  test('a secret outside of a connection is refused before anything is stored or started', async () => {
    const { code, err } = await bench.run('run', bench.file(bench.aJob({ apiToken: 'hush' })))
    expect(code).toBe(2)
    expect(err).toMatch(/^error: apiToken: looks like a secret.*auth of a connection/)
    expect(bench.served).toBe(0)
    expect(await bench.catalog(async ({ catalog }) => (await catalog.jobs.list({ offset: 0, limit: 9 })).total)).toBe(0)
  })

  test('of a secret kept by an earlier version only the change is shown', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    await bench.catalog(async ({ catalog }) => {
      const { id, document } = (await catalog.jobs.findByName('Share'))!
      await catalog.jobs.update(id, { document: { ...document, apiToken: 'hush', more: { smtp_password: 'hush' } } })
    })
    const { err, out } = await bench.run('run', bench.file(bench.aJob()))
    expect(err).toContain('apiToken: changed')
    expect(err).toContain('more: ')
    expect(err + out).not.toContain('hush')
  })

  test('an inline map that is as it was is not stored again, a changed one is', async () => {
    const withMap = (email: boolean): unknown =>
      bench.aJob(
        {},
        {
          account_map: {
            map_by: { email, name: true },
            exceptions: [{ source: { email: 'a@x' }, destination: { email: 'b@y' } }],
          },
        },
      )
    const maps = (): Promise<number> =>
      bench.catalog(async ({ catalog }) => (await catalog.maps.list('account_map', { offset: 0, limit: 9 })).total)
    await bench.run('run', bench.file(withMap(true)))
    expect((await bench.run('run', bench.file(withMap(true)))).err).not.toContain('Changed')
    expect(await maps()).toBe(1)
    expect((await bench.run('run', bench.file(withMap(false)))).err).toContain('account_map')
    expect(await maps()).toBe(2)
  })

  test('changed endpoints are refused, each named, and nothing runs', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    bench.commands.length = 0
    const other = bench.aJob()
    other.transfer.destination.connection.auth.root = bench.folder
    other.transfer.source.target.path = '/deeper'
    const { code, err } = await bench.run('run', bench.file(other))
    expect(code).toBe(2)
    expect(err).toContain(`transfer.destination.connection.auth.root: "${bench.folder}/new" → "${bench.folder}"`)
    expect(err).toContain('transfer.source.target.path: "/" → "/deeper"')
    expect(bench.commands).toEqual([])
  })

  test('--new makes another job of the same name, with its own endpoints', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    const other = bench.aJob()
    other.transfer.source.target.path = '/deeper'
    const { code, out } = await bench.run('run', bench.file(other), '--new')
    expect(code).toBe(0)
    expect(out).toMatch(/^Run 1/)
    expect(await bench.catalog(async ({ catalog }) => (await catalog.jobs.list({ offset: 0, limit: 9 })).total)).toBe(2)
  })

  test('an interruption pauses, says how to go on, and the same command does', async () => {
    bench.endings = ['never']
    const file = bench.file(bench.aJob())
    const running = bench.run('run', file)
    await bench.interrupt(() => bench.commands.includes('start'))
    const { code, err } = await running
    expect(code).toBe(130)
    expect(err).toContain(`stevedore run --home ${bench.home} ${file}`)
    expect(bench.commands).toEqual(['start', 'pause'])

    const again = await bench.run('run', file)
    expect(again.code).toBe(0)
    expect(again.out).toMatch(/^Run 1/)
    expect(bench.commands).toEqual(['start', 'pause', 'resume'])
  })

  test('settings changed while it was paused are told when it goes on, and what becomes of them', async () => {
    bench.endings = ['never']
    const running = bench.run('run', bench.file(bench.aJob()))
    await bench.interrupt(() => bench.commands.includes('start'))
    await running
    const changed = await bench.run('run', bench.file(bench.aJob({}, { large_item: 'skip' })))
    expect(changed.err.split('\n')).toEqual([
      'Changed since the last run of "Share":',
      '  transfer.large_item: (absent) → "skip"',
      'Going on with execution 1 of "Share".',
      expect.stringMatching(/^Changed since execution 1 began: what execution 1 has decided stays so; a worker .*\.$/),
      expect.stringMatching(/^"Share", execution 1/),
      expect.stringMatching(/^http/),
    ])
  })

  test.each([false, true])('resume tells settings that changed since the execution began (json: %s)', async (json) => {
    bench.endings = ['never']
    const running = bench.run('run', bench.file(bench.aJob()))
    await bench.interrupt(() => bench.commands.includes('start'))
    await running
    await bench.catalog(async ({ catalog }) => {
      const { id, document } = (await catalog.jobs.findByName('Share'))!
      await catalog.jobs.update(id, { document: { ...document, priority: 3 } })
    })
    const resumed = await bench.run('job', 'resume', 'Share', ...(json ? ['--json'] : []))
    if (json) expect(resumed.lines[0]).toEqual({ type: 'changed', execution: 1, changes: ['priority: (absent) → 3'] })
    else expect(resumed.err).toMatch(/^Changed since execution 1 began: .*\n {2}priority: \(absent\) → 3$/)
    expect((await bench.run('job', 'resume', 'Share')).err).toBe('')
  })

  test('interrupted while the server is being started, it begins nothing, and says how to go on', async () => {
    bench.whenServing = async (signal) => {
      await bench.interrupt()
      signal?.throwIfAborted()
    }
    const file = bench.file(bench.aJob())
    const { code, err } = await bench.run('run', file)
    expect(code).toBe(130)
    expect(err).toBe(`Interrupted. To go on: stevedore run --home ${bench.home} ${file}`)
    expect(bench.commands).toEqual([])
  })

  test('interrupted between server and execution, it begins nothing, and closes the server', async () => {
    let closed = 0
    bench.whenServing = () => bench.interrupt()
    bench.whenClosing = async () => void closed++
    const { code, err } = await bench.run('run', bench.file(bench.aJob()))
    expect(code).toBe(130)
    expect(err).toContain('To go on: stevedore run')
    expect(bench.commands).toEqual([])
    expect(closed).toBe(1)
  })

  test('interrupted while the execution begins, it pauses that, once it has begun', async () => {
    bench.endings = ['never']
    bench.whenTold = async (command) => {
      if (command === 'start') await bench.interrupt()
    }
    const { code, err } = await bench.run('run', bench.file(bench.aJob()))
    expect(code).toBe(130)
    expect(bench.commands).toEqual(['start', 'pause'])
    expect(err).toMatch(/^Paused\. To go on: /m)
  })

  test('interrupted as it ends, it says how it ended', async () => {
    bench.endings = ['never']
    bench.whenTold = async (command) => {
      if (command !== 'pause') return
      setTimeout(() => {
        void bench.catalog(async ({ catalog }) => {
          const { id } = (await catalog.jobs.findByName('Share'))!
          await catalog.executions.update(id, 1, { status: 'completed', phase: 'complete', endedOn: 1 })
          await catalog.jobs.update(id, { status: 'idle' })
        })
      }, 100)
      throw new Refused('it is not running')
    }
    const running = bench.run('run', bench.file(bench.aJob()))
    await bench.interrupt(() => bench.commands.includes('start'))
    const { code, out } = await running
    expect(out).toMatch(/^Run 1 of "Share" completed/)
    expect(code).toBe(0)
  })

  test('interrupted right after it ended, it says nothing of a pause that its closed connection cut off', async () => {
    bench.endings = ['never']
    const cutOff = Promise.withResolvers<never>()
    bench.whenTold = (command) => (command === 'pause' ? cutOff.promise : Promise.resolve())
    bench.whenClosing = async () => cutOff.reject(new Error('Channel has been shut down'))
    const running = bench.run('run', bench.file(bench.aJob()))
    await until(() => bench.commands.includes('start'))
    await bench.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.executions.update(id, 1, { status: 'completed', phase: 'complete', endedOn: 1 })
      await catalog.jobs.update(id, { status: 'idle' })
      await bench.interrupt()
    })
    const { code, out, err } = await running
    expect([code, bench.commands]).toEqual([0, ['start', 'pause']])
    expect(out).toMatch(/^Run 1 of "Share" completed/)
    expect(err).not.toContain('The pause failed')
  })

  test('interrupted while it closes after its end, it pauses nothing and says nothing', async () => {
    bench.whenClosing = () => bench.interrupt()
    const { code, err } = await bench.run('run', bench.file(bench.aJob()))
    expect([code, bench.commands]).toEqual([0, ['start']])
    expect(err).not.toMatch(/paus/i)
  })

  test.each([
    ['the pause gets no answer', 'pause'],
    ['something does not close', 'close'],
  ])('interrupted, it ends with 130 though %s', async (_what, fails) => {
    bench.endings = ['never']
    bench.whenTold = async (command) => {
      if (command === fails) throw new Error('no answer within 30 s')
    }
    bench.whenClosing = async () => {
      if (fails === 'close') throw new Error('the server does not end')
    }
    const running = bench.run('run', bench.file(bench.aJob()))
    await bench.interrupt(() => bench.commands.includes('start'))
    const { code, err } = await running
    expect(code).toBe(130)
    expect(err).toMatch(/The pause failed: no answer|warning: something did not close as it should/)
    expect(err).toContain('To go on: stevedore run')
  })

  test.each([[[]], [['--json']]])('what it waits for is said once, and that it goes on (%j)', async (options) => {
    bench.endings = ['never']
    const running = bench.run('run', bench.file(bench.aJob()), ...options)
    await until(() => bench.commands.includes('start'))
    const told = (): string[] =>
      options.length > 0
        ? bench.printed.filter((line) => line.includes('"waiting"'))
        : bench.said.split('\n').filter((line) => /waiting|going on/.test(line))
    for (const [waitingFor, lines] of [['destination: "/mnt/new" is gone', 1] as const, [null, 2] as const]) {
      await bench.waits(waitingFor)
      await until(() => told().length === lines)
      await sleep(300)
      expect(told()).toHaveLength(lines)
    }
    await bench.interrupt()
    await running
    expect(told()).toEqual(
      options.length > 0
        ? [
            '{"type":"waiting","waiting_for":"destination: \\"/mnt/new\\" is gone"}',
            '{"type":"waiting","waiting_for":null}',
          ]
        : ['waiting: destination: "/mnt/new" is gone', 'no longer waiting: going on'],
    )
  })

  test('an execution that a dead process left is gone on with, not begun anew', async () => {
    bench.endings = ['never']
    const file = bench.file(bench.aJob())
    const running = bench.run('run', file)
    await bench.interrupt(() => bench.commands.includes('start'))
    await running
    await bench.catalog(async ({ catalog }) => {
      const job = (await catalog.jobs.findByName('Share'))!
      await catalog.control.write(job.id, { paused: false })
      await catalog.jobs.update(job.id, { status: 'running' })
    })
    bench.commands.length = 0
    const goingOn = bench.run('run', file)
    await until(() => bench.served === 2)
    await end()
    const { err, code } = await goingOn
    expect(err).toContain('Going on with execution 1')
    expect(code).toBe(0)
    expect(bench.commands).toEqual([])

    async function end(): Promise<void> {
      await bench.catalog(async ({ catalog }) => {
        const { id } = (await catalog.jobs.findByName('Share'))!
        await catalog.executions.update(id, 1, {
          status: 'completed',
          phase: 'complete',
          endedOn: 1,
          balance: aBalance({ success: 1 }),
        })
        await catalog.jobs.update(id, { status: 'idle' })
      })
    }
  })

  test('paused by another command, it says so once, with the command that goes on, and follows it to its end', async () => {
    bench.endings = ['never']
    const running = bench.run('run', bench.file(bench.aJob()))
    await until(() => bench.commands.includes('start'))
    await bench.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.jobs.update(id, { status: 'paused' })
      await until(() => bench.said.includes('Paused'))
      // It looks a few times more, and says nothing more.
      await sleep(300)
      await catalog.jobs.update(id, { status: 'running' })
      await catalog.executions.update(id, 1, { status: 'completed', phase: 'complete', endedOn: 1 })
      await catalog.jobs.update(id, { status: 'idle' })
    })
    const { code, err } = await running
    const paused = `Paused by another command. Go on: stevedore job resume --home ${bench.home} Share`
    expect(err.split('\n').filter((line) => line.includes('Paused'))).toEqual([paused])
    expect([code, bench.commands]).toEqual([0, ['start']])
  })

  test('when the process that served the home ends, this one says that it goes on in its place, and does', async () => {
    bench.endings = ['never']
    bench.serves = false
    let closed = 0
    bench.whenClosing = async () => void closed++
    const running = bench.run('run', bench.file(bench.aJob()))
    await until(() => bench.commands.includes('start'))
    // As long as the other one is there, it is left in its place.
    await sleep(150)
    expect([bench.served, bench.said]).toEqual([1, expect.not.stringContaining('in its place')])
    bench.serves = true
    bench.stillServed = false
    await until(() => bench.served > 1)
    await bench.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.executions.update(id, 1, { status: 'completed', phase: 'complete', endedOn: 1 })
      await catalog.jobs.update(id, { status: 'idle' })
    })
    const { code, err } = await running
    expect(err.split('\n').filter((line) => line.includes('in its place'))).toEqual([
      'The process that served this home has ended; this one goes on in its place.',
    ])
    expect({ code, served: bench.served, closed }).toEqual({ code: 0, served: 2, closed: 2 })
    expect(bench.commands).toEqual(['start'])
  })

  test('an execution that began before it was on record is gone on with', async () => {
    await bench.run('run', bench.file(bench.aJob()))
    // As a process leaves it that dies right after the start.
    await bench.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.jobs.update(id, { status: 'running', lastExecution: 2 })
    })
    bench.commands.length = 0
    const goingOn = bench.run('run', bench.file(bench.aJob()))
    await until(() => bench.served === 2)
    await bench.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.executions.begin(id, 2, false)
      await catalog.executions.update(id, 2, { status: 'completed', phase: 'complete', endedOn: 1 })
      await catalog.jobs.update(id, { status: 'idle' })
    })
    const { code, err } = await goingOn
    expect(err).toContain('Going on with execution 2')
    expect(code).toBe(0)
    expect(bench.commands).toEqual([])
  })

  test('a job that began by its own schedule meanwhile is followed, not refused', async () => {
    bench.refusesStart = 1
    bench.whenRefusing = async (id, catalog) => {
      await catalog.executions.begin(id, 1, false)
      await catalog.jobs.update(id, { status: 'running', lastExecution: 1 })
      // Not after a time: on a busy machine it would have ended before it was looked for, and another would begin.
      void until(() => bench.said.includes('Going on with execution 1'))
        .then(() => catalog.executions.update(id, 1, { status: 'completed', phase: 'complete', endedOn: 1 }))
        .then(() => catalog.jobs.update(id, { status: 'idle' }))
    }
    const { code, out } = await bench.run('run', bench.file(bench.aJob({ schedule: { mode: 'auto' } })))
    expect(out).toMatch(/^Run 1 of "Share" completed/)
    expect(code).toBe(0)
  })

  test('an execution that is just settling its end does not keep the next from beginning', async () => {
    bench.refusesStart = 2
    expect((await bench.run('run', bench.file(bench.aJob()))).code).toBe(0)
    expect(bench.commands).toEqual(['start', 'start', 'start'])
  })

  test('an end that a dead worker left unrecorded delays the next run, and does not refuse it', async () => {
    const file = bench.file(bench.aJob())
    await bench.run('run', file)
    await bench.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.jobs.update(id, { status: 'running' })
    })
    bench.refusesStart = 80
    expect((await bench.run('run', file)).code).toBe(0)
  })

  test('an end that the catalog has and the job has not heard of, as its server was killed, delays the next run', async () => {
    const file = bench.file(bench.aJob())
    await bench.run('run', file)
    bench.refusesStart = 80
    expect((await bench.run('run', file)).code).toBe(0)
  })

  test('an execution that was begun to write is not gone on with once simulation_mode is set', async () => {
    bench.endings = ['never']
    const running = bench.run('run', bench.file(bench.aJob()))
    await bench.interrupt(() => bench.commands.includes('start'))
    expect((await running).code).toBe(130)
    bench.commands.length = 0
    const { code, err } = await bench.run('run', bench.file(bench.aJob({}, { simulation_mode: true })))
    expect(code).toBe(3)
    expect(err).toContain('execution 1 of "Share" was begun to write, and simulation_mode holds from the next one')
    expect(bench.commands).toEqual([])
  })

  test('a job that was paused between two runs is resumed by running it', async () => {
    await bench.run('run', bench.file(bench.aJob({ schedule: { mode: 'auto' } })))
    await bench.catalog(async ({ catalog }) => {
      const { id } = (await catalog.jobs.findByName('Share'))!
      await catalog.jobs.update(id, { status: 'paused' })
    })
    bench.commands.length = 0
    const { code } = await bench.run('run', bench.file(bench.aJob({ schedule: { mode: 'auto' } })))
    expect(code).toBe(0)
    expect(bench.commands).toEqual(['resume', 'start'])
  })

  test('a document from standard input', async () => {
    bench.type(JSON.stringify(bench.aJob()))
    expect((await bench.run('run', '-')).code).toBe(0)
  })

  test('what has no end is read no further than a document may go', async () => {
    for (const endless of ['/dev/zero', bench.file(`{"name": "${'x'.repeat(1024 * 1024)}"}`)]) {
      const { code, err } = await bench.run('run', endless)
      expect([code, err]).toEqual([2, `error: ${endless} is larger than 1 MiB, the most that is read`])
      const set = await bench.run('connection', 'add', '--platform', 'fs', '--set', `root=@${endless}`)
      expect([set.code, set.err]).toEqual([2, expect.stringContaining('is larger than 1 MiB')])
    }
    bench.type(' '.repeat(1024 * 1024 + 1))
    expect((await bench.run('run', '-')).err).toContain('standard input is larger than 1 MiB')
  })

  test('a document in another encoding is refused, not read with other names in its filters', async () => {
    const excluded = { source: { rules: [{ type: 'filter_path', path: '/Löhne' }] } }
    const text = JSON.stringify(bench.aJob({}, { filter: excluded }), null, 1)
    const latin1 = Buffer.from(text, 'latin1')
    const line = text.split('\n').findIndex((one) => one.includes('Löhne')) + 1
    const file = await bench.run('run', bench.file(latin1))
    expect(file).toMatchObject({
      code: 2,
      err: expect.stringContaining(`job.json is not UTF-8, at line ${line}; save it`),
    })
    bench.type(latin1)
    expect((await bench.run('run', '-')).err).toContain(`standard input is not UTF-8, at line ${line}`)
    bench.type(Buffer.concat([Buffer.from('\uFEFF'), Buffer.from(text)]))
    expect((await bench.run('run', '-')).code).toBe(0)
    expect(bench.served).toBe(1)
  })
})
