import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vault } from '../../src/connector/vault/vault.ts'
import { conformance } from './conformance.ts'
import { vaultOracle } from './vault_oracle.ts'

function inFolder(settings: Record<string, unknown>) {
  return async () => {
    const root = disk.mkdtempSync(join(disk.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-kit-'))
    const oracle = vaultOracle(root)
    return {
      connector: vault,
      auth: { root, ...settings },
      oracle,
      dispose() {
        oracle.close()
        disk.rmSync(root, { recursive: true, force: true })
      },
    }
  }
}

conformance('vault', inFolder({}))
conformance('vault with the names of Windows and a size limit', inFolder({ names: 'windows', max_size: 2_000_000 }))
