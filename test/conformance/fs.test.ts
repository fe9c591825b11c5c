import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connector } from '../../src/connector/connector.ts'
import { fs } from '../../src/connector/fs/fs.ts'
import { FsSession, type Surroundings } from '../../src/connector/fs/session.ts'
import { settingsOf } from '../../src/connector/fs/settings.ts'
import { loadXattrs } from '../../src/connector/fs/xattr.ts'
import { conformance } from './conformance.ts'
import { diskOracle } from './fs_oracle.ts'
import { promisedFs } from '../rig/promised_fs.ts'
import { withPromisedFs } from '../rig/with_promised_fs.ts'

function onDisk(settings: Record<string, unknown>) {
  return async () => {
    const root = disk.mkdtempSync(join(disk.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-kit-'))
    return {
      connector: fs,
      auth: { root, ...settings },
      oracle: diskOracle(root),
      dispose: () => disk.rmSync(root, { recursive: true, force: true }),
    }
  }
}

conformance('fs', onDisk({}))
conformance('fs behind promises', async () => ({
  ...(await onDisk({})()),
  connector: promisedFs,
  nodeOptions: withPromisedFs,
}))
conformance('fs with the names of Windows and a size limit', onDisk({ names: 'windows', max_size: 2_000_000 }))
conformance('fs that follows symbolic links', onDisk({ symlinks: 'follow', max_segment: 100 }))

/**
 * The same connector where something is missing: hard links (FAT, some network file systems), descriptors as paths (macOS), the
 * optional package fs-xattr.
 */
function without(missing: Partial<Surroundings>): Connector {
  return {
    ...fs,
    open: async (auth) => new FsSession(settingsOf(auth), { xattrs: await loadXattrs(), ...missing }),
  }
}

conformance('fs without hard links', async () => ({
  ...(await onDisk({})()),
  connector: without({ hardLinks: false }),
}))
conformance('fs without descriptors as paths', async () => ({
  ...(await onDisk({})()),
  connector: without({ handles: false }),
}))
conformance('fs without fs-xattr', async () => ({
  ...(await onDisk({})()),
  connector: without({ xattrs: null }),
}))
