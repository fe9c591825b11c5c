import { randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, jest, test } from '@jest/globals'
import * as xattrs from 'fs-xattr'
import { compareTrees } from '../../../scripts/rig/compare_trees.ts'
import { FaultProxy } from '../../../scripts/testbed/fault_proxy.ts'
import { leftIn, owncloudOracle } from '../../conformance/owncloud_oracle.ts'
import { aServer } from '../../rig/a_server.ts'
import { mib, Moves, onDisk, until, writeNastyTree, writeNoise } from '../../rig/moves.ts'
import { movesAway } from '../../rig/moves_away.ts'
import { syncsBothWays } from '../../rig/sync_both_ways.ts'

/** The command as people run it, against Infinite Scale, and a proxy before it that counts and disturbs. */
jest.setTimeout(600_000)
const server = await aServer('owncloud')
const s3 = await aServer('s3')
const proxy = server && (await FaultProxy.before(server.port))
const space = server && owncloudOracle(server, [], xattrs)
const moves = new Moves('owncloud')
const testIf = server ? test : test.skip
const crosswise = server && s3 ? test : test.skip

afterEach(() => proxy?.reset())
afterAll(async () => {
  await moves.end()
  await proxy?.close()
  await s3?.end()
  await server?.end()
})

/** The server tells whole seconds, and keeps no times of folders. */
const inSeconds = { toleranceNs: 1_000_000_000n, folderTimes: false }

testIf(
  'a share moves to ownCloud and back, a second run writes nothing, and of a third only what changed',
  async () => {
    const [old, back] = [moves.sideOf('old'), moves.sideOf('back')]
    writeNastyTree(old)
    const there = moves.jobOf('there', onDisk(old), inSpace('share'))
    await moves.runs('home', there)
    await moves.runs('home', moves.jobOf('back', inSpace('share'), onDisk(back)))
    expect(compareTrees(old, back, inSeconds).differences).toEqual([])
    expect(leftOver('share')).toEqual([])

    proxy!.reset()
    await moves.runs('home', there)
    expect(writes()).toEqual([])

    proxy!.reset()
    disk.writeFileSync(join(old, 'folder', 'changed.txt'), 'of today')
    await moves.runs('home', there)
    expect(writes()).toEqual([
      expect.objectContaining({ method: 'PUT', path: expect.stringContaining('/changed.txt') }),
    ])
  },
)

crosswise('a space moves to a bucket, and a bucket to a space', async () => {
  const contents: [string, Buffer][] = [['large.bin', randomBytes(25 * mib)]]
  for (let i = 0; i < 30; i++) contents.push([`file ${i} ä+%.txt`, Buffer.from(`content of ${i}`)])
  await space!.makeContainer(['first'])
  for (const [name, content] of contents) await space!.put(['first', name], content)
  await moves.runs('cross', moves.jobOf('to a bucket', inSpace('first'), inBucket('second')))
  await moves.runs('cross', moves.jobOf('to a space', inBucket('second'), inSpace('third')))
  for (const [name, content] of contents)
    expect([name, content.equals((await space!.content(['third', name])) ?? Buffer.alloc(0))]).toEqual([name, true])
  expect(leftOver('third')).toEqual([])
})

testIf('a share and a place on the server are kept the same, whichever side is written on', () =>
  syncsBothWays(moves, inSpace('synced'), { toleranceNs: 1_000_000_000n }),
)

testIf('a share leaves for the server and comes back, and nothing is left behind, not by a death either', () =>
  movesAway(moves, { there: inSpace('moved'), left: () => space!.names(['moved']) }, { toleranceNs: 1_000_000_000n }),
)

testIf('a large file of which the upload was killed goes on where it was, and leaves nothing behind', async () => {
  const old = moves.sideOf('large')
  writeNoise(join(old, 'large.bin'), 200 * mib)
  const job = moves.jobOf('large', onDisk(old), inSpace('large'))
  const first = moves.start('killed', job)
  const pieces = () => proxy!.seen.filter(({ method, status }) => method === 'PATCH' && status === 204)
  await until(() => pieces().length >= 8 || !first.alive())
  await first.end('SIGKILL')
  const sentBefore = pieces().length * 10 * mib
  expect(sentBefore).toBeLessThan(200 * mib)

  proxy!.reset()
  await moves.runs('killed', job)
  const sentAfter = proxy!.seen.filter(({ method }) => method === 'PATCH').reduce((sum, { bytes }) => sum + bytes, 0)
  expect(sentAfter).toBeLessThan(200 * mib - sentBefore + 0.1 * 200 * mib)
  expect(leftOver('large')).toEqual([])
  const there = (await space!.content(['large', 'large.bin'])) ?? Buffer.alloc(0)
  expect(disk.readFileSync(join(old, 'large.bin')).equals(there)).toBe(true)
})

