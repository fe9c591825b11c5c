import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { openHome, type Home } from '../../src/home/home.ts'
import { openServer, type TemporalServer } from '../../src/temporal/server.ts'

const ok = 0
const notFound = 5
const denied = 7

let folder: string
let home: Home
let server: Http2Server
let sessions: Set<ServerHttp2Session>
/** How somebody else's server answers each call, by gRPC's status; the others get no answer. */
let answers: Record<string, number>
let asked: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-server-'))
  home = openHome(folder)
  sessions = new Set()
  asked = []
  server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    const call = headers[':path']!.split('/').at(-1)!
    asked.push(call)
    stream.on('error', () => undefined)
    const status = answers[call]
    if (status === undefined) return
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }))
    stream.end(status === ok ? Buffer.alloc(5) : undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  for (const session of sessions) session.destroy()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(signal?: AbortSignal): Promise<TemporalServer> {
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const { cache, temporal } = readConfig({ ...process.env, TEMPORAL_ADDRESS: address })
  const calledOff = signal ? { signal } : {}
  return openServer(home, { config: { cache, temporal }, say: () => undefined, ...calledOff })
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}

test('whoever is refused a namespace is told what to do, and leaves no connection open', async () => {
  answers = { GetSystemInfo: ok, DescribeNamespace: notFound, RegisterNamespace: denied }
  await expect(open()).rejects.toThrow(/somebody who may has to run once: temporal operator namespace create/)
  await until(() => sessions.size === 0)
})

test.each([
  ['connecting', {}, 'GetSystemInfo'],
  ['preparing the namespace', { GetSystemInfo: ok }, 'DescribeNamespace'],
])('called off while it is %s, it waits no longer, and leaves no connection open', async (_what, known, last) => {
  answers = known
  const calling = new AbortController()
  const opening = open(calling.signal)
  const ended = expect(opening).rejects.toThrow('Ctrl-C')
  await until(() => asked.includes(last))
  const before = performance.now()
  calling.abort(new Error('Ctrl-C'))
  await ended
  await until(() => sessions.size === 0)
  expect(performance.now() - before).toBeLessThan(2_000)
})
