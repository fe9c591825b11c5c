import { execFileSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { FsSession } from '../../../src/connector/fs/session.ts'
import { settingsOf } from '../../../src/connector/fs/settings.ts'
import { loadXattrs, type Xattrs } from '../../../src/connector/fs/xattr.ts'
import { Right, type Item, type Permissions } from '../../../src/connector/item.ts'
import type { Session } from '../../../src/connector/connector.ts'
import { refusal } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

const allow = { access: 'allow', origin: 'direct' } as const
const ownerOnly: Permissions = {
  inherits: false,
  entries: [{ who: 'owner', rights: Right.read | Right.write, ...allow }],
}
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

async function emptyFile(session: Session, container: string, name: string, permissions?: Permissions): Promise<Item> {
  const attributes = permissions ? { permissions } : {}
  const staging = await session.stage({ container, key: 'k', sizeBytes: 0n, attributes, durability: 'process' })
  return session.publish(await staging.finish(emptyHash), { container, name, condition: 'absent' })
}

function facl(path: string): string[] {
  const text = execFileSync('getfacl', ['--absolute-names', '--numeric', '--omit-header', path], { encoding: 'utf8' })
  return text.trim().split('\n')
}

function mode(path: string): string {
  return (disk.statSync(path).mode & 0o7777).toString(8)
}

test('a content with permissions to come is closed to others while it is staged', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const attributes = { permissions: ownerOnly }
  const staging = await session.stage({ container: '', key: 'k', sizeBytes: 0n, attributes, durability: 'process' })
  expect(mode(join(root, '.~k'))).toBe('600')
  await staging.suspend()
})

const replacing = {
  container: '',
  key: 'k',
  sizeBytes: 0n,
  attributes: {},
  durability: 'process',
  replaces: true,
} as const

async function overwrite(session: Session, name: string): Promise<Item> {
  const there = (await session.stat(name, [])) as Item
  const staging = await session.stage(replacing)
  return session.publish(await staging.finish(emptyHash), { container: '', name, condition: there })
}

test('a content that is to replace something is closed to others while it is staged', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const staging = await session.stage(replacing)
  expect(mode(join(root, '.~k'))).toBe('600')
  await staging.suspend()
})

test('what is replaced hands on its mode, but no group bits that may be the mask of an ACL', async () => {
  const root = aFolder()
  disk.writeFileSync(join(root, 'file'), 'old')
  disk.chmodSync(join(root, 'file'), 0o4664)
  await overwrite(await aSession(root), 'file')
  expect(mode(join(root, 'file'))).toBe('664')
  const blind = new FsSession(settingsOf({ root }), { xattrs: null })
  await overwrite(blind, 'file')
  expect(mode(join(root, 'file'))).toBe('644')
  blind.close()
})

test('a staging that is gone on with is closed, though it was begun without permissions to come', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const spec = { container: '', key: 'k', sizeBytes: 4n, durability: 'process' } as const
  const begun = await session.stage({ ...spec, attributes: {} })
  await begun.write(Buffer.from('ab'), 0n)
  await begun.suspend()
  expect(mode(join(root, '.~k'))).not.toBe('600')
  const staging = await session.stage({ ...spec, attributes: { permissions: ownerOnly }, resumeAt: 2n })
  expect(mode(join(root, '.~k'))).toBe('600')
  await staging.suspend()
})

/** Real ACLs, and a look at the file each time they are asked for or changed. */
async function watched(look: () => void): Promise<Xattrs> {
  const xattrs = await loadXattrs()
  if (!xattrs) throw new Error('fs-xattr is not installed')
  const looked = <A extends unknown[], R>(call: (...args: A) => R) => {
    return (...args: A): R => {
      try {
        return call(...args)
      } finally {
        look()
      }
    }
  }
  return {
    listAttributesSync: looked(xattrs.listAttributesSync),
    getAttributeSync: looked(xattrs.getAttributeSync),
    setAttributeSync: looked(xattrs.setAttributeSync),
    removeAttributeSync: looked(xattrs.removeAttributeSync),
  }
}

test('on the way to new permissions nobody has more than before or after, not for a moment', async () => {
  const root = aFolder()
  const path = join(root, 'file')
  const seen = new Set<string>()
  const look = () => {
    const { gid, mode } = disk.statSync(path)
    const [acl] = facl(path).filter((line) => line.startsWith('group::'))
    seen.add(`${gid} ${(mode & 0o777).toString(8)} ${acl}`)
  }
  // Its group may nothing, but an ACL lets its mask look like the group's.
  disk.writeFileSync(path, '', { mode: 0o600 })
  execFileSync('setfacl', ['-m', 'u:12345:rw', path])
  const session = new FsSession(settingsOf({ root }), { xattrs: await watched(look) })
  seen.clear()
  session.setAttributes('file', { permissions: ownerOnly })
  look()
  expect([...seen].filter((s) => s !== '0 660 group::---' && s !== '0 600 group::---')).toEqual([])
  // Another group must not get what this one had.
  disk.chmodSync(path, 0o640)
  seen.clear()
  session.setAttributes('file', { permissions: ownerOnly, group: session.directory.of('group', 54_321) })
  look()
  expect([...seen].filter((s) => s.startsWith('54321') && s !== '54321 600 group::---')).toEqual([])
  session.close()
})

