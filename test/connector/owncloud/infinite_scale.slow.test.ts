import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import * as xattrs from 'fs-xattr'
import type { Session, StageSpec, Target } from '../../../src/connector/connector.ts'
import type { Facts, Item } from '../../../src/connector/item.ts'
import { owncloud } from '../../../src/connector/owncloud/owncloud.ts'
import { bytes, pattern, refusal, sha256 } from '../../conformance/bench.ts'
import { leftIn } from '../../conformance/owncloud_oracle.ts'
import { aServer } from '../../rig/a_server.ts'

/** What is Infinite Scale's own, by a session and by requests past it. */
jest.setTimeout(60_000)
const server = await aServer('owncloud')
const testIf = server ? test : test.skip
const mib = 1024 * 1024
let session: Session

beforeAll(async () => {
  if (!server) return
  await ask('MKCOL', 'files/einstein/own')
  session = await open()
})
afterAll(async () => {
  if (!server) return
  await session.close()
  await server.end()
})

testIf.each([
  ['in one request', 9],
  ['in pieces', 3 * mib],
])('a file replaced %s keeps its id, its share, and the former content as a version', async (how, size) => {
  const name = `replaced ${how}`
  const first = await write(name, Buffer.alloc(size, 'a'))
  const shared = await share(`/own/${name}`)
  const second = await write(name, Buffer.alloc(size, 'b'), { condition: first })
  const third = await write(name, Buffer.alloc(size, 'c'), { condition: second })
  expect([second.identity, third.identity]).toEqual([first.identity, first.identity])
  expect(await versionsOf(third.identity)).toHaveLength(2)
  expect((await contentOf(name)).equals(Buffer.alloc(size, 'c'))).toBe(true)
  const { status, body } = await ask('GET', `../../ocs/v1.php/apps/files_sharing/api/v1/shares/${shared}?format=json`)
  expect([status, body]).toEqual([200, expect.stringContaining(`"file_source":"${first.identity}"`)])
  expect(leftIn(server!, xattrs)).toEqual([])
})

testIf('a time alone comes with the content once more, which makes a version and keeps the id', async () => {
  const item = await write('timed', bytes('content'))
  const after = await session.setAttributes(item.id, { modifiedNs: 1_500_000_000n * 1_000_000_000n }, item)
  expect(after).toMatchObject({ identity: item.identity, modifiedNs: 1_500_000_000n * 1_000_000_000n })
  expect(await session.setAttributes(item.id, { modifiedNs: 1_500_000_000_250_000_000n }, after)).toEqual(after)
  expect(await versionsOf(item.identity)).toHaveLength(1)
})

testIf('a content of the same size and time as the former is another one', async () => {
  const attributes = { modifiedNs: 1_500_000_000n * 1_000_000_000n }
  const one = await write('same time', bytes('one'), { attributes })
  const two = await write('same time', bytes('two'), { attributes, condition: one })
  expect(two.version).not.toBe(one.version)
  expect(await refusal(() => write('same time', bytes('own'), { condition: one }))).toBe('PreconditionFailed')
})

testIf('what somebody edits while a long replacement is on its way stays', async () => {
  const item = await write('edited', pattern(2 * mib))
  const { staged, target } = await stage('edited', pattern(3 * mib), { condition: item })
  await ask('PUT', 'files/einstein/own/edited', 'theirs')
  expect(await refusal(() => session.publish(staged, target))).toBe('PreconditionFailed')
  expect(await contentOf('edited')).toEqual(bytes('theirs'))
  await session.discard('', staged.key, { ...target, ...staged })
  expect(leftIn(server!, xattrs)).toEqual([])
})

testIf.each([
  ['in one request', 9],
  ['in pieces', 3 * mib],
])('after a death a replacement %s is ours when its content is, and not by name and size', async (how, size) => {
  const name = `after a death ${how}`
  const item = await write(name, Buffer.alloc(size, 'a'))
  const { staged, target } = await stage(name, Buffer.alloc(size, 'b'), { condition: item })
  await session.publish(staged, target)
  await using later = await another()
  expect(await later.session.reconcile(staged, target)).toMatchObject({
    state: 'published',
    item: { sizeBytes: BigInt(size) },
  })
  await ask('PUT', `files/einstein/own/${name}`, 'x'.repeat(size))
  expect(await later.session.reconcile(staged, target)).toEqual({ state: 'gone' })
})

testIf('a long replacement that a process left ready is published by the next one', async () => {
  const item = await write('left ready', bytes('of before'))
  const content = pattern(3 * mib)
  const { staged, target } = await stage('left ready', content, { condition: item })
  await using later = await another()
  expect(await later.session.reconcile(staged, target)).toEqual({ state: 'staged' })
  const published = await later.session.publish(staged, target)
  expect(published.identity).toBe(item.identity)
  expect((await contentOf('left ready')).equals(content)).toBe(true)
})

