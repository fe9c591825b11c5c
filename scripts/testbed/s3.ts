import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../src/temporal/ports.ts'
import { goProgram } from './go_program.ts'
import type { TestServer } from './server.ts'

export const bucket = 'testbed'
const keys = { access_key: 'testbed', secret_key: 'testbed-secret' }

/** versitygw keeps objects as plain files, with what stands beside them in extended attributes: they can be looked at past it. */
export const s3: TestServer = {
  name: 's3',
  what: 'versitygw: S3, on files',

  program: (say) =>
    goProgram({ name: 'versitygw', package: 'github.com/versity/versitygw/cmd/versitygw@v1.7.0', minutes: 1 }, say),

  async prepare(folder, command) {
    const [root, iam, accessLog] = [join(folder, 'data'), join(folder, 'iam'), join(folder, 'access.log')]
    // A folder in its root is a bucket.
    const versions = join(folder, 'versions')
    for (const path of [join(root, bucket), iam, versions]) mkdirSync(path, { recursive: true })
    const port = await freePort()
    const address = `127.0.0.1:${port}`
    return {
      command,
      args: [
        ...['--quiet', '--keep-alive', '--port', address, '--iam-dir', iam, '--access-log', accessLog],
        // Buckets may be told to keep versions; until then they keep none.
        ...['posix', '--versioning-dir', versions, root],
      ],
      env: { ROOT_ACCESS_KEY: keys.access_key, ROOT_SECRET_KEY: keys.secret_key },
      port,
      auth: { bucket, endpoint: `http://${address}`, region: 'us-east-1', max_segment: 255, ...keys },
      data: join(root, bucket),
      accessLog,
    }
  },
}
