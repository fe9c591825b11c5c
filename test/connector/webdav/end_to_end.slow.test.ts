import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, jest, test } from '@jest/globals'
import { compareTrees } from '../../../scripts/rig/compare_trees.ts'
import { FaultProxy } from '../../../scripts/testbed/fault_proxy.ts'
import { Subversion } from '../../conformance/svn_oracle.ts'
import { aServer } from '../../rig/a_server.ts'
import { mib, Moves, onDisk, until, writeNastyTree, writeNoise } from '../../rig/moves.ts'
import { removes } from '../../rig/removes.ts'
import { syncsBothWays } from '../../rig/sync_both_ways.ts'

/** The command as people run it, against Apache, and a proxy before it that counts and disturbs. */
jest.setTimeout(600_000)
const server = await aServer('apache')
const proxy = server && (await FaultProxy.before(server.port))
const moves = new Moves('webdav')
const testIf = server ? test : test.skip

afterEach(() => proxy?.reset())
afterAll(async () => {
  await moves.end()
  await proxy?.close()
  await server?.end()
})

testIf('a share moves to WebDAV and back, a second run writes nothing, and of a third only what changed', async () => {
  const [old, back] = [moves.sideOf('old'), moves.sideOf('back')]
  writeNastyTree(old)
  const there = moves.jobOf('there', onDisk(old), onServer('share'))
  await moves.runs('home', there)
  await moves.runs('home', moves.jobOf('back', onServer('share'), onDisk(back)))
  expect(compareTrees(old, back, { folderTimes: true }).differences).toEqual([])
  expect(leftOver()).toEqual([])

  proxy!.reset()
  await moves.runs('home', there)
  expect(writes()).toEqual([])

  proxy!.reset()
  disk.writeFileSync(join(old, 'folder', 'changed.txt'), 'of today')
  await moves.runs('home', there)
  const changed = expect.stringContaining('/changed.txt')
  expect(writes()).toEqual([
    expect.objectContaining({ method: 'PUT', path: changed }),
    expect.objectContaining({ method: 'PROPPATCH', path: changed }),
  ])
})

testIf('what is mirrored, published or moved away leaves the server, also when the removal is killed', () =>
  removes(moves, onServer, server!.data),
)

testIf('a share and a place on the server are kept the same, whichever side is written on', () =>
  syncsBothWays(moves, onServer('synced')),
)

testIf('a large file of which the upload was killed goes on where it was, and leaves nothing behind', async () => {
  const old = moves.sideOf('large')
  writeNoise(join(old, 'large.bin'), 300 * mib)
  const job = moves.jobOf('large', onDisk(old), onServer('large'))
  const first = moves.start('killed', job)
  const isPiece = ({ method, path }: { method: string; path: string }) => method === 'PUT' && path.includes('.~')
  const pieces = () => proxy!.seen.filter((seen) => isPiece(seen) && seen.status > 0)
  await until(() => pieces().length >= 26 || !first.alive())
  await first.end('SIGKILL')
  expect(pieces().length).toBeLessThan(37)

  proxy!.reset()
  await moves.runs('killed', job)
  const sentAfter = proxy!.seen.filter(isPiece).reduce((sum, { bytes }) => sum + bytes, 0)
  // What was there and not yet on record goes once more: at most a part of 64 MiB.
  expect(sentAfter).toBeLessThan(300 * mib - 26 * 8 * mib + 80 * mib)
  expect(leftOver()).toEqual([])
  const arrived = disk.readFileSync(join(server!.data, 'large/large.bin'))
  expect(arrived.equals(disk.readFileSync(join(old, 'large.bin')))).toBe(true)
})

