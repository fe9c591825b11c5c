import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import type { Session, Staged, Staging } from '../../../src/connector/connector.ts'
import type { Item } from '../../../src/connector/item.ts'
import { refusal, sha256 } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

/** `root` with a folder in it, and a secret outside. */
function aRoot() {
  const top = aFolder()
  const [root, outside] = [join(top, 'root'), join(top, 'outside')]
  disk.mkdirSync(join(root, 'inside'), { recursive: true })
  disk.mkdirSync(outside)
  disk.writeFileSync(join(outside, 'secret'), 'secret')
  return { root, outside }
}

function children(session: Session, id: string): Item[] {
  return [...(session.list(id, []) as Iterable<{ items: Item[] }>)].flatMap((page) => page.items)
}

function write(session: Session, container: string, name: string, text: string): Item {
  const content = Buffer.from(text)
  const spec = {
    container,
    key: 'w',
    sizeBytes: BigInt(content.length),
    attributes: {},
    durability: 'process',
  } as const
  const staging = session.stage(spec) as Staging
  staging.write(content, 0n) as void
  const staged = staging.finish(sha256(content)) as Staged
  return session.publish(staged, { container, name, condition: 'absent' }) as Item
}

test.each([
  '..',
  '../outside',
  'inside/../../outside',
  '/etc',
  'inside//x',
  './inside',
  'inside/.',
  'a\0b',
  'inside/',
  '/',
])('the address %j is refused, whatever is done with it', async (id) => {
  const { root } = aRoot()
  const session = await aSession(root)
  const facts = { sizeBytes: 0n }
  const stage = { container: id, key: 'k', sizeBytes: 0n, attributes: {}, durability: 'process' } as const
  for (const attempt of [
    () => session.stat(id, []),
    () => children(session, id),
    () => session.open(id),
    () => session.stage(stage),
    () => session.makeContainer(id, 'x', 'k'),
    () => session.makeLink(id, 'x', 'y'),
    () => session.setAttributes(id, { modifiedNs: 0n }),
    () => session.move(id, '', 'x', facts),
    () => session.discard(id, 'k'),
    () => session.remove(id, { ...facts, kind: 'container' }),
  ])
    expect(await refusal(attempt)).toBe('Escapes')
  expect(disk.readdirSync(root)).toEqual(['inside'])
})

test('a symbolic link in the middle of an address is refused, not followed', async () => {
  const { root, outside } = aRoot()
  disk.symlinkSync(outside, join(root, 'link'))
  const session = await aSession(root)
  expect(await refusal(() => session.stat('link/secret', []))).toBe('Escapes')
  expect(await refusal(() => session.open('link/secret'))).toBe('Escapes')
  expect(await refusal(() => children(session, 'link'))).toBe('Escapes')
  expect(await refusal(() => write(session, 'link', 'new', 'x'))).toBe('Escapes')
  expect(await refusal(() => session.makeRoot('link/new'))).toBe('NotAContainer')
  expect(await refusal(() => session.root('link'))).toBe('Escapes')
  expect(disk.readdirSync(outside)).toEqual(['secret'])
})

test('a link as the last segment is never read, written, or changed through', async () => {
  const { root, outside } = aRoot()
  const secret = join(outside, 'secret')
  disk.symlinkSync(secret, join(root, 'link'))
  const before = disk.statSync(secret, { bigint: true })
  const session = await aSession(root)
  expect(await refusal(() => session.open('link'))).toBe('Escapes')
  expect(await refusal(() => write(session, '', 'link', 'mine'))).toBe('Conflict')
  await session.setAttributes('link', { modifiedNs: 0n })
  expect(disk.lstatSync(join(root, 'link')).mtimeMs).toBe(0)
  expect(disk.statSync(secret, { bigint: true }).mtimeNs).toBe(before.mtimeNs)
  expect(disk.readFileSync(secret, 'utf8')).toBe('secret')
})

