import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, jest, test } from '@jest/globals'
import type { NewContainers, Placing, Session } from '../../../src/connector/connector.ts'
import { refusal } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

function folders(session: Session): NewContainers {
  if (!session.newContainers) throw new Error('this session makes no folders as a whole')
  return session.newContainers
}

function placing(text: string): Placing {
  return { content: Buffer.from(text), attributes: { modifiedNs: 1_709_374_530_000_000_000n }, power: false }
}

const published = { container: '', name: 'new', power: false }

test('a folder appears with all that is in it, the files as they were put', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const staged = await folders(session).stage('', 'k', 'platform')
  const item = await folders(session).put(staged, 'file', placing('content'))
  expect(disk.readdirSync(root)).toEqual(['.~k'])
  await folders(session).publish(staged, published)
  expect(disk.readdirSync(root)).toEqual(['new'])
  expect(disk.readFileSync(join(root, 'new/file'), 'utf8')).toBe('content')
  const now = await session.stat('new/file', [])
  expect(now).toMatchObject({
    identity: item.identity,
    sizeBytes: 7n,
    modifiedNs: item.modifiedNs,
    changedNs: item.changedNs,
    facets: item.facets,
  })
  expect((await session.makeContainer('new', 'below', 'k2')).id).toBe('new/below')
})

test('a closed folder lets nobody else in', async () => {
  const root = aFolder()
  const session = await aSession(root)
  await folders(session).publish(await folders(session).stage('', 'k', 'closed'), published)
  expect(disk.statSync(join(root, 'new')).mode & 0o777).toBe(0o700)
})

test('a file larger than max_size is refused in a new folder too, and one of just that size is taken', async () => {
  const root = aFolder()
  const session = await aSession(root, { max_size: 7 })
  const staged = await folders(session).stage('', 'k', 'platform')
  await folders(session).put(staged, 'fits', placing('content'))
  expect(await refusal(() => folders(session).put(staged, 'larger', placing('contents')))).toBe('TooLarge')
  expect(disk.readdirSync(join(root, '.~k'))).toEqual(['fits'])
})

test('whatever has the name already stays, an empty folder too', async () => {
  const there: ((path: string) => void)[] = [
    (path) => disk.writeFileSync(path, 'theirs'),
    (path) => disk.mkdirSync(path),
    (path) => disk.mkdirSync(join(path, 'below'), { recursive: true }),
    (path) => disk.symlinkSync('/nowhere', path),
  ]
  for (const make of there) {
    const root = aFolder()
    const session = await aSession(root)
    const staged = await folders(session).stage('', 'k', 'platform')
    await folders(session).put(staged, 'file', placing('ours'))
    make(join(root, 'new'))
    const before = disk.lstatSync(join(root, 'new')).ino
    expect(await refusal(() => folders(session).publish(staged, published))).toBe('Conflict')
    expect(disk.lstatSync(join(root, 'new')).ino).toBe(before)
    expect(await folders(session).discard('', 'k', ['file'])).toBe(true)
    expect(disk.readdirSync(root)).toEqual(['new'])
  }
})

test('a link put where the folder is staged is neither written through, nor published, nor followed to remove anything', async () => {
  const root = aFolder()
  const elsewhere = aFolder()
  disk.writeFileSync(join(elsewhere, 'file'), 'theirs')
  const session = await aSession(root)
  const staged = await folders(session).stage('', 'k', 'platform')
  disk.rmdirSync(join(root, '.~k'))
  disk.symlinkSync(elsewhere, join(root, '.~k'))
  expect(await refusal(() => folders(session).put(staged, 'other', placing('ours')))).toBe('Escapes')
  expect(await refusal(() => folders(session).publish(staged, published))).toBe('IntegrityMismatch')
  expect(await folders(session).discard('', 'k', ['file'])).toBe(true)
  expect(disk.readdirSync(elsewhere)).toEqual(['file'])
  expect(disk.readdirSync(root)).toEqual(['.~k'])
})

test('another folder put where it was staged is not published', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const staged = await folders(session).stage('', 'k', 'platform')
  disk.renameSync(join(root, '.~k'), join(root, 'aside'))
  disk.mkdirSync(join(root, '.~k'))
  expect(await refusal(() => folders(session).publish(staged, published))).toBe('IntegrityMismatch')
  expect(disk.readdirSync(root).sort()).toEqual(['.~k', 'aside'])
})

