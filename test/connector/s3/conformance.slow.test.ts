import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterAll, jest } from '@jest/globals'
import * as xattrs from 'fs-xattr'
import { s3 } from '../../../src/connector/s3/s3.ts'
import { conformance } from '../../conformance/conformance.ts'
import { s3Oracle } from '../../conformance/s3_oracle.ts'
import { aServer } from '../../rig/a_server.ts'

// Ten thousand objects are listed by a server that shares two cores with the tests.
jest.setTimeout(120_000)
const server = await aServer('s3')
afterAll(() => server?.end())

/** A fresh bucket: a folder of the server's. */
function bucketOf(settings: Record<string, unknown>, below: readonly string[] = []) {
  let buckets = 0
  return () => {
    const name = `kit-${Object.keys(settings).length}-${below.length}-${++buckets}`
    const root = join(server!.data, '..', name)
    disk.mkdirSync(join(root, ...below), { recursive: true })
    return Promise.resolve({
      connector: s3,
      auth: { ...server!.auth, bucket: name, part_size: 5, ...settings },
      oracle: s3Oracle(join(root, ...below), xattrs),
      dispose: () => disk.rmSync(root, { recursive: true, force: true }),
    })
  }
}

if (server) {
  conformance('s3', bucketOf({}))
  conformance('s3 with checksums of older servers', bucketOf({ checksums: 'md5' }))
  conformance('s3 with the times of the server', bucketOf({ times: 'stored' }))
}
