import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Item } from '../../../src/connector/item.ts'
import type { Session } from '../../../src/connector/connector.ts'
import { refusal } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

function children(session: Session, id: string): Map<string, Item> {
  const items = [...(session.list(id, []) as Iterable<{ items: Item[] }>)].flatMap((page) => page.items)
  return new Map(items.map((item) => [item.name, item]))
}

function text(session: Session, id: string): string {
  const reading = session.open(id) as { read(b: Uint8Array, at: bigint): number; close(): void }
  const into = Buffer.alloc(100)
  const n = reading.read(into, 0n)
  reading.close()
  return into.toString('utf8', 0, n)
}

function aRoot() {
  const top = aFolder()
  const root = join(top, 'root')
  disk.mkdirSync(join(root, 'folder', 'sub'), { recursive: true })
  disk.writeFileSync(join(root, 'folder', 'file'), 'content')
  disk.writeFileSync(join(top, 'secret'), 'secret')
  disk.symlinkSync('folder/file', join(root, 'to-file'))
  disk.symlinkSync(join(root, 'folder'), join(root, 'to-folder'))
  disk.symlinkSync('nowhere', join(root, 'broken'))
  disk.symlinkSync('../secret', join(root, 'out'))
  disk.symlinkSync('..', join(root, 'folder', 'up'))
  disk.symlinkSync('itself', join(root, 'itself'))
  return root
}

test('links are kept as links with their target', async () => {
  const session = await aSession(aRoot())
  const found = children(session, '')
  expect(found.get('to-file')).toMatchObject({ kind: 'link', linkTarget: 'folder/file' })
  expect(found.get('broken')).toMatchObject({ kind: 'link', linkTarget: 'nowhere' })
  expect(found.get('out')).toMatchObject({ kind: 'link', linkTarget: '../secret' })
})

test('links are followed inside the root, and nowhere else, when that is asked', async () => {
  const session = await aSession(aRoot(), { symlinks: 'follow' })
  const found = children(session, '')
  expect(found.get('to-file')).toMatchObject({ kind: 'item', id: 'to-file', sizeBytes: 7n })
  expect(text(session, 'to-file')).toBe('content')
  expect(found.get('to-folder')).toMatchObject({ kind: 'container', id: 'to-folder' })
  expect([...children(session, 'to-folder').keys()].sort()).toEqual(['file', 'sub', 'up'])
  expect(text(session, 'to-folder/file')).toBe('content')
  expect(found.get('broken')).toMatchObject({ kind: 'special', special: 'broken symbolic link' })
  expect(found.get('itself')).toMatchObject({ kind: 'special', special: 'broken symbolic link' })
  expect(found.get('out')).toMatchObject({ kind: 'special', special: 'symbolic link outside the root' })
  expect(await refusal(() => session.open('out'))).toBe('Escapes')
})

test.each([
  ['a name that is too long', 'x'.repeat(300)],
  ['a name in a file', 'folder/file/x'],
])('a followed link to %s is reported by itself, and its folder is listed all the same', async (_, target) => {
  const root = aRoot()
  disk.symlinkSync(target, join(root, 'odd'))
  const found = children(await aSession(root, { symlinks: 'follow' }), '')
  expect(found.get('odd')).toMatchObject({ kind: 'special', special: 'broken symbolic link' })
  expect(found.has('folder')).toBe(true)
})

test('a link that leads in circles ends at once', async () => {
  const root = aRoot()
  const session = await aSession(root, { symlinks: 'follow' })
  expect(children(session, 'folder').get('up')).toMatchObject({ special: 'symbolic link to a folder above it' })
  disk.mkdirSync(join(root, 'a'))
  disk.mkdirSync(join(root, 'b'))
  disk.symlinkSync('../b', join(root, 'a', 'b'))
  disk.symlinkSync('../a', join(root, 'b', 'a'))
  const visited: string[] = []
  const walk = (id: string) => {
    visited.push(id)
    for (const item of children(session, id).values()) if (item.kind === 'container') walk(item.id)
  }
  walk('')
  expect(visited.sort()).toEqual(['', 'a', 'a/b', 'b', 'b/a', 'folder', 'folder/sub', 'to-folder', 'to-folder/sub'])
})

test('a link inside a followed folder is judged by where it really leads', async () => {
  const root = aRoot()
  disk.symlinkSync('../../secret', join(root, 'folder', 'escape'))
  const session = await aSession(root, { symlinks: 'follow' })
  expect(children(session, 'to-folder').get('escape')).toMatchObject({ special: 'symbolic link outside the root' })
})

test('a file is never written through or over a followed link', async () => {
  const root = aRoot()
  const session = await aSession(root, { symlinks: 'follow' })
  const there = (await session.stat('to-file', [])) as Item
  const staging = await session.stage({ container: '', key: 'k', sizeBytes: 0n, attributes: {}, durability: 'process' })
  const staged = await staging.finish('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  const publish = () => session.publish(staged, { container: '', name: 'to-file', condition: there })
  expect(await refusal(publish)).toBe('PreconditionFailed')
  expect(disk.readFileSync(join(root, 'folder', 'file'), 'utf8')).toBe('content')
})

test('a file with other names gets no attributes, which those would have too; alone it does', async () => {
  const root = aFolder()
  const [file, other] = [join(root, 'file'), join(root, 'other')]
  disk.writeFileSync(file, 'content', { mode: 0o644 })
  disk.linkSync(file, other)
  const session = await aSession(root)
  const before = disk.statSync(other, { bigint: true })
  expect(await refusal(() => session.setAttributes('file', { modifiedNs: 5n }))).toBe('Unsupported')
  expect(disk.statSync(other, { bigint: true }).ctimeNs).toBe(before.ctimeNs)
  disk.unlinkSync(other)
  expect(await session.setAttributes('file', { modifiedNs: 5n })).toMatchObject({ modifiedNs: 5n })
  await session.close()
})
