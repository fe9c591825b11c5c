import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from '@jest/globals'
import { fs } from '../../../src/connector/fs/fs.ts'
import { refusal } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

test.each<[Record<string, unknown>, string[]]>([
  [{ root: '/data' }, []],
  [{ path: '/data' }, []],
  [{ root: '/data', names: 'windows', max_size: '1000', max_segment: 80, symlinks: 'follow', read_only: 'true' }, []],
  [{}, ['root: required']],
  [{ root: 'data' }, ['root: "data" is not an absolute path']],
  [{ root: '/a', path: '/b' }, ['path: says the same as root; give one of them']],
  [{ roots: '/a' }, ['roots: unknown setting; did you mean root?', 'root: required']],
  [{ root: '/a', maxsize: 5 }, ['maxsize: unknown setting; did you mean max_size?']],
  [{ root: '/a', max_size: -1 }, ['max_size: -1 is not a whole number above 0']],
  [{ root: '/a', names: 'mac' }, ['names: "mac" is not one of posix, windows']],
  [{ root: '/a', symlinks: 'folow' }, ['symlinks: "folow" is not one of keep, follow']],
  [{ root: '/a', names: ['windows'] }, ['names: a list is not one of posix, windows']],
  [{ root: '/a', read_only: 'yes' }, ['read_only: what was given is neither true nor false']],
  [{ root: '/a', impersonation: 'child' }, ['impersonation: "child" is not one of ignore']],
])('the settings %j have these problems: %j', (auth, problems) => {
  expect(fs.check(auth)).toEqual(problems)
})

test('a setting that means nothing here names what there is', () => {
  expect(fs.check({ root: '/a', zzzzzzzz: 1 })[0]).toMatch(/^zzzzzzzz: unknown setting; there are root, names, /)
})

test('a connection with problems does not open', async () => {
  expect(await refusal(() => fs.open({}))).toBe('Misconfigured')
})

test('a root that is a file is misconfigured', async () => {
  expect(await refusal(() => fs.open({ root: '/etc/passwd' }))).toBe('Misconfigured')
})

test('a limit on names takes away from what the file system takes, and adds nothing', async () => {
  const limit = async (settings: Record<string, unknown>) =>
    (await aSession(aFolder(), settings)).capabilities.names.maxSegment
  expect(await limit({ max_segment: 80 })).toEqual({ n: 80, unit: 'bytes', escapes: true })
  expect(await limit({ max_segment: 4000 })).toEqual({ n: 255, unit: 'bytes', escapes: true })
  expect(await limit({ max_segment: 4000, names: 'windows' })).toEqual({ n: 255, unit: 'utf16' })
})

test('under the names of Windows a name fits the file system’s bytes as well, and is none of a console', async () => {
  const session = await aSession(aFolder(), { names: 'windows' })
  expect(session.capabilities.names.maxStoredSegment).toEqual({ n: 255, unit: 'bytes', escapes: true })
  const longest = 'é'.repeat(127)
  expect((await session.makeContainer('', longest, 'k1')).name).toBe(longest)
  expect(await refusal(() => session.makeContainer('', `${longest}é`, 'k2'))).toBe('NameTooLong')
  for (const name of ['CONIN$', 'conout$', 'Conin$.txt'])
    expect([name, await refusal(() => session.makeContainer('', name, 'k3'))]).toEqual([name, 'NameInvalid'])
})

test('a read-only connection writes nothing, and claims nothing it would have to write', async () => {
  const session = await aSession(aFolder(), { read_only: true })
  const spec = { container: '', key: 'k', sizeBytes: 0n, attributes: {}, durability: 'process' } as const
  for (const attempt of [
    () => session.stage(spec),
    () => session.makeContainer('', 'x', 'k'),
    () => session.makeLink('', 'x', 'y'),
    () => session.makeRoot('/new'),
    () => session.move('a', '', 'b', { sizeBytes: 0n }),
    () => session.setAttributes('', { modifiedNs: 0n }),
  ])
    expect(await refusal(attempt)).toBe('ReadOnly')
  expect(session.capabilities.times.modified).toBe('read')
  expect(session.capabilities.permissions.mode).toBe('read')
})

test('the time a file was made is claimed exactly where the file system states one', async () => {
  for (const root of [tmpdir(), '/proc', aFolder()]) {
    const session = await aSession(root)
    const made = statSync(root, { bigint: true }).birthtimeNs > 0n
    expect([root, session.capabilities.times.created]).toEqual([root, made ? 'read' : 'none'])
    expect([root, (await session.root('/'))?.createdNs !== undefined]).toEqual([root, made])
  }
})
