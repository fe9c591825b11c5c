import { afterAll, jest } from '@jest/globals'
import * as xattrs from 'fs-xattr'
import { owncloud } from '../../../src/connector/owncloud/owncloud.ts'
import { conformance } from '../../conformance/conformance.ts'
import { owncloudOracle } from '../../conformance/owncloud_oracle.ts'
import { aServer } from '../../rig/a_server.ts'

// Ten thousand files are listed by a server that shares two cores with the tests.
jest.setTimeout(120_000)
const server = await aServer('owncloud')
afterAll(() => server?.end())
let roots = 0

if (server)
  conformance('owncloud', async () => {
    const root = `kit-${++roots}`
    const space = owncloudOracle(server, [], xattrs)
    await space.makeContainer([root])
    return {
      connector: owncloud,
      auth: { ...server.auth, root, part_size: 1 },
      oracle: owncloudOracle(server, [root], xattrs),
      dispose: () => space.remove([root]),
    }
  })
