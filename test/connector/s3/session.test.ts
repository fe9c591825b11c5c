import { textOfUpload } from '../../../src/connector/s3/uploads.ts'
import { createHash } from 'node:crypto'
import { afterEach, expect, test } from '@jest/globals'
import type { Session, Staged } from '../../../src/connector/connector.ts'
import { ConnectionLimiter } from '../../../src/transfer/io/limiter.ts'
import { listing, refusal, Scripted, type Says } from './scripted.ts'

const mib = 1024 * 1024
const object: Says = { headers: { etag: '"e"', 'content-length': '1', 'x-amz-meta-mtime': '5.5' } }
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const environment = { ...process.env }
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
})

async function itemsOf(session: Session, container = '') {
  const items = []
  for await (const page of session.list(container, [])) items.push(...page.items)
  return items
}

test('a folder beside a file of its name is listed under another, also when a page ends between the two', async () => {
  await using server = await Scripted.server(({ method, query }) => {
    if (method === 'HEAD') return object
    const after = query.get('continuation-token')
    return after === null
      ? listing({ files: ['w', 'x', 'x!'], next: 'more' })
      : listing({ files: ['y'], folders: ['x/', 'z/'] })
  })
  const items = await itemsOf(await server.open())
  const names = items.map(({ name, kind }) => `${kind} ${name}`).sort()
  expect(names).toEqual(['container x\uFFFD2', 'container z', 'item w', 'item x', 'item x!', 'item y'])
})

test('keys that are no paths are listed under names, and a marker is no file', async () => {
  await using server = await Scripted.server(({ method, query }) => {
    if (method === 'HEAD') return object
    return query.get('prefix') === 'a/'
      ? listing({ files: ['a/', 'a/..'], folders: ['a//'] })
      : listing({ folders: ['a/', '/'] })
  })
  const session = await server.open()
  expect((await itemsOf(session)).map(({ id }) => id).sort()).toEqual(['a', '\uFFFD'])
  // With something in it, the key `a/` is a file without a name beside a folder without one.
  expect((await itemsOf(session, 'a')).map(({ id }) => id).sort()).toEqual(['a/..\uFFFD', 'a/\uFFFD', 'a/\uFFFD2'])
})

test('a key that the server cannot spell in a listing is flagged, not left out', async () => {
  await using server = await Scripted.server(({ method }) =>
    method === 'HEAD' ? object : listing({ files: ['fine', 'ctl\uFFFDx'], folders: ['dir\uFFFD/'], encoding: '' }),
  )
  const session = await server.open()
  expect(session.capabilities.names.controls).toBe(true)
  const items = await itemsOf(session)
  expect(items.map(({ kind }) => kind).sort()).toEqual(['item', 'special', 'special'])
})

test('times come from the metadata, asked for item by item, or from the listing where the connection says so', async () => {
  await using server = await Scripted.server(({ method }) => (method === 'HEAD' ? object : listing({ files: ['f'] })))
  expect(await itemsOf(await server.open())).toMatchObject([{ modifiedNs: 5_500_000_000n, version: 'e' }])
  const stored = await server.open({ times: 'stored' })
  expect(await itemsOf(stored)).toMatchObject([{ modifiedNs: 1_767_225_600_000_000_000n }])
  expect(server.asked.map(({ method }) => method)).toEqual(['GET'])
  expect(stored.capabilities.times.modified).toBe('read')
  await stored.close()
})

test('what is read is of the version that was listed', async () => {
  await using server = await Scripted.server(({ method, headers }) => {
    if (method !== 'GET' || headers['if-match'] === undefined) return listing()
    return headers['if-match'] === '"e"' ? { ...object, body: 'x' } : refusal(412, 'PreconditionFailed')
  })
  const session = await server.open()
  const into = Buffer.alloc(1)
  await session.readWhole!('f', { sizeBytes: 1n, version: 'e', modifiedNs: 5_500_000_000n }, into)
  expect(into.toString()).toBe('x')
  const other = async () => session.readWhole!('f', { sizeBytes: 1n, version: 'former' }, into)
  await expect(other()).rejects.toMatchObject({ code: 'ChangedWhileRead' })
})

