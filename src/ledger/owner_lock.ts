import { DatabaseSync } from 'node:sqlite'
import { makePrivate } from '../database/private_file.ts'
import { isBusy } from '../database/sqlite.ts'
import { LedgerHeld } from './errors.ts'

/** Somebody who only looks holds the file for an instant. */
const patienceMs = 300

/**
 * Makes the caller the one writer of a ledger file, until `release` or the end of its process, however that comes: the
 * lock is the operating system's, taken through SQLite on a file beside the ledger (Node has no `flock`), so nothing is
 * ever stale. That file's `user_version` says who holds it.
 *
 * @throws LedgerHeld naming the process
 */
export function lockLedger(file: string): { release(): void } {
  makePrivate(`${file}-lock`)
  const db = new DatabaseSync(`${file}-lock`, { timeout: patienceMs })
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE')
    db.exec(`PRAGMA user_version = ${process.pid}; COMMIT; BEGIN IMMEDIATE`)
  } catch (error) {
    const pid = isBusy(error) ? holder(db) : 0
    db.close()
    throw isBusy(error) ? new LedgerHeld(file, pid) : error
  }
  return {
    release() {
      if (db.isOpen) db.close()
    },
  }
}

function holder(db: DatabaseSync): number {
  if (db.isTransaction) db.exec('ROLLBACK')
  return (db.prepare('SELECT user_version AS pid FROM pragma_user_version').get() as { pid: number }).pid
}
