import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { canGrow } from './can_grow.ts'

interface Schema {
  /** Written into the file's header, so that a file of another program, or of another kind of ours, is recognised. */
  applicationId: number
  /** Migration n takes a file from `user_version` n to n + 1. Never edit one that was released: add another. */
  migrations: readonly string[]
  /** Readers neither create nor migrate. */
  readOnly?: boolean
}

/** The file is damaged, of another program, or of a newer version. It was not touched. */
export class DatabaseUnusable extends Error {
  override readonly name = 'DatabaseUnusable'
  readonly file: string

  constructor(file: string, why: string, cause?: unknown) {
    super(`${file}: ${why}`, cause === undefined ? undefined : { cause })
    this.file = file
  }
}

/** A reader found a file in which nothing is yet: its writer is about to make the tables. */
export class DatabaseUnmade extends DatabaseUnusable {}

const busyTimeoutMs = 5_000
/** For somebody in the middle of reading, when a writer closes. */
const foldTimeoutMs = 250

/**
 * Opens a database file, creating and migrating it as needed. Several processes may do so at once: each migration
 * happens once, and whoever finds the file locked waits up to 5 s.
 *
 * @throws DatabaseUnusable naming the file and what is wrong with it; DatabaseUnmade to a reader that came too early
 */
export function openDatabase(file: string, { applicationId, migrations, readOnly = false }: Schema): DatabaseSync {
  if (readOnly && !existsSync(file)) throw new DatabaseUnusable(file, 'does not exist')
  refuseCut(file)
  const db = connect(file, readOnly)
  try {
    refuseUnlessOurs(db, file, applicationId, migrations.length)
    if (readOnly) {
      refuseOlder(db, file, migrations.length)
    } else {
      useWal(db)
      db.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
      migrate(db, file, { applicationId, migrations })
    }
    return db
  } catch (error) {
    db.close()
    throw error instanceof DatabaseUnusable ? error : unusable(file, asFull(error, file))
  }
}

/**
 * Runs `work` in one write transaction; anything it throws rolls it back. Inside another transaction it is part of that
 * one. `work` must not return a promise: nothing else may run on this connection meanwhile.
 */
export function transaction<T>(db: DatabaseSync, work: () => T extends Promise<unknown> ? never : T): T {
  if (db.isTransaction) return work()
  // IMMEDIATE: a transaction that begins reading and then writes can fail at once where this one waits.
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // A full disk may have rolled it back already.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw asFull(error, db.location() ?? '')
  }
}

/**
 * Closes a connection that wrote, so that the file alone holds everything, also while others have it open to read: by
 * itself SQLite sees to that only when the last connection closes, and one that only reads can't. Waits up to 250 ms for
 * who is reading; what can't be brought into the file now (a full disk, a longer read) stays in the log, for
 * {@link foldLog} or whoever opens the file next.
 */
export function closeWhole(db: DatabaseSync): void {
  if (!db.isOpen) return
  try {
    db.exec(`PRAGMA busy_timeout = ${foldTimeoutMs}; PRAGMA wal_checkpoint(TRUNCATE)`)
  } catch {
    // Everything committed is in the log.
  } finally {
    db.close()
  }
}

/** For the last who closes a file he only read: makes it one file, unless somebody else has it open still. */
export function foldLog(file: string): void {
  if (!existsSync(`${file}-wal`)) return
  try {
    const db = new DatabaseSync(file, { timeout: 0 })
    try {
      // Only a connection that looked into the log puts it away when it closes.
      db.prepare('SELECT count(*) FROM sqlite_schema').get()
    } finally {
      db.close()
    }
  } catch {
    // It may only be read, or is in use: whoever opens it to write next does the same.
  }
}

/** SQLite takes a last page that is cut short for one that ends in zeroes. With a log beside it, it may yet be made whole. */
function refuseCut(file: string): void {
  const size = sizeOf(file)
  if (size === 0 || sizeOf(`${file}-wal`) > 0) return
  const head = Buffer.alloc(18)
  const fd = openSync(file, 'r')
  try {
    readSync(fd, head, 0, head.length, 0)
  } finally {
    closeSync(fd)
  }
  const stated = head.readUInt16BE(16)
  const pageSize = stated === 1 ? 65_536 : stated
  if (head.toString('latin1', 0, 15) === 'SQLite format 3' && pageSize > 0 && size % pageSize !== 0) {
    throw new DatabaseUnusable(file, 'is damaged (its last page is cut short); it is left as it is')
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function connect(file: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs })
  } catch (error) {
    throw unusable(file, error)
  }
}

function refuseUnlessOurs(db: DatabaseSync, file: string, applicationId: number, known: number): void {
  const { version, application, empty } = header(db)
  if (application !== applicationId && !(application === 0 && empty)) {
    throw new DatabaseUnusable(file, 'is a database of another kind; it is left as it is')
  }
  if (version > known) {
    throw new DatabaseUnusable(
      file,
      `was written by a newer version (schema ${version}, this one knows up to ${known}); it is left as it is`,
    )
  }
}