test('a server that is too busy says so with its time to wait', async () => {
  await using server = await Scripted.server(({ path }) =>
    path.endsWith('/f') ? { status: 503, headers: { 'retry-after': '3' } } : listing(),
  )
  const session = await server.open()
  await expect(async () => session.stat('f', [])).rejects.toMatchObject({ code: 'Throttled', retryAfterMs: 3_000 })
})

test('a server that is too busy is asked again in the same call, as often as it takes, by a host that waits', async () => {
  let refused = 0
  await using server = await Scripted.server(({ path, method }) => {
    if (!path.endsWith('/f')) return listing()
    return ++refused <= 2 ? { status: 503, headers: { 'retry-after': '0' } } : method === 'HEAD' ? object : {}
  })
  const limiter = new ConnectionLimiter({ patienceMs: 10_000 })
  const session = await server.open({}, { limiter })
  expect(await session.stat('f', [])).toMatchObject({ version: 'e' })
  expect(refused).toBeGreaterThan(2)
})

async function staged(session: Session, content: string): Promise<Staged> {
  const staging = await session.stage({
    ...{ container: '', key: 'k', name: 'f', sizeBytes: BigInt(content.length) },
    ...{ attributes: { modifiedNs: 1n }, durability: 'process' },
  })
  await staging.write(Buffer.from(content), 0n)
  return staging.finish(sha256(content))
}

test('a small content is one request: its hash is signed, its condition said, and where it came from kept with it', async () => {
  await using server = await Scripted.server(({ method }) =>
    method === 'PUT' ? { headers: { etag: '"new"' } } : listing(),
  )
  const session = await server.open({ storage_class: 'STANDARD_IA', sse: 'AES256' })
  const item = await session.publish(await staged(session, 'text'), {
    container: '',
    name: 'f.txt',
    condition: 'absent',
  })
  expect(item).toMatchObject({ name: 'f.txt', version: 'new', modifiedNs: 1n })
  expect(server.asked).toHaveLength(1)
  expect(server.asked[0]).toMatchObject({ method: 'PUT', path: '/bucket/f.txt', body: 'text' })
  expect(server.asked[0]!.headers).toMatchObject({
    'x-amz-content-sha256': sha256('text'),
    'if-none-match': '*',
    'content-type': 'text/plain',
    'x-amz-meta-mtime': '0.000000001',
    'x-amz-meta-stevedore-staging': 'k',
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-server-side-encryption': 'AES256',
  })
})

test.each([
  ['k', 'published'],
  ['somebody', 'Conflict'],
])('where something is already, a mark of %s decides whether it is ours: %s', async (mark, expected) => {
  const there = { headers: { ...object.headers, 'content-length': '4', 'x-amz-meta-stevedore-staging': mark } }
  await using server = await Scripted.server(({ method }) => {
    if (method === 'PUT') return refusal(412, 'PreconditionFailed')
    return method === 'HEAD' ? there : listing()
  })
  const session = await server.open()
  const ready = await staged(session, 'text')
  const publish = async () => session.publish(ready, { container: '', name: 'f', condition: 'absent' })
  const outcome = await publish().then(
    () => 'published',
    (error: { code: string }) => error.code,
  )
  expect(outcome).toBe(expected)
})

