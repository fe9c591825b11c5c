import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Session, Staged } from '../../../src/connector/connector.ts'
import { FsSession } from '../../../src/connector/fs/session.ts'
import { settingsOf } from '../../../src/connector/fs/settings.ts'
import type { Item } from '../../../src/connector/item.ts'
import { refusal, sha256 } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

const target = { container: '', name: 'file', condition: 'absent' } as const

async function stage(session: Session, text: string, key = 'k'): Promise<Staged> {
  const content = Buffer.from(text)
  const spec = { container: '', key, sizeBytes: BigInt(content.length), attributes: {}, durability: 'process' } as const
  const staging = await session.stage(spec)
  await staging.write(content, 0n)
  return staging.finish(sha256(content))
}

function tree(root: string): Record<string, string> {
  return Object.fromEntries(disk.readdirSync(root).map((name) => [name, disk.readFileSync(join(root, name), 'utf8')]))
}

test('a death between link and unlink is finished by publishing again, and by reconciling', async () => {
  for (const finish of ['publish', 'reconcile'] as const) {
    const root = aFolder()
    const session = await aSession(root)
    const staged = await stage(session, 'content')
    disk.linkSync(join(root, '.~k'), join(root, 'file'))
    const later = await aSession(root)
    if (finish === 'publish') await later.publish(staged, target)
    else expect(await later.reconcile(staged, target)).toMatchObject({ state: 'published' })
    expect(tree(root)).toEqual({ file: 'content' })
  }
})

test('a staged content of the right size and inode but with other bytes is gone, not staged', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const staged = await stage(session, 'content')
  disk.writeFileSync(join(root, '.~k'), '\0\0\0\0\0\0\0')
  expect(await session.reconcile(staged, target)).toEqual({ state: 'gone' })
})

test('a published content that somebody edited since is not taken for what was published', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const staged = await stage(session, 'content')
  await session.publish(staged, target)
  disk.writeFileSync(join(root, 'file'), 'edited!')
  expect(await session.reconcile(staged, target)).toEqual({ state: 'gone' })
  expect(tree(root)).toEqual({ file: 'edited!' })
})

test('what somebody put in place of a staging replaces nothing', async () => {
  const root = aFolder()
  const session = await aSession(root)
  disk.writeFileSync(join(root, 'file'), 'theirs')
  const there = (await session.stat('file', [])) as Item
  const staged = await stage(session, 'content')
  disk.unlinkSync(join(root, '.~k'))
  disk.writeFileSync(join(root, '.~k'), 'forgery')
  expect(await refusal(() => session.publish(staged, { ...target, condition: there }))).toBe('IntegrityMismatch')
  expect(tree(root)).toMatchObject({ file: 'theirs' })
})

test('a death between the two names of a move is finished by moving again', async () => {
  const root = aFolder()
  const session = await aSession(root)
  disk.writeFileSync(join(root, 'old'), 'x')
  const file = (await session.stat('old', [])) as Item
  disk.linkSync(join(root, 'old'), join(root, 'new'))
  expect(await session.move('old', '', 'new', file)).toMatchObject({ name: 'new', identity: file.identity })
  expect(tree(root)).toEqual({ new: 'x' })
})

test('without hard links, a placeholder left by a death is continued, or removed with its staging', async () => {
  for (const left of ['both', 'placeholder'] as const) {
    const root = aFolder()
    const session = new FsSession(settingsOf({ root }), { xattrs: null, hardLinks: false })
    const staged = await stage(session, 'content')
    disk.writeFileSync(join(root, 'file'), '.~k')
    if (left === 'placeholder') disk.unlinkSync(join(root, '.~k'))
    expect(session.reconcile(staged, target)).toEqual({ state: left === 'both' ? 'staged' : 'gone' })
    if (left === 'both') session.publish(staged, target)
    expect(tree(root)).toEqual(left === 'both' ? { file: 'content' } : {})
    session.close()
  }
})

test('without hard links, a name taken by somebody else stays theirs', async () => {
  const root = aFolder()
  const session = new FsSession(settingsOf({ root }), { xattrs: null, hardLinks: false })
  const staged = await stage(session, 'content')
  disk.writeFileSync(join(root, 'file'), '.~x')
  expect(await refusal(() => session.publish(staged, target))).toBe('Conflict')
  expect(tree(root)).toEqual({ file: '.~x', '.~k': 'content' })
  session.close()
})

test('a twin by case that somebody else makes is seen, where case makes no difference', async () => {
  const root = aFolder()
  const session = await aSession(root, { names: 'windows' })
  await session.publish(await stage(session, 'one', 'a'), { ...target, name: 'one' })
  disk.writeFileSync(join(root, 'TWO'), 'theirs')
  const staged = await stage(session, 'two', 'b')
  expect(await refusal(() => session.publish(staged, { ...target, name: 'two' }))).toBe('Conflict')
})
