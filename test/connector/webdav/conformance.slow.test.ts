import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterAll, jest } from '@jest/globals'
import { webdav } from '../../../src/connector/webdav/webdav.ts'
import { conformance } from '../../conformance/conformance.ts'
import { Subversion, svnOracle } from '../../conformance/svn_oracle.ts'
import { webdavOracle } from '../../conformance/webdav_oracle.ts'
import { aServer } from '../../rig/a_server.ts'

// Ten thousand files are listed by a server that shares two cores with the tests.
jest.setTimeout(120_000)
const server = await aServer('apache')
afterAll(() => server?.end())

/** A fresh folder under the server. */
function folderOf(settings: Record<string, unknown>, location = 'dav') {
  let folders = 0
  return () => {
    const name = `kit ${location} ${Object.keys(settings).length}-${++folders}`
    const root = join(server!.data, name)
    const { uid, gid } = disk.statSync(server!.data)
    disk.mkdirSync(root)
    disk.chownSync(root, uid, gid)
    const url = String(server!.auth['url']).replace('/dav/', `/${location}/`)
    return Promise.resolve({
      connector: webdav,
      auth: { ...server!.auth, url, root: name, part_size: 1, ...settings },
      oracle: webdavOracle(root),
      dispose: () => disk.rmSync(root, { recursive: true, force: true }),
    })
  }
}

/** A fresh folder of the testbed's repository. */
function inRepository() {
  const svn = new Subversion(join(server!.data, '..', 'svn', 'repository'))
  let folders = 0
  return () => {
    const name = `kit ${++folders}`
    void svnOracle(svn, []).makeContainer([name])
    const url = String(server!.auth['url']).replace('/dav/', '/svn/repository/')
    return Promise.resolve({
      connector: webdav,
      auth: { ...server!.auth, url, root: name, profile: 'svn', part_size: 1 },
      oracle: svnOracle(svn, [name]),
      mostChildren: 1,
      dispose: () => svnOracle(svn, []).remove([name]),
    })
  }
}

if (server) {
  conformance('webdav on Subversion', inRepository())
  conformance('webdav on Apache', folderOf({}))
  conformance('webdav by Digest, with the times of the server', folderOf({ times: 'stored' }, 'digest'))
}
