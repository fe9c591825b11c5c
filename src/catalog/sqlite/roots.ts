import type { DatabaseSync } from 'node:sqlite'
import type { ClaimedRoot, RootClaim } from '../catalog.ts'
import { overlaps } from '../overlaps.ts'
import { fromColumn, toColumn, type Row } from './rows.ts'

/** See `Jobs.claimRoots`; to be called inside a transaction. Few jobs run at once, so their claims are compared one by one. */
export function claimRoots(
  db: DatabaseSync,
  jobId: string,
  execution: number,
  roots: readonly ClaimedRoot[],
): RootClaim | undefined {
  const others = db
    .prepare('SELECT roots.*, jobs.name FROM roots JOIN jobs ON jobs.id = roots.job WHERE job <> ? ORDER BY place')
    .all(jobId) as Row[]
  for (const row of others) {
    const theirs: ClaimedRoot = { place: String(row.place), above: fromColumn(row.above) }
    if (roots.some((root) => overlaps(root, theirs))) {
      return {
        jobId: String(row.job),
        jobName: String(row.name),
        execution: Number(row.execution),
        place: theirs.place,
      }
    }
  }
  db.prepare('DELETE FROM roots WHERE job = ?').run(jobId)
  const insert = db.prepare('INSERT OR REPLACE INTO roots VALUES (?, ?, ?, ?)')
  for (const { place, above } of roots) insert.run(jobId, execution, place, toColumn(above))
  return undefined
}