test('an upload that ends with an error inside a good status has failed', async () => {
  await using server = await Scripted.server(({ method, query }) => {
    if (method === 'POST' && query.has('uploads'))
      return { body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>' }
    if (method === 'PUT') return { headers: { etag: '"p"' } }
    if (method === 'POST') return { body: '<Error><Code>InternalError</Code><Message>no</Message></Error>' }
    return listing()
  })
  const session = await server.open({ part_size: 5 })
  const staging = await session.stage({
    ...{ container: '', key: 'k', name: 'f', sizeBytes: BigInt(6 * mib) },
    ...{ attributes: {}, durability: 'process' },
  })
  expect(staging.resume).toContain('u')
  await staging.write(Buffer.alloc(6 * mib), 0n)
  const ready = await staging.finish('hash')
  const parts = server.asked.filter(({ method }) => method === 'PUT')
  // They are sent side by side.
  expect(parts.map(({ query }) => query.get('partNumber')).sort()).toEqual(['1', '2'])
  for (const { headers } of parts) expect(headers['x-amz-checksum-crc32']).toMatch(/^[\w+/]{6}==$/)
  const publish = async () => session.publish(ready, { container: '', name: 'f', condition: 'absent' })
  await expect(publish()).rejects.toMatchObject({ code: 'Unreachable' })
})

test('of uploads whose id nobody recorded those without a part are ended, and nobody else’s', async () => {
  const uploads = ['empty', 'begun'].map((id) => `<Upload><Key>f</Key><UploadId>${id}</UploadId></Upload>`).join('')
  const other = '<Upload><Key>file</Key><UploadId>other</UploadId></Upload>'
  const ended = new Set<string | null>()
  await using server = await Scripted.server(({ method, query }) => {
    if (method === 'DELETE') ended.add(query.get('uploadId'))
    if (ended.has(query.get('uploadId'))) return method === 'DELETE' ? { status: 204 } : refusal(404, 'NoSuchUpload')
    if (query.has('uploads'))
      return { body: `<ListMultipartUploadsResult>${uploads}${other}</ListMultipartUploadsResult>` }
    const part = query.get('uploadId') === 'begun' ? '<Part><PartNumber>1</PartNumber><Size>1</Size></Part>' : ''
    return query.has('uploadId') ? { body: `<ListPartsResult>${part}</ListPartsResult>` } : listing()
  })
  const session = await server.open()
  await session.discard('', 'of a dead holder', { name: 'f', sizeBytes: BigInt(100 * mib) })
  expect([...ended]).toEqual(['empty'])
  server.asked.length = 0
  await session.discard('', 'of a dead holder', { name: 'f', sizeBytes: 1n })
  expect(server.asked).toEqual([])
})

test('an upload of which a part comes in late is ended until nothing of it is there', async () => {
  let deletes = 0
  await using server = await Scripted.server(({ method, query }) => {
    if (method === 'DELETE') deletes += 1
    if (method === 'DELETE') return { status: 204 }
    if (!query.has('uploadId')) return listing()
    return deletes < 2 ? { body: '<ListPartsResult/>' } : refusal(404, 'NoSuchUpload')
  })
  const session = await server.open()
  await session.discard('', 'key', { name: 'f', resume: textOfUpload({ key: 'f', uploadId: 'id', partBytes: mib }) })
  expect(deletes).toBe(2)
})

test('credentials come from the environment where the connection has none', async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'from-env', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 'token' })
  await using server = await Scripted.server(() => listing())
  const session = await server.open({ from: 'environment' })
  await session.stat('f', [])
  expect(server.asked[0]!.headers).toMatchObject({ 'x-amz-security-token': 'token' })
  expect(server.asked[0]!.headers.authorization).toContain('Credential=from-env/')
})

test('requests go by way of the proxy that the environment names', async () => {
  await using proxy = await Scripted.server(() => listing())
  process.env['http_proxy'] = `http://${proxy.address}`
  await using server = await Scripted.server(() => refusal(500, 'NotAsked'))
  process.env['no_proxy'] = ''
  await (await server.open()).stat('f', [])
  expect(server.asked).toEqual([])
  expect(proxy.asked.map(({ path }) => path)).toContain('/bucket/f')
})

test('many calls of one session are under way at once, and each gets its own answer', async () => {
  await using server = await Scripted.server(({ method, path }) =>
    method === 'HEAD' ? { headers: { ...object.headers, etag: `"${path}"` } } : listing(),
  )
  const session = await server.open()
  const names = Array.from({ length: 200 }, (_, i) => `file ${i}`)
  const items = await Promise.all(names.map(async (name) => session.stat(name, [])))
  expect(items.map((item) => item?.version)).toEqual(names.map((name) => `/bucket/${name}`))
})

