import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { makePrivate } from '../database/private_file.ts'
import { isBusy } from '../database/sqlite.ts'
import type { Home } from './home.ts'
import { isRunning, markOf, type ProcessMark } from './process.ts'

/** Where a home is served; absent while it isn't. */
export interface Addresses {
  /** `host:port` of the Temporal server. */
  temporal?: string
  /** URL of its Web UI. */
  ui?: string
  /** URL of the REST API. */
  api?: string
}

export interface HeldBy extends ProcessMark {
  /** Unix milliseconds. */
  since: number
  addresses: Addresses
  /** The embedded server, which outlives a holder that is killed. */
  server?: ProcessMark
}

export interface Lock {
  /** Says where this home is served, for those who come next. */
  serve(addresses: Addresses, serverPid?: number): void
  release(): void
}

/** A connection nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<DatabaseSync>()

/**
 * Tries to become the one process that serves this home; answers at once who it is otherwise.
 *
 * The lock is the operating system's, taken through SQLite on an empty file (Node has no `flock`): it ends with the
 * process however that dies, so there is nothing stale to judge and two comers can't both win. `holder.json` beside it
 * only says who.
 */
export async function acquire(home: Home): Promise<{ lock: Lock } | { heldBy: HeldBy }> {
  makePrivate(home.lock)
  const db = new DatabaseSync(home.lock)
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (!isBusy(error)) throw error
    return { heldBy: await whoHolds(home) }
  }
  held.add(db)
  const mark = markOf(process.pid)
  const since = Date.now()
  const write = (addresses: Addresses, server?: ProcessMark) =>
    writeHolder(home, { ...mark, since, addresses, ...(server && { server }) })
  write({})
  return {
    lock: {
      serve: (addresses, serverPid) => write(addresses, serverPid === undefined ? undefined : markOf(serverPid)),
      release() {
        if (!db.isOpen) return
        rmSync(home.holder, { force: true })
        db.close()
        held.delete(db)
      },
    },
  }
}

/** Who serves this home now, or nobody. Takes no lock. */
export function holderOf(home: Home): HeldBy | undefined {
  const holder = readHolder(home)
  return holder && isRunning(holder) ? holder : undefined
}

/** Right after the lock was taken the file may still name a dead holder; in another container its process can't be seen at all. */
async function whoHolds(home: Home): Promise<HeldBy> {
  for (let tries = 0; tries < 50; tries++) {
    const holder = holderOf(home)
    if (holder) return holder
    await sleep(10)
  }
  return readHolder(home) ?? { pid: 0, since: 0, addresses: {} }
}

function readHolder(home: Home): HeldBy | undefined {
  let text: string
  try {
    text = readFileSync(home.holder, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const holder = JSON.parse(text) as Partial<HeldBy> | null
    if (typeof holder?.pid !== 'number' || typeof holder.since !== 'number') return undefined
    return { ...holder, addresses: holder.addresses ?? {} } as HeldBy
  } catch {
    return undefined
  }
}

function writeHolder(home: Home, holder: HeldBy): void {
  const made = `${home.holder}.${randomBytes(6).toString('hex')}`
  writeFileSync(made, JSON.stringify(holder), { mode: 0o600 })
  renameSync(made, home.holder)
}