testIf('throttling, outages and answers that are lost cost time and nothing else', async () => {
  const old = moves.sideOf('disturbed')
  for (let i = 0; i < 60; i++) disk.writeFileSync(join(old, `file ${i}.txt`), `content of ${i}`)
  writeNoise(join(old, 'large.bin'), 35 * mib)
  // One by one, not in a folder that moves as a whole.
  await space!.makeContainer(['disturbed'])
  await space!.put(['disturbed', 'file 0.txt'], Buffer.from('of before'))
  const some = (method: string) => ({ method, path: /\.~/ })
  proxy!.toxics = [
    { when: some('PUT'), every: 19, times: 2, does: { status: 503 } },
    { when: some('PUT'), every: 29, times: 1, does: { status: 429, headers: { 'retry-after': '1' } } },
    { when: some('PUT'), every: 23, times: 2, does: { loseAnswer: true } },
    { when: some('MOVE'), every: 17, times: 2, does: { loseAnswer: true } },
    { when: { method: 'POST' }, times: 1, does: { status: 502 } },
    { when: { method: 'PATCH' }, every: 2, times: 2, does: { loseAnswer: true } },
  ]
  const job = moves.jobOf('disturbed', onDisk(old), inSpace('disturbed'), {
    conflict_resolution: 'source',
    item_overwrite: 'overwrite',
  })
  await moves.runs('disturbed', job)
  const names = disk.readdirSync(old)
  expect((space!.names(['disturbed']) as string[]).sort()).toEqual([...names].sort())
  for (const name of names) {
    const there = (await space!.content(['disturbed', name])) ?? Buffer.alloc(0)
    expect([name, disk.readFileSync(join(old, name)).equals(there)]).toEqual([name, true])
  }
  expect(leftOver('disturbed')).toEqual([])
})

testIf('bodies that break off, drip or never come are read again, and what arrives is whole', async () => {
  const [old, back] = [moves.sideOf('sent'), moves.sideOf('fetched')]
  for (let i = 0; i < 20; i++) disk.writeFileSync(join(old, `file ${i}.bin`), Buffer.alloc(300_000, i))
  writeNoise(join(old, 'large.bin'), 20 * mib)
  await moves.runs('sent', moves.jobOf('sent', onDisk(old), inSpace('sent')))
  const get = (path: RegExp) => ({ method: 'GET', path })
  proxy!.toxics = [
    { when: get(/large\.bin$/), times: 1, does: { cutAfterBytes: 5 * mib } },
    { when: get(/file%207\.bin$/), times: 1, does: { cutAfterBytes: 100_000 } },
    { when: get(/file%209\.bin$/), times: 1, does: { halfOpen: true } },
    { when: get(/file%2011\.bin$/), does: { bytesPerSecond: 300_000 } },
    { when: { method: 'PROPFIND', path: /sent$/ }, times: 1, does: { cutAfterBytes: 2_000 } },
  ]
  await moves.runs('sent', moves.jobOf('fetched', inSpace('sent'), onDisk(back)))
  expect(compareTrees(old, back, inSeconds).differences).toEqual([])
})

function inSpace(path: string): object {
  const auth = { ...server!.auth, url: `http://127.0.0.1:${proxy!.port}`, timeout: 3 }
  return { connection: { platform: { id: 'owncloud' }, auth }, target: { path: `/${path}` } }
}

function inBucket(path: string): object {
  return { connection: { platform: { id: 's3' }, auth: s3!.auth }, target: { path: `/${path}` } }
}

/** Requests that changed something, or tried to. */
function writes() {
  return proxy!.seen.filter(({ method }) => !['GET', 'HEAD', 'PROPFIND'].includes(method))
}

/** Unfinished uploads, and temporary names in a folder or in the trash. */
function leftOver(path: string): string[] {
  const names = space!.names([path]) as string[]
  return [...leftIn(server!, xattrs), ...names.filter((name) => name.startsWith('.~'))]
}
