import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { Client } from '../../../src/connector/s3/client.ts'
import { s3 } from '../../../src/connector/s3/s3.ts'
import { settingsOf } from '../../../src/connector/s3/settings.ts'
import { Bench, bytes } from '../../conformance/bench.ts'
import { aServer } from '../../rig/a_server.ts'

const server = await aServer('s3')
afterAll(() => server?.end())
const testIf = server ? test : test.skip

/** A fresh bucket, and requests to it that a session does not make. */
async function aBucket(name: string) {
  disk.mkdirSync(join(server!.data, '..', name))
  const auth = { ...server!.auth, bucket: name }
  const client = await Client.open(settingsOf(auth))
  const opened = async () => Bench.open({ connector: s3, auth, oracle: {} as never, dispose() {} })
  return { client, opened }
}

testIf('in a bucket that keeps versions, what was removed can be got back, and the connection says so', async () => {
  const { client, opened } = await aBucket('versions')
  const body = bytes('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>')
  await client.headers({ method: 'PUT', query: { versioning: '' }, body })
  const bench = await opened()
  expect(bench.claims.tree.removal).toBe('versions')
  const file = await bench.write('', 'file', bytes('somebody’s work'))
  await bench.session.remove(file.id, file)
  expect(await bench.session.stat('file', [])).toBeNull()
  const { text } = await client.text({ method: 'GET', query: { versions: '' } })
  const [, version = ''] = /<Version>.*?<VersionId>([^<]+)<.*?<\/Version>/s.exec(text) ?? []
  const kept = await client.text({ method: 'GET', key: 'file', query: { versionId: version } })
  expect(kept.text).toBe('somebody’s work')
  const [, marker = ''] = /<DeleteMarker>.*?<VersionId>([^<]+)<.*?<\/DeleteMarker>/s.exec(text) ?? []
  await client.headers({ method: 'DELETE', key: 'file', query: { versionId: marker } })
  expect(await bench.read('file')).toEqual(bytes('somebody’s work'))
  await bench.session.close()
  await client.close()
})

testIf('a bucket that keeps none says that what is removed is gone, and a DELETE keeps to its condition', async () => {
  const { client, opened } = await aBucket('plain')
  const bench = await opened()
  expect(bench.claims.tree.removal).toBeUndefined()
  expect(bench.session.notes).toContainEqual(expect.objectContaining({ capability: 'tree.removal' }))
  await bench.write('', 'file', bytes('content'))
  const request = { method: 'DELETE', key: 'file', headers: { 'if-match': '"another"' } } as const
  await expect(client.headers(request)).rejects.toMatchObject({ code: 'PreconditionFailed' })
  expect(await bench.read('file')).toEqual(bytes('content'))
  await bench.session.close()
  await client.close()
})