function refuseOlder(db: DatabaseSync, file: string, known: number): void {
  const { version, empty } = header(db)
  if (version === 0 && empty) throw new DatabaseUnmade(file, 'has no tables yet')
  if (version < known) {
    throw new DatabaseUnusable(
      file,
      `has schema ${version}; it becomes readable when a worker has brought it to ${known}`,
    )
  }
}

function migrate(db: DatabaseSync, file: string, { applicationId, migrations }: Schema): void {
  if (header(db).version === migrations.length) return
  transaction(db, () => {
    // Read again under the lock: another process may have been faster.
    refuseUnlessOurs(db, file, applicationId, migrations.length)
    for (let n = header(db).version; n < migrations.length; n++) {
      try {
        db.exec(migrations[n]!)
      } catch (error) {
        throw new DatabaseUnusable(file, `migration ${n + 1} failed, nothing was changed: ${message(error)}`, error)
      }
    }
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`)
  })
}

/** Reading the schema also makes SQLite compare the file's size with its header, which finds a truncated file. */
function header(db: DatabaseSync): { version: number; application: number; empty: boolean } {
  const { version, application } = db
    .prepare(
      'SELECT (SELECT user_version FROM pragma_user_version) version, (SELECT application_id FROM pragma_application_id) application',
    )
    .get() as { version: number; application: number }
  const { n } = db.prepare('SELECT count(*) n FROM sqlite_schema').get() as { n: number }
  return { version, application, empty: n === 0 }
}

/** The switch to WAL does not wait for other connections by itself. */
function useWal(db: DatabaseSync): void {
  const deadline = Date.now() + busyTimeoutMs
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error
      Atomics.wait(pause, 0, 0, 10)
    }
  }
}

/** Another connection held the lock for longer than the busy timeout. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error)
  return code === 5 || code === 6
}

/** The disk, or the quota, is full. */
export function isFull(error: unknown): boolean {
  return primaryCode(error) === full
}

const full = 13
const ioError = 10

/**
 * An error of SQLite's on its way out. It knows a full disk by one number (ENOSPC), and not even that one where the index of
 * a log grows: an exceeded quota is an I/O error to it. So it is found out whether files beside the database can grow.
 *
 * @returns what {@link isFull} recognises when that is why, else the error as it is
 */
export function asFull(error: unknown, file: string): unknown {
  if (primaryCode(error) !== ioError || file === '' || canGrow(dirname(file))) return error
  const why = `the disk is full or the quota is exceeded: ${file}`
  return Object.assign(new Error(why, { cause: error }), { code: 'ERR_SQLITE_ERROR', errcode: full })
}

/** The file, or the file system it is on, takes no writes. */
export function isReadOnly(error: unknown): boolean {
  return primaryCode(error) === 8
}

/** Nothing is wrong with the file: it can't be used now, because it is locked, or its disk is full, read-only or out of reach. */
export function isUnavailable(error: unknown): boolean {
  return unavailable.has(primaryCode(error) ?? 0)
}

/** SQLITE_BUSY, _LOCKED, _READONLY, _IOERR, _FULL, _CANTOPEN */
const unavailable: ReadonlySet<number> = new Set([5, 6, 8, 10, 13, 14])

/** A unique index, a foreign key or a check refused the row. */
export function isConstraint(error: unknown): boolean {
  return primaryCode(error) === 19
}

function primaryCode(error: unknown): number | undefined {
  // Not `instanceof Error`: the built-in module's errors belong to another realm when a test runs in a vm context.
  const code = (error as { errcode?: unknown } | undefined)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/**
 * Reads a whole database to see whether it is one: each page, and each row's place in it. A second for every few hundred MiB.
 *
 * @returns the first damage, in SQLite's words; undefined when there is none, or no file
 */
export function findDamage(file: string): string | undefined {
  if (sizeOf(file) === 0) return undefined
  try {
    refuseCut(file)
    const db = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs })
    try {
      const { quick_check: found } = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
      return found === 'ok' ? undefined : found.replaceAll('\n', ' ')
    } finally {
      db.close()
    }
  } catch (error) {
    return isUnavailable(error) ? undefined : message(error)
  }
}

/** @returns that the file is damaged, in words, when that is why; SQLITE_CORRUPT, _NOTADB */
export function asDamaged(error: unknown, file: string): DatabaseUnusable | undefined {
  const code = primaryCode(error)
  if (code !== 11 && code !== 26) return undefined
  return new DatabaseUnusable(file, `is damaged (${message(error)}); it is left as it is`, error)
}

function unusable(file: string, error: unknown): unknown {
  if (primaryCode(error) === 14) return new DatabaseUnusable(file, `cannot be opened (${message(error)})`, error)
  return asDamaged(error, file) ?? error
}

function message(error: unknown): string {
  return String((error as { message?: unknown } | undefined)?.message ?? error)
}