test('a folder swapped for a link again and again leads nowhere outside', async () => {
  const { root, outside } = aRoot()
  disk.writeFileSync(join(root, 'inside', 'secret'), 'public')
  const swap = `
    const fs = require('node:fs'), [, root, outside] = process.argv
    fs.symlinkSync(outside, root + '/link'); console.log('ready')
    for (;;) {
      fs.renameSync(root + '/inside', root + '/aside'); fs.renameSync(root + '/link', root + '/inside')
      fs.renameSync(root + '/inside', root + '/link'); fs.renameSync(root + '/aside', root + '/inside')
    }`
  const child = spawn(process.execPath, ['-e', swap, root, outside], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  const session = await aSession(root)
  const met = new Map<string, number>()
  const count = (what: string) => met.set(what, (met.get(what) ?? 0) + 1)
  for (let i = 0; i < 3000; i++) {
    try {
      // A fresh walk each time, or one that is remembered, by turns.
      if (i % 2) children(session, 'inside')
      const reading = session.open('inside/secret') as { read(b: Uint8Array, at: bigint): number; close(): void }
      const into = Buffer.alloc(10)
      const text = into.toString('utf8', 0, reading.read(into, 0n))
      reading.close()
      count(text)
      write(session, 'inside', `new-${i}`, 'x')
      count('written')
    } catch (error) {
      count((error as { code: string }).code)
    }
  }
  child.kill('SIGKILL')
  await ended
  expect(met.get('secret')).toBeUndefined()
  expect(disk.readdirSync(outside)).toEqual(['secret'])
  expect(
    [...met.keys()].filter((k) => !['public', 'written', 'Escapes', 'NotFound', 'NotAContainer'].includes(k)),
  ).toEqual([])
  expect(met.get('written')).toBeGreaterThan(0)
})

test('pipes, sockets and devices are listed as what they are, and never opened', async () => {
  const { root } = aRoot()
  execFileSync('mkfifo', [join(root, 'pipe')])
  const session = await aSession(root)
  const pipe = children(session, '').find((item) => item.name === 'pipe')
  expect(pipe).toMatchObject({ kind: 'special', special: 'fifo', sizeBytes: 0n })
  expect(await refusal(() => session.open('pipe'))).toBe('Unsupported')
  expect(await refusal(() => session.setAttributes('pipe', { modifiedNs: 0n }))).toBe('Unsupported')
})

test('a pipe put where a file was does not make a reader wait', async () => {
  const { root } = aRoot()
  disk.writeFileSync(join(root, 'file'), 'x')
  const session = await aSession(root)
  const file = (await session.stat('file', [])) as Item
  disk.unlinkSync(join(root, 'file'))
  execFileSync('mkfifo', [join(root, 'file')])
  const reading = await session.open('file', file)
  expect(await refusal(() => reading.read(Buffer.alloc(10), 0n))).toBe('ChangedWhileRead')
  expect(await refusal(() => reading.close())).toBe('ChangedWhileRead')
  expect(await refusal(() => session.readWhole?.('file', file, Buffer.alloc(10)))).toBe('ChangedWhileRead')
})

test('a leftover that became a link is replaced itself, not what it leads to', async () => {
  const { root, outside } = aRoot()
  disk.symlinkSync(join(outside, 'secret'), join(root, '.~w'))
  const session = await aSession(root)
  write(session, '', 'file', 'mine')
  expect(disk.readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret')
  expect(disk.readFileSync(join(root, 'file'), 'utf8')).toBe('mine')
})

test("a folder of a staging's name is not ours to remove", async () => {
  const { root } = aRoot()
  disk.mkdirSync(join(root, '.~k'))
  const session = await aSession(root)
  await session.discard('', 'k')
  expect(disk.readdirSync(root).sort()).toEqual(['.~k', 'inside'])
})

test("somebody's file that is called like a staging is listed like any other", async () => {
  const { root } = aRoot()
  disk.writeFileSync(join(root, '.~job-1-1'), 'mine')
  expect(
    children(await aSession(root), '')
      .map((c) => c.name)
      .sort(),
  ).toEqual(['.~job-1-1', 'inside'])
})

test.each(['k'.repeat(39), 'K', 'a/b', 'a_b', '', 'a.', '..'])('the staging key %j is refused', async (key) => {
  const { root } = aRoot()
  const session = await aSession(root)
  const spec = { container: '', key, sizeBytes: 0n, attributes: {}, durability: 'process' } as const
  expect(await refusal(() => session.stage(spec))).toBe('NameInvalid')
  expect(await refusal(() => session.discard('', key))).toBe('NameInvalid')
})

test("a root that is gone is the connection's error, never an empty listing or an absent item", async () => {
  const { root } = aRoot()
  const session = await aSession(root)
  disk.rmSync(root, { recursive: true })
  expect(await refusal(() => children(session, ''))).toBe('RootGone')
  expect(await refusal(() => session.root(''))).toBe('RootGone')
  expect(await refusal(() => session.stat('inside', []))).toBe('RootGone')
  expect(await refusal(() => session.open('inside/x'))).toBe('RootGone')
  expect(await refusal(() => write(session, 'inside', 'x', 'y'))).toBe('RootGone')
  expect(await refusal(() => aSession(root))).toBe('RootGone')
})

test('a root that was replaced is not taken for the old one', async () => {
  const { root } = aRoot()
  const session = await aSession(root)
  disk.renameSync(root, `${root}-old`)
  disk.mkdirSync(root)
  expect(await refusal(() => children(session, ''))).toBe('RootReplaced')
  expect(await refusal(() => session.root(''))).toBe('RootReplaced')
})

test('a root replaced in the middle of a listing leaves it incomplete', async () => {
  const { root } = aRoot()
  for (let i = 0; i < 1500; i++) disk.writeFileSync(join(root, `n${i}`), '')
  const session = await aSession(root)
  const pages = (session.list('', []) as Iterable<{ complete: boolean }>)[Symbol.iterator]()
  expect(pages.next().value).toMatchObject({ complete: false })
  disk.renameSync(root, `${root}-old`)
  disk.mkdirSync(root)
  expect(await refusal(() => pages.next())).toBe('RootReplaced')
})

test("a folder removed and made again is found again, though its descriptor is the old one's", async () => {
  const { root } = aRoot()
  const session = await aSession(root)
  write(session, 'inside', 'before', 'x')
  disk.rmSync(join(root, 'inside'), { recursive: true })
  disk.mkdirSync(join(root, 'inside'))
  disk.writeFileSync(join(root, 'inside', 'theirs'), 'y')
  expect(await session.stat('inside/theirs', [])).toMatchObject({ name: 'theirs' })
  write(session, 'inside', 'after', 'x')
  expect(disk.readdirSync(join(root, 'inside')).sort()).toEqual(['after', 'theirs'])
})

test('a folder that was moved out of the root is out of reach after a second, however busy its depths are', async () => {
  const { root, outside } = aRoot()
  disk.mkdirSync(join(root, 'inside', 'deep', 'er'), { recursive: true })
  const session = await aSession(root)
  expect(await session.stat('inside/deep', [])).not.toBeNull()
  await sleep(300)
  expect(await session.stat('inside/deep/er', [])).not.toBeNull()
  disk.renameSync(join(root, 'inside'), join(outside, 'inside'))
  await sleep(800)
  expect(await refusal(() => write(session, 'inside/deep', 'file', 'x'))).toBe('NotFound')
  expect(disk.readdirSync(join(outside, 'inside', 'deep'))).toEqual(['er'])
})

test('more folders than descriptors are kept, and none is left open', async () => {
  const { root } = aRoot()
  for (let i = 0; i < 400; i++) disk.mkdirSync(join(root, `d${i}`, 'deep', 'er'), { recursive: true })
  const open = () => disk.readdirSync('/proc/self/fd').length
  const before = open()
  const session = await aSession(root)
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 400; i++) expect(children(session, `d${i}/deep`).map((c) => c.name)).toEqual(['er'])
  expect(open() - before).toBeLessThanOrEqual(130)
  await session.close()
  expect(open()).toBe(before)
})