testIf('throttling, outages and answers that are lost cost time and nothing else', async () => {
  const [old, back] = [moves.sideOf('disturbed'), moves.sideOf('undisturbed')]
  for (let i = 0; i < 60; i++) {
    disk.writeFileSync(join(old, `file ${i}.txt`), `content of ${i}`)
    disk.utimesSync(join(old, `file ${i}.txt`), i, i)
  }
  writeNoise(join(old, 'large.bin'), 20 * mib)
  const put = { method: 'PUT', path: /disturbed\/file/ }
  proxy!.toxics = [
    { when: put, every: 19, times: 2, does: { status: 503 } },
    { when: put, every: 29, times: 1, does: { status: 429, headers: { 'retry-after': '1' } } },
    { when: put, every: 23, times: 2, does: { loseAnswer: true } },
    { when: { method: 'PROPPATCH' }, every: 17, times: 2, does: { loseAnswer: true } },
    { when: { method: 'MOVE' }, times: 1, does: { loseAnswer: true } },
    { when: { method: 'PUT', path: /\.~/ }, every: 2, times: 1, does: { status: 502 } },
  ]
  await moves.runs('disturbed', moves.jobOf('disturbed', onDisk(old), onServer('disturbed')))
  expect(differences(old, join(server!.data, 'disturbed'))).toEqual([])
  expect(leftOver()).toEqual([])
  proxy!.reset()
  await moves.runs('disturbed', moves.jobOf('undisturbed', onServer('disturbed'), onDisk(back)))
  expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
})

testIf(
  'bodies and listings that break off, drip or never come are asked for again, and nothing is missing',
  async () => {
    const [old, back] = [moves.sideOf('sent'), moves.sideOf('fetched')]
    for (let i = 0; i < 20; i++) disk.writeFileSync(join(old, `file ${i}.bin`), Buffer.alloc(300_000, i))
    writeNoise(join(old, 'large.bin'), 20 * mib)
    await moves.runs('sent', moves.jobOf('sent', onDisk(old), onServer('sent')))
    const get = (path: RegExp) => ({ method: 'GET', path })
    proxy!.toxics = [
      { when: { method: 'PROPFIND', path: /sent\/$/ }, times: 2, does: { cutAfterBytes: 3_000 } },
      { when: get(/large\.bin$/), times: 1, does: { cutAfterBytes: 5 * mib } },
      { when: get(/file%207\.bin$/), times: 1, does: { cutAfterBytes: 100_000 } },
      { when: get(/file%209\.bin$/), times: 1, does: { halfOpen: true } },
      { when: get(/file%2011\.bin$/), does: { bytesPerSecond: 300_000 } },
    ]
    await moves.runs('sent', moves.jobOf('fetched', onServer('sent'), onDisk(back)))
    expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
  },
)

testIf('killed again and again, nothing is lost, nothing is written twice, and nothing is left', async () => {
  const [old, back] = [moves.sideOf('killed'), moves.sideOf('survived')]
  for (let i = 0; i < 400; i++) {
    const folder = join(old, `folder ${i % 7}`)
    disk.mkdirSync(folder, { recursive: true })
    disk.writeFileSync(join(folder, `file ${i}.txt`), `content of ${i}`)
    disk.utimesSync(join(folder, `file ${i}.txt`), i, i)
  }
  writeNoise(join(old, 'large.bin'), 40 * mib)
  const job = moves.jobOf('sweep', onDisk(old), onServer('sweep'))
  for (const arrived of [5, 120, 240, 300]) {
    const run = moves.start('sweep', job)
    const puts = () => proxy!.seen.filter(({ method, status }) => method === 'PUT' && status > 0).length
    await until(() => puts() >= arrived || !run.alive())
    await run.end('SIGKILL')
  }
  await moves.runs('sweep', job)
  expect(differences(old, join(server!.data, 'sweep'))).toEqual([])
  expect(leftOver()).toEqual([])
  await moves.runs('sweep', moves.jobOf('survived', onServer('sweep'), onDisk(back)))
  expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
  // Of 401 contents each is sent once, but for those that were under way when their sender died.
  const sent = proxy!.seen.filter(({ method, path, status }) => method === 'PUT' && status === 201 && /file/.test(path))
  expect(new Set(sent.map(({ path }) => path)).size).toBe(sent.length)
})

