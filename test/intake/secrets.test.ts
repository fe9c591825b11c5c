import { expect, test } from '@jest/globals'
import { secretsInJob, secretsInMap } from '../../src/intake/secrets.ts'

const connection = {
  platform: { id: 'sftp' },
  auth: { uri: 'sftp://me:hush@host', password: 'hush', private_key: 'hush' },
}

test('an inline connection may hold its secrets: they are sealed with it', () => {
  const side = { connection }
  const map = { source: side, destination: side }
  expect(secretsInJob({ transfer: { source: side, destination: side, account_map: map, group_map: map } })).toEqual([])
  expect(secretsInMap(map)).toEqual([])
})

test('what only looks like a connection of the job may not', () => {
  const paths = (document: unknown): unknown[] => secretsInJob(document).map(({ property }) => property)
  expect(paths({ transfer: { third: { connection } } })).toEqual(['transfer.third.connection.auth'])
  expect(paths({ source: { connection } })).toEqual(['source.connection.auth'])
  expect(paths({ transfer: { source: { connection, options: { access_key: 'hush' } } } })).toEqual([
    'transfer.source.options.access_key',
  ])
})

test('of a connection only its auth is sealed', () => {
  const loose = { ...connection, name: 'Server=db;Password=hush', token: 'hush' }
  expect(secretsInJob({ transfer: { source: { connection: loose } } }).map(({ property }) => property)).toEqual([
    'transfer.source.connection.name',
    'transfer.source.connection.token',
  ])
})

test('a document of a hundred thousand levels is left to those who refuse it', () => {
  let deep: unknown = { password: 'hush' }
  for (let i = 0; i < 100_000; i++) deep = [deep]
  expect(secretsInJob({ deep })).toEqual([])
})
