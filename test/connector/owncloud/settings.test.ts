import { expect, test } from '@jest/globals'
import { problemsOf, settingsOf } from '../../../src/connector/owncloud/settings.ts'

const ocis = { url: 'https://cloud.example.com', token: 'secret' }
const older = { url: 'https://example.com/cloud', dialect: 'nextcloud', username: 'me', password: 'secret' }

test.each([
  [{}, 'url'],
  [{ ...ocis, url: 'cloud.example.com' }, 'url'],
  [{ ...ocis, url: 'https://me:secret@cloud.example.com' }, 'url'],
  [{ ...ocis, dialect: 'ocis3' }, 'dialect'],
  [{ url: ocis.url }, 'token'],
  [{ url: ocis.url, username: 'me' }, 'token'],
  [{ ...ocis, password: 'too' }, 'token'],
  [{ ...ocis, dialect: 'nextcloud' }, 'username'],
  [{ ...older, space: 'project/atlas' }, 'space'],
  [{ ...ocis, root: 'a/../b' }, 'root'],
  [{ ...ocis, part_size: 0 }, 'part_size'],
  [{ ...ocis, timeout: 'soon' }, 'timeout'],
  [{ ...ocis, insecure: 'perhaps' }, 'insecure'],
  [{ ...ocis, spase: 'x' }, 'spase'],
])('%j is refused, and the message names %s', (auth, key) => {
  expect(problemsOf(auth).join('\n')).toMatch(new RegExp(`^${key}: `, 'm'))
})

test('a connection needs a server and who asks, and has what is usual for the rest', () => {
  expect([problemsOf(ocis), problemsOf(older)]).toEqual([[], []])
  expect(settingsOf(ocis)).toMatchObject({ dialect: 'ocis', root: [], partBytes: 10 * 1024 * 1024, insecure: false })
  expect(settingsOf({ ...older, root: '/a/b/', insecure: true })).toMatchObject({ root: ['a', 'b'], insecure: true })
})

test('no problem says a secret', () => {
  expect(problemsOf({ ...ocis, password: 'secret', dialect: 'secret', part_size: 'secret' }).join()).not.toContain(
    '"secret',
  )
})
