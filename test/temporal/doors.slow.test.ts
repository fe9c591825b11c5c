import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@temporalio/client'
import { readConfig } from '../../src/config.ts'
import { openHome } from '../../src/home/home.ts'
import { openServer, type TemporalServer } from '../../src/temporal/server.ts'

let folder: string
let server: TemporalServer
const umask = process.umask(0)
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-doors-'))
  const { cache, temporal } = readConfig({ ...process.env, TEMPORAL_ADDRESS: undefined })
  server = await openServer(openHome(folder), { config: { cache, temporal }, say: () => undefined })
})
afterEach(async () => {
  await server.close()
  process.umask(umask)
  rmSync(folder, { recursive: true, force: true })
})

/** Every TCP port the process listens on. Linux. */
function portsOf(pid: number): number[] {
  const sockets = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)))
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n')
  const listening = rows.map((row) => row.trim().split(/\s+/)).filter(([, , , state]) => state === '0A')
  return listening
    .filter(([, , , , , , , , , inode]) => sockets.has(`socket:[${inode}]`))
    .map(([, local]) => parseInt(local!.split(':')[1]!, 16))
}

function post(port: number, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', headers, timeout: 5_000 }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('timeout', () => asked.destroy()).on('error', () => resolve(undefined))
    asked.end('{}')
  })
}

const page = process.platform === 'linux' ? test : test.skip

page('no web page can send the embedded server a command: every port refuses it, and the job goes on', async () => {
  const client = new Client({ connection: server.connection, namespace: 'stevedore' })
  const job = await client.workflow.start('nobody', { workflowId: 'job-1', taskQueue: 'none' })
  const ports = portsOf(server.pid!)
  expect(ports.length).toBeGreaterThan(3)
  for (const prefix of ['/api/v1', '']) {
    const path = `${prefix}/namespaces/stevedore/workflows/job-1/terminate`
    for (const port of ports)
      for (const host of [`127.0.0.1:${port}`, 'evil.example'])
        for (const origin of ['https://evil.example', 'null']) {
          const status = (await post(port, path, { host, origin, 'content-type': 'text/plain' })) ?? 0
          expect([port, path, status >= 200 && status < 300]).toEqual([port, path, false])
        }
  }
  expect((await job.describe()).status.name).toBe('RUNNING')
})

test('the files the embedded server makes are for their owner alone in themselves', () => {
  const files = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile())
  expect(files).toContain('temporal.db')
  files.push(...readdirSync(join(folder, 'logs')).map((name) => join('logs', name)))
  const modes = files.map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)])
  expect(modes).toEqual(files.map((name) => [name, '600']))
})
