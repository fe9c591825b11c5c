import { expect, test } from '@jest/globals'
import { Server } from '../../../src/connector/owncloud/server.ts'
import { settingsOf } from '../../../src/connector/owncloud/settings.ts'
import { Tus } from '../../../src/connector/owncloud/tus.ts'
import { ScriptedDav, type Asked, type Says } from '../webdav/scripted_dav.ts'

const drives = JSON.stringify({
  value: [
    { id: 'mine', name: 'Me', driveType: 'personal' },
    { id: 'p1', name: 'Atlas', driveAlias: 'project/atlas', driveType: 'project' },
    { id: 'p2', name: 'Atlas', driveAlias: 'project/atlas-2', driveType: 'project' },
  ],
})

/** A server that keeps as much of an upload as a test says. */
async function serverThat(patch: (asked: Asked) => Says, received: () => number = () => 0) {
  const dav = await ScriptedDav.server((asked) => {
    if (asked.path.startsWith('/graph/')) return { body: drives }
    if (asked.method === 'HEAD') return { headers: { 'upload-offset': String(received()) } }
    if (asked.method === 'POST')
      return { status: 201, headers: { location: 'https://named.otherwise.example/data/token' } }
    return patch(asked)
  })
  const server = await Server.open(settingsOf({ url: dav.origin, token: 't' }))
  return {
    server,
    tus: new Tus(server),
    patches: () => dav.asked.filter(({ method }) => method === 'PATCH'),
    asked: dav.asked,
    async [Symbol.asyncDispose]() {
      await server.client.close()
      await dav[Symbol.asyncDispose]()
    },
  }
}

const upload = { address: '/data/token', partBytes: 4, onto: false }

test('an upload that the server calls by another name is sent to the server that was asked', async () => {
  await using one = await serverThat(() => ({ status: 204 }))
  const modifiedNs = -1_500_000_000n
  const address = await one.tus.begin({ container: 'folder', name: 'ä', sizeBytes: 9n, modifiedNs })
  expect(address).toBe('/data/token')
  const metadata = `filename ${Buffer.from('ä').toString('base64')},mtime ${Buffer.from('-2').toString('base64')}`
  expect(one.asked.at(-1)?.headers).toMatchObject({ 'upload-length': '9', 'upload-metadata': metadata })
})

test('of a piece whose answer was lost only what has not arrived is sent again', async () => {
  let there = 0
  await using one = await serverThat(
    ({ headers, body }) => {
      if (Number(headers['upload-offset']) !== there) return { status: 409 }
      there += body.length
      return { status: 204 }
    },
    () => there,
  )
  there = 3
  await one.tus.send(upload, 0n, Buffer.from('01234567'))
  expect(one.patches().map(({ headers, body }) => [headers['upload-offset'], body])).toEqual([
    ['0', '01234567'],
    ['3', '34567'],
  ])
  await one.tus.send(upload, 4n, Buffer.from('4567'))
  expect(there).toBe(8)
})

test('an upload that stands where it can’t is not gone on with', async () => {
  await using one = await serverThat(
    () => ({ status: 409 }),
    () => 2,
  )
  await expect(one.tus.send(upload, 4n, Buffer.from('4567'))).rejects.toMatchObject({ code: 'Conflict' })
})

test('an upload that the server is still putting together is waited for', async () => {
  await using one = await serverThat(() => ({ status: 409 }))
  const completion = { id: 'file', sizeBytes: 9n, modifiedNs: undefined, sha1: undefined, etag: undefined }
  const completed = one.tus.complete(upload, { ...completion, tail: Buffer.from('8') })
  await expect(completed).rejects.toMatchObject({ code: 'Unreachable' })
})

test('an upload is given up, also where the gateway before the server knows no DELETE', async () => {
  const ways = async (deleting: number): Promise<string[]> => {
    await using one = await serverThat(({ method }) => ({ status: method === 'DELETE' ? deleting : 204 }))
    await one.tus.abandon(upload)
    return one.asked.slice(1).map(({ method, headers }) => `${method} ${String(headers['x-http-method-override'])}`)
  }
  expect(await ways(204)).toEqual(['DELETE undefined'])
  expect(await ways(404)).toEqual(['DELETE undefined'])
  expect(await ways(501)).toEqual(['DELETE undefined', 'PATCH DELETE'])
})

test.each([
  ['project/atlas', 'owncloud:/p1'],
  ['p2', 'owncloud:/p2'],
  [undefined, 'owncloud:/mine'],
])('the space %j is found', async (space, place) => {
  await using dav = await ScriptedDav.server(() => ({ body: drives }))
  const server = await Server.open(settingsOf({ url: dav.origin, token: 't', space }))
  expect(server.place).toBe(place)
  await server.client.close()
})

test('a name that several spaces have, and one that none has, is refused with those there are', async () => {
  await using dav = await ScriptedDav.server(() => ({ body: drives }))
  const opened = (space: string) => Server.open(settingsOf({ url: dav.origin, token: 't', space }))
  await expect(opened('Atlas')).rejects.toMatchObject({ code: 'Misconfigured', message: /several.*project\/atlas-2/ })
  await expect(opened('none')).rejects.toMatchObject({ code: 'Misconfigured', message: /"project\/atlas"/ })
})

test('what is no Infinite Scale is told by what it answers', async () => {
  await using dav = await ScriptedDav.server(() => ({ body: '<html>' }))
  const opened = Server.open(settingsOf({ url: dav.origin, token: 't' }))
  await expect(opened).rejects.toMatchObject({ code: 'Misconfigured', message: /dialect/ })
})
