import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { ConnectorError } from '../../../src/connector/errors.ts'
import { DavClient } from '../../../src/connector/webdav/client.ts'
import { multistatus, type Told } from '../../../src/connector/webdav/multistatus.ts'
import { ConnectionLimiter } from '../../../src/transfer/io/limiter.ts'
import { file, folder, multistatusOf, part, ScriptedDav, type Asked, type Says } from './scripted_dav.ts'

const line = { connections: 4, timeoutMs: 2_000, insecure: false, caFile: undefined }
const md5 = (text: string) => createHash('md5').update(text).digest('hex')

async function all(parts: AsyncIterable<Told>): Promise<Told[]> {
  const told = []
  for await (const one of parts) told.push(one)
  return told
}

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve()
    yield bytes.subarray(at, at + size)
  }
}

test('a multistatus is told part by part, however it is cut, with entities, sections and whatever prefixes', async () => {
  const text = `<?xml version="1.0"?><x:multistatus xmlns:x="DAV:" xmlns:n="urn:n"><x:response><x:href>/a%20b</x:href>
    <x:propstat><x:prop><n:title>ä &amp; <![CDATA[<b>]]></n:title></x:prop><x:status>HTTP/1.1 200 OK</x:status></x:propstat>
    <x:propstat><x:prop><n:none/></x:prop><x:status>HTTP/1.1 404 Not Found</x:status></x:propstat></x:response></x:multistatus>`
  for (const size of [1, 7, 10_000]) {
    const [told, ...more] = await all(multistatus(pieces(text, size)))
    expect(more).toEqual([])
    expect(told?.href).toBe('/a%20b')
    expect(told?.properties.get('{urn:n}title')?.text).toBe('ä & <b>')
    expect(told?.refused.get('{urn:n}none')).toBe(404)
  }
})

test.each([
  ['ends early', '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/a</D:href></D:response>'],
  ['is empty', ''],
  ['is a page for people', '<html><body>Hello</body></html>'],
  ['is another answer', '<D:error xmlns:D="DAV:"/>'],
  [
    'has a part without an address',
    '<D:multistatus xmlns:D="DAV:"><D:response><D:status>HTTP/1.1 200 OK</D:status></D:response></D:multistatus>',
  ],
  ['goes on after its end', '<D:multistatus xmlns:D="DAV:"></D:multistatus><D:multistatus/>'],
])('an answer that %s is an error, not a short folder', async (_, text) => {
  await expect(all(multistatus(pieces(text, 10)))).rejects.toMatchObject({ code: 'Unreachable' })
})

test('a listing takes no more memory the longer it is', async () => {
  async function* endless(count: number): AsyncGenerator<Uint8Array> {
    yield Buffer.from('<D:multistatus xmlns:D="DAV:">')
    for (let i = 0; i < count; i++) {
      await Promise.resolve()
      yield Buffer.from(file(`/dav/${'n'.repeat(100)}${i}`))
    }
    yield Buffer.from('</D:multistatus>')
  }
  let told = 0
  let most = 0
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  for await (const one of multistatus(endless(20_000))) {
    told += one.href === '' ? 0 : 1
    if (told % 2_000 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed)
  }
  expect(told).toBe(20_000)
  // What is told is 12 MB of text; garbage waits for its collector.
  expect(most - before).toBeLessThan(120 * 1024 * 1024)
})

async function asking(say: (asked: Asked) => Says, credentials = {}) {
  const server = await ScriptedDav.server(say)
  const client = new DavClient({ ...line, origin: server.origin, credentials })
  return { server, client, [Symbol.asyncDispose]: () => client.close().then(() => server[Symbol.asyncDispose]()) }
}

test('a password is told to nobody who has not asked for it, and then with each request', async () => {
  const basic = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
  await using rig = await asking(({ headers }) => (headers.authorization === undefined ? basic : {}), {
    ...{ user: 'Jörg', password: 'secret' },
  })
  await rig.client.text({ method: 'GET', path: '/a' })
  await rig.client.text({ method: 'GET', path: '/b' })
  expect(rig.server.asked.map(({ path }) => path)).toEqual(['/a', '/a', '/b'])
  const sent = `Basic ${Buffer.from('Jörg:secret').toString('base64')}`
  expect(rig.server.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, sent, sent])
})

test('where Digest is offered the password stays here, and a nonce that ran out is replaced', async () => {
  let nonce = 1
  const challenge = (stale: boolean) => ({
    status: 401,
    headers: {
      'www-authenticate': [
        'Basic realm="x"',
        `Digest realm="x", nonce="n${nonce}", qop="auth,auth-int", opaque="o"${stale ? ', stale=true' : ''}`,
      ],
    },
  })
  await using rig = await asking(
    ({ method, path, headers: { authorization } }) => {
      if (authorization === undefined) return challenge(false)
      const said = new Map([...authorization.matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name, value]) => [name, value]))
      if (said.get('nonce') !== `n${nonce}`) return challenge(true)
      const [who, what] = [md5('user:x:secret'), md5(`${method}:${path}`)]
      const right = md5(`${who}:n${nonce}:${said.get('nc')}:${said.get('cnonce')}:auth:${what}`)
      return said.get('response') === right && said.get('opaque') === 'o' ? {} : { status: 403 }
    },
    { user: 'user', password: 'secret' },
  )
  await rig.client.text({ method: 'GET', path: '/a' })
  await rig.client.text({ method: 'PROPFIND', path: '/b' })
  nonce = 2
  await rig.client.text({ method: 'GET', path: '/c' })
  // A stream is sent once: what has to be asked is asked before.
  nonce = 3
  await rig.client.text({ method: 'PUT', path: '/d', body: Readable.from([Buffer.from('content')]) })
  expect(rig.server.asked.at(-1)).toMatchObject({ method: 'PUT', body: 'content' })
  expect(JSON.stringify(rig.server.asked)).not.toContain('Basic')
})