test('a name that is taken inside is not written over', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const staged = await folders(session).stage('', 'k', 'platform')
  disk.writeFileSync(join(root, '.~k/file'), 'theirs')
  expect(await refusal(() => folders(session).put(staged, 'file', placing('ours')))).toBe('Conflict')
  expect(disk.readFileSync(join(root, '.~k/file'), 'utf8')).toBe('theirs')
})

test('discarding removes what is named and keeps the rest, and the folder with it', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const staged = await folders(session).stage('', 'k', 'platform')
  await folders(session).put(staged, 'file', placing('ours'))
  disk.writeFileSync(join(root, '.~k/other'), 'theirs')
  disk.mkdirSync(join(root, '.~k/folder'))
  expect(await folders(session).discard('', 'k', ['file', 'never', 'folder'])).toBe(false)
  expect(disk.readdirSync(join(root, '.~k')).sort()).toEqual(['folder', 'other'])
  disk.rmSync(join(root, '.~k/other'))
  disk.rmdirSync(join(root, '.~k/folder'))
  for (let again = 0; again < 2; again++) expect(await folders(session).discard('', 'k', ['file'])).toBe(true)
  expect(await folders(session).discard('no such folder', 'k', ['file'])).toBe(true)
  expect(disk.readdirSync(root)).toEqual([])
})

test.each(['../file', '..', 'a/b', ''])('names that lead elsewhere are refused: %j', async (name) => {
  const root = aFolder()
  disk.writeFileSync(join(root, 'file'), 'theirs')
  const session = await aSession(root)
  const staged = await folders(session).stage('', 'k', 'platform')
  expect(await refusal(() => folders(session).put(staged, name, placing('ours')))).toBe('NameInvalid')
  expect(await refusal(() => folders(session).publish(staged, { ...published, name }))).toBe('NameInvalid')
  expect(await refusal(() => folders(session).discard('', 'k', [name]))).toBe('Escapes')
  expect(disk.readFileSync(join(root, 'file'), 'utf8')).toBe('theirs')
})

test('a staging of a process that died with nothing in it is begun again; one that holds something is refused', async () => {
  const root = aFolder()
  const session = await aSession(root)
  disk.mkdirSync(join(root, '.~k'))
  const staged = await folders(session).stage('', 'k', 'platform')
  await folders(session).put(staged, 'file', placing('ours'))
  expect(await refusal(() => folders(session).stage('', 'k', 'platform'))).toBe('Conflict')
})

test('it survives a power cut where asked, and a folder below another keeps working after the rename', async () => {
  const root = aFolder()
  disk.mkdirSync(join(root, 'a'))
  const session = await aSession(root)
  for (const key of ['one', 'two']) {
    const staged = await folders(session).stage('a', key, 'platform')
    await folders(session).put(staged, 'file', { ...placing(key), power: true })
    await folders(session).publish(staged, { container: 'a', name: key, power: true })
    expect(disk.readFileSync(join(root, 'a', key, 'file'), 'utf8')).toBe(key)
  }
  expect(disk.readdirSync(join(root, 'a')).sort()).toEqual(['one', 'two'])
})

test('where names are compared by more than their bytes, folders are not made as a whole', async () => {
  expect((await aSession(aFolder(), { names: 'windows' })).newContainers).toBeUndefined()
})

test('a read-only connection stages nothing', async () => {
  const session = await aSession(aFolder(), { read_only: true })
  expect(await refusal(() => folders(session).stage('', 'k', 'platform'))).toBe('ReadOnly')
})

test('a staged folder is removed also when the way to it has to be walked anew in the middle', async () => {
  const root = aFolder()
  disk.mkdirSync(join(root, 'above'))
  const session = await aSession(root)
  const staged = await folders(session).stage('above', 'k', 'platform')
  for (const name of ['a', 'b', 'c']) await folders(session).put(staged, name, placing(name))
  // Each look at the clock is most of a second later than the one before.
  let now = performance.now()
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 700))
  try {
    expect(await folders(session).discard('above', 'k', ['a', 'b', 'c'])).toBe(true)
  } finally {
    clock.mockRestore()
  }
  expect(disk.readdirSync(join(root, 'above'))).toEqual([])
})
