import { DatabaseSync } from 'node:sqlite'

/** A database that nobody sees and that goes when it is closed: memory first, then a file without a name. */
export function scratchDatabase(schema: string): DatabaseSync {
  const db = new DatabaseSync('')
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; ${schema}`)
  return db
}
