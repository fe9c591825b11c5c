import { execFileSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, jest, test } from '@jest/globals'
import { compareTrees } from '../../../scripts/rig/compare_trees.ts'
import { aServer } from '../../rig/a_server.ts'
import { mib, Moves, onDisk, until, writeNastyTree, writeNoise } from '../../rig/moves.ts'
import { removes } from '../../rig/removes.ts'
import { syncsBothWays } from '../../rig/sync_both_ways.ts'
import { CountedLine } from './counted_line.ts'

/** The command as people run it, against OpenSSH; the folder under the server is looked at past it. */
jest.setTimeout(600_000)
const server = await aServer('sftp')
const line = server && (await CountedLine.to(server.port))
const moves = new Moves('sftp')
const testIf = server ? test : test.skip

afterAll(async () => {
  await moves.end()
  line?.close()
  await server?.end()
})

/** The protocol has whole seconds. */
const inSeconds = { toleranceNs: 1_000_000_000n }

testIf('a share moves to SFTP and back, a second run writes nothing, and of a third only what changed', async () => {
  const [old, back] = [moves.sideOf('old'), moves.sideOf('back')]
  writeNastyTree(old)
  // Before 1970 there are no times in the protocol.
  disk.utimesSync(join(old, 'folder', 'two parts'), 1000, 1000)
  disk.symlinkSync('../folder/changed.txt', join(old, 'empty', 'link'))
  const there = moves.jobOf('there', onDisk(old), onServer('share'))
  await moves.runs('home', there)
  await moves.runs('home', moves.jobOf('back', onServer('share'), onDisk(back)))
  expect(compareTrees(old, join(server!.data, 'share'), { ...inSeconds, folderTimes: true }).differences).toEqual([])
  expect(compareTrees(old, back, { ...inSeconds, folderTimes: true }).differences).toEqual([])

  const before = marksOf('share')
  await moves.runs('home', there)
  expect(marksOf('share')).toEqual(before)

  disk.writeFileSync(join(old, 'folder', 'changed.txt'), 'of today')
  await moves.runs('home', there)
  const changed = [...marksOf('share')].filter(([path, mark]) => before.get(path) !== mark).map(([path]) => path)
  expect(changed).toEqual(['folder', 'folder/changed.txt'])
})

testIf('what is mirrored, published or moved away leaves the server, also when the removal is killed', () =>
  removes(moves, onServer, server!.data),
)

testIf('a share and a place on the server are kept the same, whichever side is written on', () =>
  syncsBothWays(moves, onServer('synced'), inSeconds),
)

testIf('a large file of which the upload was killed goes on where it was, and leaves nothing behind', async () => {
  const old = moves.sideOf('large')
  writeNoise(join(old, 'large.bin'), 300 * mib)
  const job = moves.jobOf('large', onDisk(old), onServer('large'))
  const first = moves.start('killed', job)
  const there = join(server!.data, 'large')
  const staged = () =>
    disk.existsSync(there) ? disk.readdirSync(there).find((name) => name.startsWith('.~')) : undefined
  const sizeOf = (name = staged()) => (name === undefined ? 0 : disk.statSync(join(there, name)).size)
  await until(() => sizeOf() > 150 * mib || !first.alive())
  await first.end('SIGKILL')
  const kept = staged()
  expect(kept).toBeDefined()
  const { ino } = disk.statSync(join(there, kept!))
  const written = sizeOf(kept)

  const before = line!.sentBytes
  await moves.runs('killed', job)
  const sent = line!.sentBytes - before
  expect(sent).toBeGreaterThan(300 * mib - written)
  // What was there and not yet on record goes once more: at most a part of 64 MiB.
  expect(sent).toBeLessThan(300 * mib - written + 80 * mib)
  expect(disk.statSync(join(there, 'large.bin')).ino).toBe(ino)
  expect(disk.readdirSync(there)).toEqual(['large.bin'])
  expect(disk.readFileSync(join(there, 'large.bin')).equals(disk.readFileSync(join(old, 'large.bin')))).toBe(true)
})

testIf('connections that break in the middle cost time and nothing else', async () => {
  const old = moves.sideOf('broken')
  for (let i = 0; i < 400; i++) disk.writeFileSync(join(old, `file ${i}.txt`), `content of ${i}`)
  writeNoise(join(old, 'large.bin'), 100 * mib)
  const run = moves.start('broken', moves.jobOf('broken', onDisk(old), onServer('broken')))
  const there = join(server!.data, 'broken')
  const arrived = () => (disk.existsSync(there) ? disk.readdirSync(there).length : 0)
  for (const some of [20, 200]) {
    await until(() => arrived() > some || !run.alive())
    breakConnections()
  }
  expect(await run.ended).toMatchObject({ code: 0 })
  expect(compareTrees(old, there, { ...inSeconds, folderTimes: false }).differences).toEqual([])
  expect(disk.readdirSync(there).filter((name) => name.startsWith('.~'))).toEqual([])
})

function onServer(path: string): object {
  return {
    connection: { platform: { id: 'sftp' }, auth: { ...server!.auth, port: line!.port } },
    target: { path: `/${path}` },
  }
}

/** What changes whenever something is written: inode, change time and size of everything below. */
function marksOf(path: string): Map<string, string> {
  const root = join(server!.data, path)
  const names = disk.readdirSync(root, { recursive: true }) as string[]
  return new Map(
    names.sort().map((name) => {
      const { ino, ctimeNs, size } = disk.lstatSync(join(root, name), { bigint: true })
      return [name, `${ino} ${ctimeNs} ${size}`]
    }),
  )
}

/** Each connection is a process of the server's own. */
function breakConnections(): void {
  try {
    execFileSync('pkill', ['-KILL', '-P', String(server!.pid)])
  } catch {
    // There is none at this moment.
  }
}
