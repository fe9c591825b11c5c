import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { directoryFor } from '../../../src/connector/fs/directory.ts'
import { refusal } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

function aFile(name: string, content: string): string {
  const path = join(aFolder(), name)
  disk.writeFileSync(path, content)
  return path
}

const json = JSON.stringify([
  { uid: 1000, gid: 100, email: 'Jane@Example.com', username: 'jane', name: 'Jane Doe', groups: ['staff'] },
  { uid: '1001', username: 'john', disabled: true },
  { gid: 100, name: 'staff' },
])
const csv = `uid,gid,email,username,name,disabled
1000,100,Jane@Example.com,jane,"Doe, Jane ""JD""",
1001,,,john,,true

,100,,,staff,
`

test.each([
  ['JSON', json],
  ['CSV', csv],
])('a directory from a %s file finds accounts and groups by all that is given, case aside', (format, content) => {
  const directory = directoryFor(aFile(`people.${format}`, content))
  const [jane] = directory.find({ type: 'account', email: 'jane@example.COM' })
  expect(jane).toMatchObject({ type: 'account', directory: directory.name, id: '1000', username: 'jane' })
  expect(directory.find({ type: 'account', email: 'jane@example.com', username: 'john' })).toEqual([])
  expect(directory.find({ type: 'account', id: '1001' })).toMatchObject([{ username: 'john', disabled: true }])
  expect(directory.find({ type: 'group', name: 'STAFF' })).toMatchObject([{ type: 'group', id: '100' }])
  expect(directory.find({ type: 'group', id: '1000' })).toEqual([])
})

test('quotes and commas of CSV are read as they are meant', () => {
  expect(directoryFor(aFile('people.csv', csv)).of('account', 1000).name).toBe('Doe, Jane "JD"')
})

test("the host's directory knows root, and two connections share it", () => {
  expect(directoryFor('host').find({ type: 'account', username: 'root' })).toMatchObject([{ id: '0' }])
  expect(directoryFor('host').name).toMatch(/^host:./)
})

test('ids of two directories are two people', () => {
  const [one, two] = [directoryFor(aFile('a.json', json)), directoryFor(aFile('b.json', json))]
  expect(one.name).not.toBe(two.name)
  expect(one.of('account', 1000).directory).not.toBe(two.of('account', 1000).directory)
})

test.each(['TRUE', 'True', 'true'])('an account that a spreadsheet calls disabled with %s is disabled', (word) => {
  const directory = directoryFor(aFile('people.csv', `\uFEFFuid,username,disabled\r\n1000,jane,${word}\r\n`))
  expect(directory.find({ type: 'account', username: 'jane' })).toMatchObject([{ id: '1000', disabled: true }])
})

test('a byte order mark is no part of a directory', () => {
  expect(directoryFor(aFile('people.json', `\uFEFF${json}`)).find({ type: 'account', id: '1000' })).toHaveLength(1)
})

test('a number nobody knows is still somebody', () => {
  expect(directoryFor(aFile('a.json', json)).of('account', 77)).toEqual({
    type: 'account',
    directory: expect.stringMatching(/^file:/),
    id: '77',
  })
})

test.each([
  ['[{"uid": "x"}]', 'row 1 has no usable uid or gid'],
  ['[{"email": "a@b"}]', 'row 1 has no usable uid or gid'],
  ['uid,disabled\n1000,yes', 'row 1: disabled is "yes", neither true nor false'],
  ['[1]', 'is not an array of rows'],
  ['[', 'JSON'],
  ['name,email\nx,y', 'has no header line with a uid or gid column'],
])('a directory file that says %j is refused with the reason', async (content, why) => {
  const path = aFile('people', content)
  const open = aSession(aFolder(), { directory: path })
  await expect(open).rejects.toMatchObject({ code: 'Misconfigured', message: expect.stringContaining(why) })
})

test('a directory file that is missing is refused', async () => {
  expect(await refusal(() => aSession(aFolder(), { directory: '/no/such/file' }))).toBe('Misconfigured')
})
