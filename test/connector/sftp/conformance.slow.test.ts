import { afterAll, jest } from '@jest/globals'
import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sftp } from '../../../src/connector/sftp/sftp.ts'
import { conformance } from '../../conformance/conformance.ts'
import { diskOracle } from '../../conformance/fs_oracle.ts'
import { aServer } from '../../rig/a_server.ts'
import { oddServer } from './odd_server.ts'

// Ten thousand files are listed by a server that shares two cores with the tests.
jest.setTimeout(120_000)
const server = await aServer('sftp')
afterAll(() => server?.end())

if (server)
  conformance('sftp', () => {
    const root = disk.mkdtempSync(join(disk.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-kit-'))
    return Promise.resolve({
      connector: sftp,
      auth: { ...server.auth, root },
      oracle: diskWithSeconds(root),
      dispose: () => disk.rmSync(root, { recursive: true, force: true }),
    })
  })

conformance('sftp on a server without extensions', async () => {
  const root = disk.mkdtempSync(join(tmpdir(), 'stevedore-odd-'))
  const { port, hostKey, close } = await oddServer(root)
  return {
    connector: sftp,
    auth: { host: '127.0.0.1', port, username: 'somebody', password: 'right', host_key: hostKey },
    oracle: diskWithSeconds(root),
    dispose() {
      close()
      disk.rmSync(root, { recursive: true })
    },
  }
})

/** The disk under the server. Its times have whole seconds, as SFTP tells them, and each change moves them on. */
function diskWithSeconds(root: string) {
  const oracle = diskOracle(root)
  let at = Math.floor(Date.now() / 1000) - 1_000_000
  return {
    ...oracle,
    put(path: readonly string[], content: Uint8Array) {
      disk.writeFileSync(join(root, ...path), content)
      at += 1
      disk.utimesSync(join(root, ...path), at, at)
    },
  }
}
