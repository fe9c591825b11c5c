import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect as reach, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@temporalio/client'
import { readConfig } from '../../src/config.ts'
import { openHome, type Home } from '../../src/home/home.ts'
import { isRunning, markOf, type ProcessMark } from '../../src/home/process.ts'
import { startEmbedded, type Embedded, type EmbeddedOptions } from '../../src/temporal/embedded.ts'
import { keepRunning } from '../../src/temporal/keep_running.ts'
import { isListening } from '../../src/temporal/ports.ts'
import { temporalProgram } from '../../src/temporal/program.ts'
import { openServer, type TemporalServer } from '../../src/temporal/server.ts'
import { attributes } from '../../workflows/search_attributes.ts'
import { serversOf } from '../../src/temporal/servers_of.ts'

let folder: string
let home: Home
let said: string[]
let open: (Embedded | TemporalServer)[]
const say = (line: string): void => void said.push(line)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-embedded-'))
  home = openHome(folder)
  said = []
  open = []
})

afterEach(async () => {
  for (const server of open) await server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function start(options: Partial<EmbeddedOptions> = {}): Promise<Embedded> {
  const server = await startEmbedded(home, { program: await program(), namespace: 'stevedore', say, ...options })
  open.push(server)
  return server
}

function program(): Promise<string> {
  return temporalProgram({ cache: readConfig().cache, say: (line) => process.stderr.write(`${line}\n`) })
}

async function serve(address?: string, namespace = 'stevedore'): Promise<TemporalServer> {
  const { cache, temporal } = readConfig({ ...process.env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace })
  const server = await openServer(home, { config: { cache, temporal }, say })
  open.push(server)
  return server
}

test('the embedded server has our namespace with 30 days of retention, and our search attributes', async () => {
  const { connection, ui } = await serve()
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'stevedore' })
  expect(Number(config!.workflowExecutionRetentionTtl!.seconds)).toBe(30 * 24 * 3_600)
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'stevedore' })
  expect(Object.keys(customAttributes!)).toEqual(
    expect.arrayContaining(Object.values(attributes).map(({ name }) => name)),
  )
  const page = await fetch(`${ui}/namespaces/stevedore/workflows`)
  expect(page.status).toBe(200)
})

