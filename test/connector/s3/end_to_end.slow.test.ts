import { randomFillSync } from 'node:crypto'
import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, jest, test } from '@jest/globals'
import { compareTrees } from '../../../scripts/rig/compare_trees.ts'
import { startStevedore, tail, type Running } from '../../../scripts/rig/processes.ts'
import { FaultProxy } from '../../../scripts/testbed/fault_proxy.ts'
import { uploadsIn } from '../../conformance/s3_oracle.ts'
import { aServer } from '../../rig/a_server.ts'

/** The command as people run it, against a real server, and a proxy before it that counts and disturbs. */
jest.setTimeout(600_000)
const mib = 1024 * 1024
const server = await aServer('s3')
const proxy = server && (await FaultProxy.before(server.port))
const folder = disk.mkdtempSync(join(disk.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-s3-e2e-'))
const running = new Set<Running>()
const testIf = server ? test : test.skip

afterEach(() => proxy?.reset())
afterAll(async () => {
  for (const one of running) await one.end('SIGTERM')
  await proxy?.close()
  await server?.end()
  disk.rmSync(folder, { recursive: true, force: true })
})

testIf('a share moves to S3 and back, a second run writes nothing, and of a third only what changed', async () => {
  const [old, back] = [sideOf('old'), sideOf('back')]
  writeNastyTree(old)
  const there = jobOf('there', onDisk(old), inBucket('share'))
  await runs('home', there)
  await runs('home', jobOf('back', inBucket('share'), onDisk(back)))
  expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
  expect(leftOver()).toEqual([])

  proxy!.reset()
  await runs('home', there)
  expect(writes()).toEqual([])

  proxy!.reset()
  disk.writeFileSync(join(old, 'folder', 'changed.txt'), 'of today')
  await runs('home', there)
  expect(writes()).toEqual([expect.objectContaining({ method: 'PUT', path: expect.stringContaining('/changed.txt') })])
})

testIf('a large file of which the upload was killed goes on where it was, and leaves nothing behind', async () => {
  const old = sideOf('large')
  writeNoise(join(old, 'large.bin'), 300 * mib)
  const job = jobOf('large', onDisk(old), inBucket('large'))
  const first = start('killed', job)
  const isPart = (path: string) => path.includes('partNumber=')
  const parts = () => proxy!.seen.filter(({ path, status }) => isPart(path) && status === 200)
  await until(() => parts().length >= 20 || !first.alive())
  await first.end('SIGKILL')
  const sentBefore = parts().length * 8 * mib
  expect(sentBefore).toBeLessThan(300 * mib)

  proxy!.reset()
  await runs('killed', job)
  const sentAfter = proxy!.seen.filter(({ path }) => isPart(path)).reduce((sum, { bytes }) => sum + bytes, 0)
  const owed = 300 * mib - sentBefore
  expect(sentAfter).toBeLessThan(owed + 0.1 * 300 * mib)
  expect(leftOver()).toEqual([])
  expect(
    disk.readFileSync(join(server!.data, 'large/large.bin')).equals(disk.readFileSync(join(old, 'large.bin'))),
  ).toBe(true)
})

testIf('throttling, outages and answers that are lost cost time and nothing else', async () => {
  const old = sideOf('disturbed')
  for (let i = 0; i < 60; i++) disk.writeFileSync(join(old, `file ${i}.txt`), `content of ${i}`)
  writeNoise(join(old, 'large.bin'), 20 * mib)
  const isFile = /disturbed\/file/
  proxy!.toxics = [
    {
      when: { method: 'PUT', path: isFile },
      every: 19,
      times: 2,
      does: { status: 503, body: '<Error><Code>SlowDown</Code></Error>' },
    },
    {
      when: { method: 'PUT', path: isFile },
      every: 29,
      times: 1,
      does: { status: 429, headers: { 'retry-after': '1' } },
    },
    { when: { method: 'PUT', path: isFile }, every: 23, times: 2, does: { loseAnswer: true } },
    { when: { method: 'POST', path: /large\.bin\?uploadId/ }, times: 1, does: { loseAnswer: true } },
    { when: { method: 'PUT', path: /partNumber=2/ }, times: 1, does: { status: 500 } },
  ]
  await runs('disturbed', jobOf('disturbed', onDisk(old), inBucket('disturbed')))
  // The server gives its files times of its own; those carried along stand beside them.
  const anyTime = { folderTimes: false, toleranceNs: 10n ** 20n }
  expect(compareTrees(old, join(server!.data, 'disturbed'), anyTime).differences).toEqual([])
  expect(leftOver()).toEqual([])
})

testIf('bodies that break off, drip or never come are read again, and what arrives is whole', async () => {
  const [old, back] = [sideOf('sent'), sideOf('fetched')]
  for (let i = 0; i < 20; i++) disk.writeFileSync(join(old, `file ${i}.bin`), Buffer.alloc(300_000, i))
  writeNoise(join(old, 'large.bin'), 20 * mib)
  await runs('sent', jobOf('sent', onDisk(old), inBucket('sent')))
  const get = (path: RegExp) => ({ method: 'GET', path })
  proxy!.toxics = [
    { when: get(/large\.bin$/), times: 1, does: { cutAfterBytes: 5 * mib } },
    { when: get(/file%207\.bin$/), times: 1, does: { cutAfterBytes: 100_000 } },
    { when: get(/file%209\.bin$/), times: 1, does: { halfOpen: true } },
    { when: get(/file%2011\.bin$/), does: { bytesPerSecond: 300_000 } },
    { when: get(/list-type=2/), does: { latencyMs: 100 } },
  ]
  await runs('sent', jobOf('fetched', inBucket('sent'), onDisk(back)))
  expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
})

function sideOf(name: string): string {
  disk.mkdirSync(join(folder, name), { recursive: true })
  return join(folder, name)
}

function onDisk(root: string): object {
  return { connection: { platform: { id: 'fs' }, auth: { root, impersonation: 'ignore' } }, target: { path: '/' } }
}

function inBucket(path: string): object {
  const auth = { ...server!.auth, endpoint: `http://127.0.0.1:${proxy!.port}`, timeout: 3 }
  return { connection: { platform: { id: 'amazon-s3' }, auth }, target: { path: `/${path}` } }
}

function jobOf(name: string, source: object, destination: object): string {
  const file = join(folder, `${name}.json`)
  disk.writeFileSync(
    file,
    JSON.stringify({ name, kind: 'transfer', transfer: { transfer_type: 'copy', source, destination } }),
  )
  return file
}

function start(home: string, job: string): Running {
  const one = startStevedore(['run', job], {
    home: join(folder, `home of ${home}`),
    log: join(folder, `${home}.log`),
  })
  running.add(one)
  void one.ended.then(() => running.delete(one))
  return one
}

async function runs(home: string, job: string): Promise<void> {
  const { code } = await start(home, job).ended
  if (code !== 0) throw new Error(`stevedore run ended with ${code}:\n${tail(join(folder, `${home}.log`))}`)
}

/** Requests that changed something, or tried to. */
function writes() {
  return proxy!.seen.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
}

function leftOver(): string[] {
  return uploadsIn(server!.data)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

function writeNoise(path: string, bytes: number): void {
  const fd = disk.openSync(path, 'w')
  const chunk = Buffer.allocUnsafe(mib)
  for (let at = 0; at < bytes; at += mib) disk.writeSync(fd, randomFillSync(chunk), 0, Math.min(mib, bytes - at))
  disk.closeSync(fd)
}

function writeNastyTree(root: string): void {
  const deep = Array.from({ length: 20 }, (_, i) => `level ${i}`)
  for (const path of [['folder'], ['empty'], deep, ['Ünï +%&=?#;:@"\'<>']])
    disk.mkdirSync(join(root, ...path), { recursive: true })
  const names = [
    'plain.txt',
    'with space',
    '100% +plus',
    'a&b=c?d#e',
    'quote"\'<x>',
    'ä\u0308 decomposed',
    '日本語',
    '🚀',
    '-rf',
    'back\\slash',
    '~',
    '%2e%2e',
    'x'.repeat(200),
  ]
  for (const [i, name] of names.entries()) {
    for (const at of [root, join(root, ...deep), join(root, 'Ünï +%&=?#;:@"\'<>')]) {
      disk.writeFileSync(join(at, name), Buffer.alloc(i * 1009, name))
      disk.utimesSync(join(at, name), 1_500_000_000 + i, 1_500_000_000.25 + i)
    }
  }
  disk.writeFileSync(join(root, 'folder', 'changed.txt'), 'of yesterday')
  disk.writeFileSync(join(root, 'empty.bin'), '')
  for (const [name, bytes] of [
    ['one part', 8 * mib],
    ['two parts', 8 * mib + 1],
    ['large', 100 * mib],
  ] as const)
    writeNoise(join(root, 'folder', name), bytes)
  disk.utimesSync(join(root, 'folder', 'two parts'), -1000, -1000)
}
