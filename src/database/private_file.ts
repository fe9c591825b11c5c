import { chmodSync, closeSync, openSync, statSync } from 'node:fs'

/**
 * Makes a database file that its owner alone may read, or takes the right from others where it is there: SQLite would make
 * it by the umask. Logs that SQLite keeps beside it get the mode it has.
 */
export function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  takeFromOthers(file)
  for (const beside of ['-wal', '-shm', '-journal']) takeFromOthers(file + beside)
}

function takeFromOthers(file: string): void {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) chmodSync(file, 0o600)
}