test('the embedded server listens on this machine only', async () => {
  const { address } = await start()
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
  const port = Number(address.split(':')[1])
  // Another loopback address is not the one it was bound to.
  const reached = await new Promise<boolean>((resolve) => {
    const socket = reach({ host: '127.0.0.2', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  expect(reached).toBe(false)
})

test('a server that is started again is where it was, and knows what it knew', async () => {
  const first = await serve()
  const client = new Client({ connection: first.connection, namespace: 'stevedore' })
  await client.workflow.start('nobody', { workflowId: 'kept', taskQueue: 'none' })
  await first.close()
  const second = await serve()
  expect([second.address, second.ui]).toEqual([first.address, first.ui])
  const again = new Client({ connection: second.connection, namespace: 'stevedore' })
  expect((await again.workflow.getHandle('kept').describe()).type).toBe('nobody')
})

test('closing the embedded server ends its process', async () => {
  const server = await start()
  const mark = markOf(server.pid)
  expect(isRunning(mark)).toBe(true)
  await server.close()
  expect(isRunning(mark)).toBe(false)
  expect(JSON.parse(readFileSync(join(home.path, 'temporal.json'), 'utf8'))).not.toHaveProperty('server')
})

test('a server that a killed process left running is ended, and its successor is where it was', async () => {
  const left = await start()
  const next = await start()
  expect(next).toMatchObject({ address: left.address, ui: left.ui })
  expect(isRunning(markOf(left.pid))).toBe(false)
  expect(serversOf(home)).toEqual([next.pid])
})

test('a server that nobody remembers is ended: two of them on one database would spoil it', async () => {
  const first = await start()
  rmSync(join(home.path, 'temporal.json'))
  const next = await start()
  expect(serversOf(home)).toEqual([next.pid])
  expect(isRunning(markOf(first.pid))).toBe(false)
})

test('Ctrl-C in a terminal does not reach the embedded server: it has a process group of its own', async () => {
  const { pid } = await start()
  const group = (of: number): string => {
    const stat = readFileSync(`/proc/${of}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]!
  }
  if (process.platform === 'linux') expect(group(pid)).not.toBe(group(process.pid))
})

test('a database of another version is moved aside, with a word about it', async () => {
  await (await start()).close()
  const file = join(home.path, 'temporal.json')
  const state = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  writeFileSync(file, JSON.stringify({ ...state, version: 'temporal version 1.0.0', build: 'another' }))
  await start()
  expect(said).toHaveLength(1)
  expect(said[0]).toContain('it was made by temporal version 1.0.0')
  expect(readdirSync(home.path).filter((name) => /^temporal\.db\.2/.test(name)).length).toBeGreaterThan(0)
  expect(existsSync(home.temporal)).toBe(true)
})

test('a database that is none is moved aside, not overwritten', async () => {
  writeFileSync(home.temporal, 'these are not the pages you are looking for'.repeat(200))
  await start()
  const [aside] = readdirSync(home.path).filter((name) => /^temporal\.db\.2/.test(name))
  expect(readFileSync(join(home.path, aside!), 'utf8')).toContain('not the pages')
  expect(said[0]).toContain('it is damaged (file is not a database)')
})

test('a port that somebody took meanwhile is given up for another', async () => {
  const other = openHome(join(folder, 'other'))
  const taken = await start()
  while (!(await isListening(Number(new URL(taken.ui).port)))) await sleep(20)
  const state = readFileSync(join(home.path, 'temporal.json'), 'utf8')
  const { server: _, ...ports } = JSON.parse(state) as Record<string, unknown>
  writeFileSync(join(other.path, 'temporal.json'), JSON.stringify(ports))
  home = other
  const second = await start()
  expect(second.address).not.toBe(taken.address)
})

test('a start that is called off leaves no server', async () => {
  const calledOff = new AbortController()
  const starting = start({ signal: calledOff.signal })
  const ended = expect(starting).rejects.toThrow(/abort/i)
  while (serversOf(home).length === 0) await sleep(1)
  calledOff.abort()
  await ended
  expect(serversOf(home)).toEqual([])
})

test('the program is asked for its version once, and again when it is another', async () => {
  const copy = join(folder, 'temporal')
  const script = `#!/bin/sh\necho "$1" >> ${join(folder, 'asked')}\nexec "${await program()}" "$@"\n`
  writeFileSync(copy, script, { mode: 0o755 })
  for (let i = 0; i < 2; i++) await (await start({ program: copy })).close()
  writeFileSync(copy, `${script}\n`, { mode: 0o755 })
  await (await start({ program: copy })).close()
  const asked = readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n')
  expect(asked.filter((arg) => arg === '--version')).toHaveLength(2)
  expect(said).toEqual([])
})

test('a server is known from its first moment, so that whoever comes after a death can end it', async () => {
  const starting = new AbortController()
  const begun = start({ signal: starting.signal }).catch(() => undefined)
  while (serversOf(home).length === 0) await sleep(1)
  const { server } = JSON.parse(readFileSync(join(home.path, 'temporal.json'), 'utf8')) as { server: ProcessMark }
  expect(serversOf(home)).toEqual([server.pid])
  starting.abort()
  await begun
  expect(serversOf(home)).toEqual([])
})

test("on somebody else's server our namespace and search attributes are made, once", async () => {
  const { address } = await start()
  for (let i = 0; i < 2; i++) {
    const { connection, ui } = await serve(address, 'migrations')
    expect(ui).toBeUndefined()
    const { config } = await connection.workflowService.describeNamespace({ namespace: 'migrations' })
    expect(Number(config!.workflowExecutionRetentionTtl!.seconds)).toBe(30 * 24 * 3_600)
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'migrations' })
    expect(customAttributes).toHaveProperty('StevedoreStatus')
  }
})

test("closing leaves somebody else's server alone", async () => {
  const { address, pid } = await start()
  await (await serve(address)).close()
  open.splice(1)
  expect(isRunning(markOf(pid))).toBe(true)
})

describe('a server that has ended is started again at its address, for those who are connected', () => {
  async function kill({ pid }: { pid?: number }): Promise<void> {
    const mark = markOf(pid!)
    process.kill(pid!, 'SIGKILL')
    while (isRunning(mark)) await sleep(5)
  }

  test('and knows what it knew', async () => {
    const server = await serve()
    expect(await server.keep()).toBe(false)
    const { pid } = server
    await kill(server)
    expect(await server.keep()).toBe(true)
    expect(serversOf(home)).toEqual([server.pid])
    expect(server.pid).not.toBe(pid)
    await server.answers()
  })

  test('as soon as who has its port leaves it, and its Web UI where it was', async () => {
    const server = await serve()
    const { ui } = server
    const port = Number(server.address.split(':')[1])
    await kill(server)
    const other = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
    await once(other, 'listening')
    await expect(server.keep()).rejects.toThrow(`another program has port ${port}`)
    other.close()
    expect(await server.keep()).toBe(true)
    expect(server.ui).toBe(ui)
    await server.answers()
  })

  test('with a namespace of 30 days, if its database had to be set aside', async () => {
    const server = await serve()
    await kill(server)
    for (const end of ['-wal', '-shm']) rmSync(home.temporal + end, { force: true })
    writeFileSync(home.temporal, 'these are not the pages you are looking for'.repeat(200))
    expect(await server.keep()).toBe(true)
    await server.answers()
    const { config } = await server.connection.workflowService.describeNamespace({ namespace: 'stevedore' })
    expect(Number(config!.workflowExecutionRetentionTtl!.seconds)).toBe(30 * 24 * 3_600)
  })

  test('whenever somebody looks after it, until nobody does', async () => {
    const server = await serve()
    let times = 0
    const kept = keepRunning(server, { say, startedAgain: async () => void times++ })
    for (const already of [0, 1]) {
      await kill(server)
      while (times === already) await sleep(20)
    }
    await kept.stop()
    await kill(server)
    await sleep(1_000)
    expect(serversOf(home)).toEqual([])
    expect(said).toEqual(Array(2).fill('The Temporal server had ended; it is started again where it was.'))
  })

  test('also when it is killed while it is being started', async () => {
    const server = await serve()
    const kept = keepRunning(server, { say, startedAgain: (signal) => server.answers(signal) })
    await kill(server)
    for (let pids = serversOf(home); pids.length === 0; pids = serversOf(home)) await sleep(5)
    for (const pid of serversOf(home)) process.kill(pid, 'SIGKILL')
    while (said.length < 2) await sleep(20)
    expect(said).toEqual([expect.stringContaining('it ended with SIGKILL'), expect.stringContaining('started again')])
    await kept.stop()
  })

  test('and no server stays behind when that is called off', async () => {
    const server = await serve()
    const kept = keepRunning(server, { say, startedAgain: () => Promise.resolve() })
    await kill(server)
    while (serversOf(home).length === 0) await sleep(5)
    await kept.stop()
    expect(serversOf(home)).toEqual([])
  })
})

test('a server that cannot be put on record is not left running', async () => {
  mkdirSync(join(home.path, `temporal.json.${process.pid}`))
  await expect(start()).rejects.toThrow('EISDIR')
  expect(serversOf(home)).toEqual([])
})

test('a call that waits to be tried again does not outlive its connection', async () => {
  const server = await serve()
  process.kill(server.pid!, 'SIGKILL')
  const calls = [1, 2, 3].map(() => server.connection.workflowService.describeNamespace({ namespace: 'stevedore' }))
  const ends = Promise.allSettled(calls)
  await sleep(300)
  await server.close()
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
})

describe('who looks after a server', () => {
  test('tries again for as long as it cannot be started, and says so once', async () => {
    let tries = 0
    const keep = (): Promise<boolean> =>
      ++tries < 3 ? Promise.reject(new Error('no space left on device')) : Promise.resolve(true)
    const { promise: again, resolve } = Promise.withResolvers<void>()
    const kept = keepRunning({ keep }, { say, startedAgain: async () => resolve() })
    await again
    await kept.stop()
    expect(said).toEqual([
      'The Temporal server has ended, and is tried until it starts: no space left on device',
      'The Temporal server had ended; it is started again where it was.',
    ])
  })

  test('waits in the end for what it had put right, and calls that off', async () => {
    const begun = Promise.withResolvers<void>()
    let over = false
    const kept = keepRunning(
      { keep: () => Promise.resolve(true) },
      {
        say,
        async startedAgain(signal) {
          begun.resolve()
          await once(signal, 'abort')
          await sleep(50)
          over = true
          throw signal.reason
        },
      },
    )
    await begun.promise
    await kept.stop()
    expect(over).toBe(true)
    expect(said).toHaveLength(1)
  })
})