testIf('a long content that was whole when its process died is not sent again', async () => {
  const content = pattern(3 * mib)
  const spec = { container: '', key: 'whole', name: 'whole', sizeBytes: BigInt(3 * mib), attributes: {} } as const
  const first = await session.stage({ ...spec, durability: 'process' })
  await first.write(content, 0n)
  await first.finish(sha256(content))
  await using later = await another()
  const second = await later.session.stage({ ...spec, durability: 'process', resume: first.resume!, resumeAt: 1n })
  const from = Number(second.resumesAt)
  expect(from).toBe(3 * mib - 1)
  second.verify?.(content.subarray(0, from))
  await second.write(content.subarray(from), BigInt(from))
  const staged = await second.finish(sha256(content))
  await later.session.publish(staged, { container: '', name: 'whole', condition: 'absent' })
  expect((await contentOf('whole')).equals(content)).toBe(true)
  expect(leftIn(server!, xattrs)).toEqual([])
})

testIf('who has created the name while ours was on its way keeps it', async () => {
  for (let i = 0; i < 20; i++) {
    const name = `raced ${i}`
    const { staged, target } = await stage(name, bytes('ours'))
    const theirs = ask('PUT', `files/einstein/own/${name}`, 'theirs')
    await sleep(i)
    const ours = await Promise.resolve(session.publish(staged, target)).then(
      () => 'published',
      (error: { code: string }) => error.code,
    )
    await theirs
    // Their PUT does not ask whether there is something: that it replaces ours is theirs to do.
    expect(['published', 'Conflict']).toContain(ours)
    if (ours === 'Conflict') expect(await contentOf(name)).toEqual(bytes('theirs'))
    await session.discard('', staged.key, { ...target, ...staged })
  }
  expect(leftIn(server!, xattrs)).toEqual([])
})

testIf('a space of a project is one by its alias, and says so when its quota is full', async () => {
  await ask('POST', '../../graph/v1.0/drives', '{"name":"Atlas","quota":{"total":2500000}}', 'admin')
  const auth = { ...server!.auth, token: 'admin', space: 'project/atlas', part_size: 1 }
  await using project = await another(auth)
  await write('small', pattern(mib), { on: project.session })
  expect(await refusal(() => write('in pieces', pattern(2 * mib), { on: project.session }))).toBe('QuotaExceeded')
  await write('small, too', pattern(mib), { on: project.session })
  expect(await refusal(() => write('too much', pattern(mib), { on: project.session }))).toBe('QuotaExceeded')
})

testIf('who is not let in, and what is not there, is said when a connection is opened', async () => {
  const { url } = server!.auth
  const opened = (auth: object) => refusal(() => owncloud.open({ url, ...auth }))
  expect(await opened({ token: 'nobody' })).toBe('AuthExpired')
  expect(await opened({ username: 'einstein', password: 'wrong' })).toBe('AuthExpired')
  expect(await opened({ token: 'einstein', space: 'project/none' })).toBe('Misconfigured')
  expect(await opened({ token: 'einstein', root: 'no such folder' })).toBe('RootGone')
  const byPassword = await owncloud.open({ url, username: 'einstein', password: 'relativity' })
  expect(await byPassword.root('/own')).toMatchObject({ kind: 'container' })
  await byPassword.close()
})

interface Options {
  condition?: Target['condition']
  attributes?: StageSpec['attributes']
  on?: Session
}

let keys = 0

async function stage(
  name: string,
  content: Buffer,
  { condition = 'absent', attributes = {}, on = session }: Options = {},
) {
  const replaces = condition !== 'absent'
  const sizeBytes = BigInt(content.length)
  const key = `own-${++keys}`
  const spec = { container: '', key, name, sizeBytes, attributes, replaces, durability: 'process' } as const
  const staging = await on.stage(spec)
  await staging.write(content, 0n)
  return { staged: await staging.finish(sha256(content)), target: { container: '', name, condition } }
}

async function write(name: string, content: Buffer, options: Options = {}): Promise<Item> {
  const { staged, target } = await stage(name, content, options)
  return (options.on ?? session).publish(staged, target)
}

function open(auth: Record<string, unknown> = { ...server!.auth, root: 'own', part_size: 1 }): Promise<Session> {
  return Promise.resolve(owncloud.open(auth))
}

async function another(auth?: Record<string, unknown>) {
  const session = await open(auth)
  return { session, [Symbol.asyncDispose]: async () => void (await session.close()) }
}

/** A request past the product. */
async function ask(method: string, path: string, body?: string, who = 'einstein') {
  const to = new URL(path.split('/').map(encodeURI).join('/'), `${String(server!.auth['url'])}/remote.php/dav/`)
  const headers = { authorization: `Bearer ${who}`, depth: '1' }
  const answer = await fetch(to, { method, headers, ...(body ? { body } : {}) })
  const content = Buffer.from(await answer.arrayBuffer())
  return { status: answer.status, content, body: content.toString() }
}

async function contentOf(name: string): Promise<Buffer> {
  return (await ask('GET', `files/einstein/own/${name}`)).content
}

async function versionsOf(fileId: Facts['identity']): Promise<string[]> {
  const { body } = await ask('PROPFIND', `meta/${fileId}/v`)
  return body.match(/\.REV\.[^<]*(?=<\/d:href>)/g) ?? []
}

async function share(path: string): Promise<string> {
  const to = `${String(server!.auth['url'])}/ocs/v1.php/apps/files_sharing/api/v1/shares?format=json`
  const form = new URLSearchParams({ shareType: '0', shareWith: 'marie', path, permissions: '1' })
  const answer = await fetch(to, { method: 'POST', headers: { authorization: 'Bearer einstein' }, body: form })
  const { ocs } = (await answer.json()) as { ocs: { data: { id: string } } }
  return ocs.data.id
}