testIf(
  'a share moves to a Subversion repository and back, in one revision each, and a second run commits nothing',
  async () => {
    const [old, back] = [moves.sideOf('to svn'), moves.sideOf('from svn')]
    disk.mkdirSync(join(old, 'folder', 'empty'), { recursive: true })
    for (const name of ['plain.txt', 'Ünï +%&=?#;:@', 'a@2', '100%'])
      disk.writeFileSync(join(old, 'folder', name), `content of ${name}`)
    disk.utimesSync(join(old, 'folder', 'plain.txt'), 1_500_000_000.25, 1_500_000_000.25)
    writeNoise(join(old, 'large.bin'), 20 * mib)
    const svn = new Subversion(join(server!.data, '..', 'svn', 'repository'))
    const there = moves.jobOf('to svn', onDisk(old), inRepository('share'))
    await moves.runs('svn', there)
    // The root, two folders, five files.
    expect(revisions(svn)).toBe(8)
    await moves.runs('svn', moves.jobOf('from svn', inRepository('share'), onDisk(back)))
    expect(compareTrees(old, back, { folderTimes: false }).differences).toEqual([])
    await moves.runs('svn', there)
    disk.writeFileSync(join(old, 'folder', 'plain.txt'), 'of today')
    await moves.runs('svn', there)
    expect(revisions(svn)).toBe(9)
    expect(svn.run('svn', ['cat', svn.url(['share', 'folder', 'plain.txt'])]).toString()).toBe('of today')
    expect(svn.run('svn', ['cat', '-r8', svn.url(['share', 'folder', 'plain.txt'])]).toString()).toContain('content of')
    expect(svn.transactions()).toEqual([])
  },
)

const sftp = server && (await aServer('sftp'))
afterAll(() => sftp?.end())
const testBoth = server && sftp ? test : test.skip

testBoth('what is on WebDAV moves to SFTP, and from there to WebDAV by another account, as it is', async () => {
  const old = moves.sideOf('crosswise')
  disk.mkdirSync(join(old, 'folder'))
  for (let i = 0; i < 50; i++) disk.writeFileSync(join(old, 'folder', `file ${i}`), Buffer.alloc(i * 1009, `${i}`))
  writeNoise(join(old, 'large.bin'), 20 * mib)
  await moves.runs('cross', moves.jobOf('cross 1', onDisk(old), onServer('cross')))
  const onSftp = { connection: { platform: { id: 'sftp' }, auth: sftp!.auth }, target: { path: '/cross' } }
  await moves.runs('cross', moves.jobOf('cross 2', onServer('cross'), onSftp))
  await moves.runs('cross', moves.jobOf('cross 3', onSftp, onServer('crossed')))
  for (const there of [join(sftp!.data, 'cross'), join(server!.data, 'crossed')])
    expect(differences(old, there)).toEqual([])
})

function onServer(path: string): object {
  return { connection: connectionTo('dav/'), target: { path: `/${path}` } }
}

function inRepository(path: string): object {
  return { connection: connectionTo('svn/repository/', { profile: 'svn' }), target: { path: `/${path}` } }
}

function connectionTo(path: string, settings: object = {}): object {
  const auth = { ...server!.auth, url: `http://127.0.0.1:${proxy!.port}/${path}`, timeout: 3, ...settings }
  return { platform: { id: 'webdav' }, auth }
}

function revisions(svn: Subversion): number {
  return Number(svn.run('svn', ['info', '--show-item', 'revision', svn.url([])]).toString())
}

/** In the server's files, which have times of its own: those carried along stand beside them, in folders that it shows nobody. */
function differences(old: string, there: string): string[] {
  const found = compareTrees(old, there, { folderTimes: false, toleranceNs: 10n ** 20n }).differences
  return found.filter((difference) => !/(^|\/)\.DAV: /.test(difference))
}

/** Requests that changed something, or tried to. */
function writes() {
  return proxy!.seen.filter(({ method }) => !['GET', 'HEAD', 'PROPFIND', 'OPTIONS'].includes(method))
}

function leftOver(): string[] {
  const names = disk.readdirSync(server!.data, { recursive: true }) as string[]
  return names.filter((name) => /(^|\/)(\.~|\.davfs)/.test(name))
}
