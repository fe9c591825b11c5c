import { execFileSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { loadXattrs } from '../../../src/connector/fs/xattr.ts'
import { refusal } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

async function aFile() {
  const xattrs = await loadXattrs()
  if (!xattrs) throw new Error('fs-xattr is not installed')
  const root = aFolder()
  const path = join(root, 'file')
  disk.writeFileSync(path, 'x')
  return { root, path, xattrs, session: await aSession(root) }
}

test('values of any bytes come back as they were, by way of well-formed text', async () => {
  const { root, path, xattrs, session } = await aFile()
  const value = Buffer.from([0xff, 0, 0x41, 0xef, 0xbf, 0xbd, 0xc3])
  xattrs.setAttributeSync(path, 'user.raw', value)
  const metadata = (await session.stat('file', ['metadata']))?.metadata ?? {}
  expect(metadata['raw']?.isWellFormed()).toBe(true)
  disk.writeFileSync(join(root, 'copy'), 'x')
  await session.setAttributes('copy', { metadata })
  expect(xattrs.getAttributeSync(join(root, 'copy'), 'user.raw').equals(value)).toBe(true)
})

test("attributes that are the system's are neither told nor touched", async () => {
  const { path, xattrs, session } = await aFile()
  execFileSync('setfacl', ['-m', 'u:12345:r', path])
  await session.setAttributes('file', { metadata: { a: '1', b: '2' } })
  await session.setAttributes('file', { metadata: { b: '2' } })
  expect(xattrs.listAttributesSync(path).sort()).toEqual(['system.posix_acl_access', 'user.b'])
  expect((await session.stat('file', ['metadata']))?.metadata).toEqual({ b: '2' })
})

test('an attribute of a name that is no UTF-8 stays, and hinders nothing', async () => {
  const { path, xattrs, session } = await aFile()
  execFileSync('sh', ['-c', 'setfattr -n "$(printf "user.\\377")" -v v "$1"', 'sh', path])
  await session.setAttributes('file', { metadata: { a: '1' } })
  expect((await session.stat('file', ['metadata']))?.metadata).toEqual({ a: '1' })
  expect(xattrs.listAttributesSync(path)).toHaveLength(2)
})

test.each([
  ['a name that is too long', { ['n'.repeat(251)]: 'x' }],
  ['no name', { '': 'x' }],
  ['more than there is room for', { big: 'x'.repeat(70_000) }],
])('%s is refused as a matter of that item alone', async (_, metadata: Record<string, string>) => {
  const { session } = await aFile()
  expect(await refusal(() => session.setAttributes('file', { metadata }))).toBe('Unsupported')
})

test('links and special files have none to set', async () => {
  const { root, session } = await aFile()
  disk.symlinkSync('file', join(root, 'link'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  for (const id of ['link', 'pipe'])
    expect(await refusal(() => session.setAttributes(id, { metadata: { a: '1' } }))).toBe('Unsupported')
  expect((await session.stat('link', ['metadata']))?.metadata).toBeUndefined()
})

test('a read-only connection claims to read them', async () => {
  const { root } = await aFile()
  expect((await aSession(root, { read_only: true })).capabilities.metadata.user).toBe('read')
})
