import { existsSync } from 'node:fs'
import { backup, type DatabaseSync } from 'node:sqlite'
import { openDatabase, transaction } from '../database/sqlite.ts'
import { ledgerSchema } from './sqlite/schema.ts'

/**
 * Makes the ledger of a simulation what the real one is, so that the simulation plans what the next real execution would
 * do, and nothing an earlier simulation said counts as done. A simulation that is under way goes on as it is. The file is
 * overwritten in place: whoever reads it sees one state or the other.
 *
 * @throws DatabaseUnusable when one of the two is damaged or no ledger
 */
export async function renewSimulation(files: { real: string; simulated: string }, execution: number): Promise<void> {
  const simulated = openDatabase(files.simulated, ledgerSchema)
  try {
    if (lastExecution(simulated) >= execution) return
    if (!existsSync(files.real)) return empty(simulated)
  } finally {
    simulated.close()
  }
  const real = openDatabase(files.real, ledgerSchema)
  try {
    await backup(real, files.simulated, { rate: 2_000 })
  } finally {
    real.close()
  }
}

function lastExecution(db: DatabaseSync): number {
  return (db.prepare('SELECT coalesce(max(n), 0) AS n FROM execution').get() as { n: number }).n
}

function empty(db: DatabaseSync): void {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
  transaction(db, () => {
    for (const { name } of tables) db.exec(`DELETE FROM ${name as string}`)
  })
}
