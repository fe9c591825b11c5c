import { closeSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { openDatabase } from '../../database/sqlite.ts'
import type { Connector, SettingDescription } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { givenFor, settingProblems } from '../setting_problems.ts'
import { abilities, type Overlay } from './abilities.ts'
import { applicationId, migrations } from './schema.ts'
import { VaultSession } from './session.ts'
import { Store, type VaultPlace } from './store.ts'
import { guarded } from './trouble.ts'

const settings: readonly SettingDescription[] = [
  { key: 'root', meaning: 'the folder that holds the vault; an empty one becomes a new vault', required: true },
  {
    key: 'impersonation',
    meaning: 'ignore: go on as nobody in particular although a job asks for somebody',
    values: ['ignore'],
  },
  { key: 'max_size', meaning: 'refuse files larger than this many bytes' },
  { key: 'max_segment', meaning: 'refuse names longer than this many UTF-16 units' },
  { key: 'names', meaning: 'refuse names that Windows does not take', values: ['any', 'windows'] },
]

/** An embedded content store in one folder: a tree in SQLite, contents in files named by their SHA-256. */
export const vault: Connector = {
  platform: 'vault',
  name: 'Vault',
  io: 'blocking',
  settings,

  check(auth) {
    const problems = settingProblems(auth, settings)
    const { root } = auth
    if (root !== undefined && (typeof root !== 'string' || !isAbsolute(root) || root.includes('\0'))) {
      problems.push(`root: ${givenFor('root', root)} is not an absolute path`)
    }
    for (const key of ['max_size', 'max_segment']) {
      if (auth[key] === undefined || /^[1-9]\d{0,18}$/.test(String(auth[key]))) continue
      problems.push(`${key}: ${givenFor(key, auth[key])} is not a whole number above 0`)
    }
    return problems
  },

  open(auth) {
    const problems = vault.check(auth)
    if (problems.length > 0) throw new ConnectorError('Misconfigured', problems.join('; '))
    const overlay: Overlay = {
      ...(auth.names === 'windows' && { names: 'windows' }),
      ...(auth.max_size !== undefined && { maxBytes: BigInt(String(auth.max_size)) }),
      ...(auth.max_segment !== undefined && { maxSegment: Number(auth.max_segment) }),
    }
    return guarded('', () => openVault(String(auth.root), overlay))
  },
}

function openVault(folder: string, overlay: Overlay): VaultSession {
  const file = join(folder, 'vault.db')
  refuseUnlessVault(folder, file)
  // Names and times are as private as the contents; SQLite would let the umask decide, for its log too.
  if (!statSync(file, { throwIfNoEntry: false })) closeSync(openSync(file, 'a', 0o600))
  const db = openDatabase(file, { applicationId, migrations })
  try {
    mkdirSync(join(folder, 'staging'), { recursive: true, mode: 0o700 })
    const session = new VaultSession(new Store(placeOfFile(folder, file), db, abilities(overlay)))
    session.sweep()
    return session
  } catch (error) {
    db.close()
    throw error
  }
}

/** A folder with other things in it is somebody's: it is not made into a vault by mistake. */
function refuseUnlessVault(folder: string, file: string): void {
  const stats = statSync(folder, { throwIfNoEntry: false })
  if (!stats) throw new ConnectorError('RootGone', `the root ${folder} does not exist`)
  if (!stats.isDirectory()) throw new ConnectorError('Misconfigured', `root: ${folder} is not a folder`)
  if (statSync(file, { throwIfNoEntry: false })) return
  const there = readdirSync(folder)
  // Another session may be making it just now.
  if (there.length > 0 && !there.includes(basename(file))) {
    throw new ConnectorError('Misconfigured', `root: ${folder} is neither a vault nor empty`)
  }
}

function placeOfFile(folder: string, file: string): VaultPlace {
  const opened = statSync(file, { bigint: true })
  return {
    folder,
    file,
    check() {
      const now = statSync(file, { bigint: true, throwIfNoEntry: false })
      if (!now) throw new ConnectorError('RootGone', `the vault ${folder} is gone`)
      if (now.ino !== opened.ino || now.dev !== opened.dev) {
        throw new ConnectorError('RootReplaced', `the vault ${folder} is no longer the one this run began with`)
      }
    },
  }
}
