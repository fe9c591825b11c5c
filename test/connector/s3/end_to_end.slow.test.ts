import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, jest, test } from '@jest/globals'
import { compareTrees } from '../../../scripts/rig/compare_trees.ts'
import { FaultProxy } from '../../../scripts/testbed/fault_proxy.ts'
import { uploadsIn } from '../../conformance/s3_oracle.ts'
import { aServer } from '../../rig/a_server.ts'
import { mib, Moves, onDisk, until, writeNastyTree, writeNoise } from '../../rig/moves.ts'
import { removes } from '../../rig/removes.ts'
import { syncsBothWays } from '../../rig/sync_both_ways.ts'

/** The command as people run it, against a real server, and a proxy before it that counts and disturbs. */
jest.setTimeout(600_000)
const server = await aServer('s3')
const proxy = server && (await FaultProxy.before(server.port))
const moves = new Moves('s3')
const testIf = server ? test : test.skip

afterEach(() => proxy?.reset())
afterAll(async () => {
  await moves.end()
  await proxy?.close()
  await server?.end()
})

testIf('a share moves to S3 and back, a second run writes nothing, and of a third only what changed', async () => {
  const [old, back] = [moves.sideOf('old'), moves.sideOf('back')]
  writeNastyTree(old)
  const there = moves.jobOf('there', onDisk(old), inBucket('share'))
  await moves.runs('home', there)
  await moves.runs('home', moves.jobOf('back', inBucket('share'), onDisk(back)))
  expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
  expect(leftOver()).toEqual([])

  proxy!.reset()
  await moves.runs('home', there)
  expect(writes()).toEqual([])

  proxy!.reset()
  disk.writeFileSync(join(old, 'folder', 'changed.txt'), 'of today')
  await moves.runs('home', there)
  expect(writes()).toEqual([expect.objectContaining({ method: 'PUT', path: expect.stringContaining('/changed.txt') })])
})

testIf('what is mirrored, published or moved away leaves the server, also when the removal is killed', () =>
  removes(moves, inBucket, server!.data),
)

testIf('a share and a place on the server are kept the same, whichever side is written on', () =>
  syncsBothWays(moves, inBucket('synced')),
)

testIf('a large file of which the upload was killed goes on where it was, and leaves nothing behind', async () => {
  const old = moves.sideOf('large')
  writeNoise(join(old, 'large.bin'), 300 * mib)
  const job = moves.jobOf('large', onDisk(old), inBucket('large'))
  const first = moves.start('killed', job)
  const isPart = (path: string) => path.includes('partNumber=')
  const parts = () => proxy!.seen.filter(({ path, status }) => isPart(path) && status === 200)
  await until(() => parts().length >= 20 || !first.alive())
  await first.end('SIGKILL')
  const sentBefore = parts().length * 8 * mib
  expect(sentBefore).toBeLessThan(300 * mib)

  proxy!.reset()
  await moves.runs('killed', job)
  const sentAfter = proxy!.seen.filter(({ path }) => isPart(path)).reduce((sum, { bytes }) => sum + bytes, 0)
  const owed = 300 * mib - sentBefore
  expect(sentAfter).toBeLessThan(owed + 0.1 * 300 * mib)
  expect(leftOver()).toEqual([])
  expect(
    disk.readFileSync(join(server!.data, 'large/large.bin')).equals(disk.readFileSync(join(old, 'large.bin'))),
  ).toBe(true)
})

testIf('throttling, outages and answers that are lost cost time and nothing else', async () => {
  const old = moves.sideOf('disturbed')
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
  await moves.runs('disturbed', moves.jobOf('disturbed', onDisk(old), inBucket('disturbed')))
  // The server gives its files times of its own; those carried along stand beside them.
  const anyTime = { folderTimes: false, toleranceNs: 10n ** 20n }
  expect(compareTrees(old, join(server!.data, 'disturbed'), anyTime).differences).toEqual([])
  expect(leftOver()).toEqual([])
})

testIf('bodies that break off, drip or never come are read again, and what arrives is whole', async () => {
  const [old, back] = [moves.sideOf('sent'), moves.sideOf('fetched')]
  for (let i = 0; i < 20; i++) disk.writeFileSync(join(old, `file ${i}.bin`), Buffer.alloc(300_000, i))
  writeNoise(join(old, 'large.bin'), 20 * mib)
  await moves.runs('sent', moves.jobOf('sent', onDisk(old), inBucket('sent')))
  const get = (path: RegExp) => ({ method: 'GET', path })
  proxy!.toxics = [
    { when: get(/large\.bin$/), times: 1, does: { cutAfterBytes: 5 * mib } },
    { when: get(/file%207\.bin$/), times: 1, does: { cutAfterBytes: 100_000 } },
    { when: get(/file%209\.bin$/), times: 1, does: { halfOpen: true } },
    { when: get(/file%2011\.bin$/), does: { bytesPerSecond: 300_000 } },
    { when: get(/list-type=2/), does: { latencyMs: 100 } },
  ]
  await moves.runs('sent', moves.jobOf('fetched', inBucket('sent'), onDisk(back)))
  expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
})

function inBucket(path: string): object {
  const auth = { ...server!.auth, endpoint: `http://127.0.0.1:${proxy!.port}`, timeout: 3 }
  return { connection: { platform: { id: 'amazon-s3' }, auth }, target: { path: `/${path}` } }
}

/** Requests that changed something, or tried to. */
function writes() {
  return proxy!.seen.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
}

function leftOver(): string[] {
  return uploadsIn(server!.data)
}