test('calls one after another use the same connections, also those that ask without wanting the content', async () => {
  await using server = await Scripted.server(({ method }) => (method === 'HEAD' ? object : listing()))
  const session = await server.open()
  for (let i = 0; i < 5; i++) await session.stat('f', [])
  // A second may be opened before the first is free again.
  expect(server.connections).toBeLessThanOrEqual(2)
})

const planned = { kind: 'item', sizeBytes: 1n, version: 'e', modifiedNs: 5_500_000_000n } as const
const deletes = (server: Scripted) => server.asked.filter(({ method }) => method === 'DELETE')

test('what is removed is removed on condition of what was seen, and who was quicker keeps theirs', async () => {
  await using server = await Scripted.server(({ method }) => {
    if (method === 'DELETE') return refusal(412, 'PreconditionFailed')
    return method === 'HEAD' ? object : listing()
  })
  const session = await server.open()
  await expect(async () => session.remove('f', planned)).rejects.toMatchObject({ code: 'PreconditionFailed' })
  expect(deletes(server)).toMatchObject([{ path: '/bucket/f', headers: { 'if-match': '"e"' } }])
})

test('a server that knows no conditions of a removal has to do with the look right before', async () => {
  await using server = await Scripted.server(({ method, headers }) => {
    if (method === 'DELETE') return headers['if-match'] ? refusal(501, 'NotImplemented') : { status: 204 }
    return method === 'HEAD' ? object : listing()
  })
  const session = await server.open()
  await session.remove('f', planned)
  expect(server.asked.map(({ method }) => method)).toEqual(['HEAD', 'DELETE', 'DELETE'])
  await expect(async () => session.remove('f', { ...planned, version: 'former' })).rejects.toMatchObject({
    code: 'PreconditionFailed',
  })
  expect(deletes(server)).toHaveLength(2)
})

test.each([
  [403, 'AccessDenied', 'AccessDenied'],
  [404, 'NoSuchBucket', 'RootGone'],
])('a removal that is refused with %i %s is no removal', async (status, said, code) => {
  await using server = await Scripted.server(({ method }) => {
    if (method === 'DELETE') return refusal(status, said)
    return method === 'HEAD' ? object : listing()
  })
  const session = await server.open()
  await expect(async () => session.remove('f', planned)).rejects.toMatchObject({ code })
})

test('a file that went between look and removal is gone', async () => {
  await using server = await Scripted.server(({ method }) => {
    if (method === 'DELETE') return refusal(404, 'NoSuchKey')
    return method === 'HEAD' ? object : listing()
  })
  const session = await server.open()
  await session.remove('f', planned)
  expect(deletes(server)).toHaveLength(1)
})

test('a file under the key of a folder’s marker is not taken for an empty folder', async () => {
  await using server = await Scripted.server(({ method }) =>
    method === 'HEAD' ? { status: 404 } : listing({ files: ['a/'] }),
  )
  const session = await server.open()
  const folder = { kind: 'container', sizeBytes: 0n } as const
  await expect(async () => session.remove('a', folder)).rejects.toMatchObject({ code: 'Conflict' })
  expect(deletes(server)).toEqual([])
})

test.each([
  ['<Status>Enabled</Status>', 'versions'],
  ['<Status>Suspended</Status>', undefined],
  ['', undefined],
  ['refused', undefined],
])('a bucket that says of its versions %j leaves of what is removed %j', async (says, removal) => {
  await using server = await Scripted.server(({ query }) => {
    if (!query.has('versioning')) return listing()
    if (says === 'refused') return refusal(403, 'AccessDenied')
    return { body: `<VersioningConfiguration>${says}</VersioningConfiguration>` }
  })
  const session = await server.open()
  expect(session.capabilities.tree.removal).toBe(removal)
  const notes = session.notes.map(({ capability }) => capability)
  expect(notes.includes('tree.removal')).toBe(removal === undefined)
})