test.each([
  [{ user: 'user', password: 'wrong' }, 'Basic realm="x"', 2],
  [{ user: 'user', password: 'wrong' }, 'Digest realm="x", nonce="n", qop="auth"', 2],
  [{ token: 'wrong' }, 'Bearer', 1],
  [{}, 'Basic realm="x"', 1],
])('%j against %j is refused as credentials, without trying on', async (credentials, challenge, requests) => {
  await using rig = await asking(() => ({ status: 401, headers: { 'www-authenticate': challenge } }), credentials)
  await expect(rig.client.text({ method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'AuthExpired' })
  expect(rig.server.asked).toHaveLength(requests)
})

test('a token is sent as it is', async () => {
  await using rig = await asking(() => ({}), { token: 'abc' })
  await rig.client.text({ method: 'GET', path: '/' })
  expect(rig.server.asked[0]?.headers.authorization).toBe('Bearer abc')
})

test.each([
  [301, 'Misconfigured'],
  [302, 'Misconfigured'],
  [308, 'Misconfigured'],
  [400, 'ItemFailed'],
  [403, 'AccessDenied'],
  [404, 'NotFound'],
  [405, 'Unsupported'],
  [409, 'Conflict'],
  [412, 'PreconditionFailed'],
  [413, 'TooLarge'],
  [414, 'NameTooLong'],
  [423, 'Locked'],
  [429, 'Throttled'],
  [500, 'ItemFailed'],
  [502, 'Unreachable'],
  [503, 'Throttled'],
  [507, 'QuotaExceeded'],
])('status %i is %s', async (status, code) => {
  await using rig = await asking(() => ({ status, headers: { location: '/elsewhere' }, body: '/srv/secret/path' }))
  const failed = rig.client.text({ method: 'PUT', path: '/', body: Buffer.from('x'), id: 'file' })
  await expect(failed).rejects.toMatchObject({ code, id: 'file', message: expect.not.stringContaining('secret') })
  expect(rig.server.asked).toHaveLength(1)
})

test('a server that is too busy is left alone for as long as it asks for, and asked again', async () => {
  let times = 0
  await using server = await ScriptedDav.server(() =>
    ++times === 1 ? { status: 429, headers: { 'retry-after': '0.3' } } : multistatusOf(folder('/')),
  )
  const limiter = new ConnectionLimiter({ patienceMs: 5_000 })
  const client = new DavClient({ ...line, origin: server.origin, credentials: {} }, limiter)
  const began = performance.now()
  expect(await all(client.propfind('/', 1, ['{DAV:}resourcetype']))).toHaveLength(1)
  expect(performance.now() - began).toBeGreaterThan(295)
  await client.close()
})

test('what is there has its properties, what is not is nothing, and a folder that is no WebDAV is told as that', async () => {
  await using rig = await asking(({ path }) =>
    path === '/gone' ? { status: 404 } : path === '/page' ? { body: '<html/>' } : multistatusOf(file('/f', 7)),
  )
  const size = ['{DAV:}getcontentlength']
  expect((await rig.client.look('/f', size))?.properties.get(size[0]!)?.text).toBe('7')
  expect(await rig.client.look('/gone', size)).toBeNull()
  await expect(rig.client.look('/page', size)).rejects.toMatchObject({ code: 'Unsupported' })
  await expect(all(rig.client.propfind('/page', 1, size))).rejects.toMatchObject({ code: 'Unsupported' })
  expect(rig.server.asked[0]?.body).toContain('<p:getcontentlength xmlns:p="DAV:"></p:getcontentlength>')
})

test('which properties a server did not take is told by name', async () => {
  await using rig = await asking(() => ({
    ...multistatusOf(
      part('/f').replace('200 OK', '403 Forbidden').replace('<D:prop>', '<D:prop><t:at xmlns:t="urn:t"/>'),
    ),
  }))
  expect([...(await rig.client.setProperties('/f', { '{urn:t}at': 'a<b' }))]).toEqual([['{urn:t}at', 403]])
  expect(rig.server.asked[0]?.body).toContain('a&#60;b')
})

test('a line that breaks is an outage, and blames no item', async () => {
  const client = new DavClient({ ...line, origin: 'http://127.0.0.1:1', credentials: {} })
  const error = await client.text({ method: 'GET', path: '/' }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConnectorError)
  expect(error).toMatchObject({ code: 'Unreachable', kind: 'connection' })
  await client.close()
})