test('a new folder is closed until its permissions are set', async () => {
  const root = aFolder()
  const session = await aSession(root)
  await session.makeContainer('', 'folder', 'k')
  expect(mode(join(root, 'folder'))).toBe('700')
})

test('what a destination folder would hand down to new files is not added to the permissions asked for', async () => {
  const root = aFolder()
  execFileSync('setfacl', ['-d', '-m', 'u:12345:rwx,g:54321:rwx', root])
  const session = await aSession(root)
  await emptyFile(session, '', 'private', ownerOnly)
  expect(facl(join(root, 'private'))).toEqual(['user::rw-', 'group::---', 'other::---'])
  await emptyFile(session, '', 'usual')
  expect(facl(join(root, 'usual')).some((line) => line.startsWith('user:12345:'))).toBe(true)
})

test('a default ACL of a folder is told and set apart from its own', async () => {
  const root = aFolder()
  const session = await aSession(root)
  disk.mkdirSync(join(root, 'from'), 0o750)
  execFileSync('setfacl', ['-d', '-m', 'u:12345:r-x', join(root, 'from')])
  const from = await session.stat('from', ['permissions'])
  const granted = from?.permissions?.defaults?.find((e) => typeof e.who === 'object' && e.who.id === '12345')
  expect(granted?.rights).toBe(Right.list | Right.execute)
  await session.makeContainer('', 'to', 'k')
  if (!from?.permissions) throw new Error('no permissions were listed')
  await session.setAttributes('to', { permissions: from.permissions })
  expect(facl(join(root, 'to'))).toEqual(facl(join(root, 'from')))
})

test('setuid, setgid and sticky never pass', async () => {
  const root = aFolder()
  const session = await aSession(root)
  disk.writeFileSync(join(root, 'tool'), '')
  disk.chmodSync(join(root, 'tool'), 0o6755)
  const tool = await session.stat('tool', ['permissions'])
  if (!tool?.permissions) throw new Error('no permissions were listed')
  await emptyFile(session, '', 'copy', tool.permissions)
  expect(mode(join(root, 'copy'))).toBe('755')
  disk.writeFileSync(join(root, 'there'), '')
  disk.chmodSync(join(root, 'there'), 0o7777)
  await session.setAttributes('there', { permissions: tool.permissions })
  expect(mode(join(root, 'there'))).toBe('755')
})

test('a folder in which nobody removes what others put there does not become one in which everybody does', async () => {
  const root = aFolder()
  const session = await aSession(root)
  disk.mkdirSync(join(root, 'drop'))
  disk.chmodSync(join(root, 'drop'), 0o1777)
  const { permissions } = (await session.stat('drop', ['permissions']))!
  const of = (who: string) => permissions?.entries.find((entry) => entry.who === who)?.rights
  expect(of('owner')).toBe(Right.list | Right.write | Right.execute)
  expect(of('everyone')).toBe(Right.list | Right.append | Right.execute)
  await session.makeContainer('', 'copy', 'k')
  await session.setAttributes('copy', { permissions: permissions! })
  expect(mode(join(root, 'copy'))).toBe('755')
})

test('the fingerprint changes with mode, owner and ACL, and with nothing else', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const path = join(root, 'file')
  const seen = new Set<string | undefined>()
  const look = async () => (await session.stat('file', ['permissions']))?.facets
  disk.writeFileSync(path, 'x', { mode: 0o644 })
  seen.add(await look())
  disk.appendFileSync(path, 'more')
  disk.utimesSync(path, 1, 1)
  expect(seen).toContain(await look())
  disk.chmodSync(path, 0o640)
  seen.add(await look())
  execFileSync('setfacl', ['-m', 'u:12345:r', path])
  seen.add(await look())
  execFileSync('setfacl', ['-m', 'u:12345:-', path])
  seen.add(await look())
  expect(seen.size).toBe(4)
})

test('without ACLs a grant by name is refused, and the connection says why', async () => {
  const session = new FsSession(settingsOf({ root: aFolder() }), { xattrs: null })
  expect(session.capabilities.permissions.named).toBe(false)
  expect(session.notes).toContainEqual({
    capability: 'permissions.named',
    why: 'the optional package fs-xattr is not installed',
  })
  const account = session.directory.of('account', 12_345)
  const permissions = { inherits: false, entries: [{ who: account, rights: Right.read, ...allow }] }
  expect(await refusal(() => emptyFile(session, '', 'file', permissions))).toBe('Unsupported')
  await emptyFile(session, '', 'file', ownerOnly)
  session.close()
})
