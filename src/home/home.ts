import { accessSync, chmodSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { readConfig } from '../config.ts'

/** The folder everything of ours lives in. All paths are absolute. */
export interface Home {
  path: string
  /** Jobs, connections, maps, executions. */
  catalog: string
  /** One database per job: see `ledgerFile`. */
  ledgers: string
  /** The embedded server's database. */
  temporal: string
  /** Encrypts stored credentials. */
  key: string
  /** Of the API; see `openToken`. */
  token: string
  logs: string
  /** Locked while a process serves this home. */
  lock: string
  /** Who does, and at which addresses. */
  holder: string
}

/** The folder cannot be ours. */
export class HomeUnusable extends Error {
  override readonly name = 'HomeUnusable'
}

/**
 * Makes the home folder, private to its owner, unless it is there.
 *
 * @param path default: `STEVEDORE_HOME`, else `.stevedore` in the working directory
 * @throws HomeUnusable when it is no folder or somebody else's
 */
export function openHome(path: string = readConfig().home): Home {
  const asked = resolve(path)
  try {
    makeFolder(asked)
  } catch (error) {
    throw new HomeUnusable(`home ${asked} cannot be made: ${(error as Error).message}`, { cause: error })
  }
  // The real path, so that two ways to one home name the same files, and overlap with a job's root is seen.
  const real = realpathSync(asked)
  closeToOthers(real)
  refuseUnwritable(real)
  const ledgers = join(real, 'ledger')
  const logs = join(real, 'logs')
  for (const folder of [ledgers, logs]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    path: real,
    catalog: join(real, 'catalog.db'),
    ledgers,
    temporal: join(real, 'temporal.db'),
    key: join(real, 'key'),
    token: join(real, 'token'),
    logs,
    lock: join(real, 'lock'),
    holder: join(real, 'holder.json'),
  }
}

/** With those above it, one by one: where the system denies one (`/proc`), Node's own way of doing so tries for ever. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * Where there is no home, though somebody asks what is in it; undefined where there is one. Makes nothing. One that has lost
 * its catalog is still one.
 */
export function missingHome(path: string = readConfig().home): string | undefined {
  const asked = resolve(path)
  return ['catalog.db', 'ledger'].some((part) => existsSync(join(asked, part))) ? undefined : asked
}

/**
 * A simulation has a ledger of its own: nothing it says was done can be taken for done later.
 *
 * @param jobId 32 lower-case hex characters; anything else would name a file elsewhere
 */
export function ledgerFile(home: Home, jobId: string, kind: 'real' | 'simulated' = 'real'): string {
  if (!/^[0-9a-f]{32}$/.test(jobId)) throw new TypeError(`${JSON.stringify(jobId)} is not a job id`)
  return join(home.ledgers, kind === 'real' ? `${jobId}.db` : `${jobId}.simulation.db`)
}

/** Looking needs it too: a database that another process has open is read through files beside it. */
function refuseUnwritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EROFS' ? 'is on a file system that is read-only' : 'may not be read and written by you'
    throw new HomeUnusable(`home ${path} ${why}`, { cause: error })
  }
}

/** A folder of that name may have been there, with the umask's usual 0755: history and ledgers name files others may not see. */
function closeToOthers(path: string): void {
  const stat = statSync(path)
  if (!stat.isDirectory()) throw new HomeUnusable(`home ${path} is not a folder`)
  if (process.platform === 'win32' || (stat.mode & 0o077) === 0) return
  try {
    chmodSync(path, stat.mode & 0o700)
  } catch (error) {
    throw new HomeUnusable(`home ${path} is open to others and belongs to somebody else`, { cause: error })
  }
}
