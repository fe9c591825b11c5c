import { expect, test } from '@jest/globals'
import { Addresses, idOfPath } from '../../../src/connector/webdav/addresses.ts'

const at = new Addresses(new URL('https://host/dav/my%20files/'))

test('ids stand in requests as the server takes them', () => {
  expect(at.path('')).toBe('/dav/my%20files/')
  expect(at.path('a/b c%.txt')).toBe('/dav/my%20files/a/b%20c%25.txt')
  expect(at.path('ü?#;', 'container')).toBe('/dav/my%20files/%C3%BC%3F%23%3B/')
  expect(new Addresses(new URL('https://host')).path('')).toBe('/')
})

test.each([
  ['', '/dav/my%20files/', ''],
  ['', '/dav/my files/', ''],
  ['', '/dav/my%20files/a%20b', 'a b'],
  ['', '/%64av/my%20files/%C3%BC/', 'ü'],
  ['', 'https://host/dav/my%20files/a', 'a'],
  ['a', '/dav/my%20files/a/b%2525', 'b%25'],
  ['', '/dav/my%20files/%FF', '%FF\uFFFD'],
])('in %j, %j is %j', (container, href, name) => {
  expect(at.nameIn(container, href)).toBe(name)
})

test.each([
  '/dav',
  '/dav/other/a',
  '/dav/my%20files/a/b',
  '/dav/my%20files/../x',
  '/dav/my%20files/%2e%2e',
  '/dav/my%20files/..',
  '/dav/my%20files/a%2Fb',
  '/dav/my%20files/a%00b',
  '/dav/my%20files//etc',
  '//host/dav/my%20files/a',
  'https://other/dav/my%20files/a',
  'http://host/dav/my%20files/a',
  'https://host:8443/dav/my%20files/a',
  'https://host/dav/my%20files/../../a',
  'file:///dav/my%20files/a',
  'a',
  '',
])('%j, which lies elsewhere, is refused', (href) => {
  expect(() => at.nameIn('', href)).toThrow(expect.objectContaining({ code: 'Escapes' }))
})

test('a root path is names, and nothing that climbs', () => {
  expect(idOfPath('/a/b c/')).toBe('a/b c')
  for (const path of ['..', '/a/../b', 'a//b', './a'])
    expect(() => idOfPath(path)).toThrow(expect.objectContaining({ code: 'Escapes' }))
})
