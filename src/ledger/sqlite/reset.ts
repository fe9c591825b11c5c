import type { DatabaseSync } from 'node:sqlite'
import type { ResetKind } from '../../job/reset.ts'

/**
 * Under these the ledger remembers the execution that came with a reset. A row that an earlier one decided last has not been
 * looked at since: so a reset is one small write, whatever the number of rows, and an execution that is killed, cancelled
 * or broken leaves to the next one just the rows that it did not come to.
 */
export const forgottenKey = 'forgotten before'
export const accessOwedKey = 'access owed before'

/** @returns rows that are held back, and are to be tried again */
export function applyReset(db: DatabaseSync, kinds: ReadonlySet<ResetKind>, execution: number): number[] {
  const remember = db.prepare('INSERT OR REPLACE INTO memory (key, value) VALUES (?, ?)')
  const hard = kinds.has('hard') || kinds.has('full')
  if (hard) {
    remember.run(forgottenKey, String(execution))
    // As of a first run: nothing is known of what only one side has.
    db.exec('UPDATE container SET looked = 0')
  }
  if (kinds.has('permissions') || kinds.has('full')) remember.run(accessOwedKey, String(execution))
  if (!hard && !kinds.has('soft')) return []
  const held = db.prepare('SELECT id FROM item WHERE state IN (3, 4) AND gone = 0').all() as { id: number }[]
  return held.map(({ id }) => id)
}
