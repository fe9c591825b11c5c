import type { DatabaseSync } from 'node:sqlite'
import type { ClaimedRoot, RootClaim, RootToClaim } from '../catalog.ts'
import { overlaps } from '../overlaps.ts'
import { fromColumn, toColumn, type Row } from './rows.ts'

/** See `Jobs.claimRoots`; to be called inside a transaction. Few jobs run at once, so their claims are compared one by one. */
export function claimRoots(
  db: DatabaseSync,
  jobId: string,
  execution: number,
  roots: readonly RootToClaim[],
): RootClaim | undefined {
  const others = db
    .prepare('SELECT roots.*, jobs.name FROM roots JOIN jobs ON jobs.id = roots.job WHERE job <> ? ORDER BY place')
    .all(jobId) as Row[]
  for (const row of others) {
    const theirs: ClaimedRoot = { place: String(row.place), above: fromColumn(row.above) }
    const writes = row.writes === 1
    const inTheWayOf = roots.find((root) => (root.writes || writes) && overlaps(root, theirs))
    if (inTheWayOf) {
      return {
        jobId: String(row.job),
        jobName: String(row.name),
        execution: Number(row.execution),
        place: theirs.place,
        writes,
        inTheWayOf,
      }
    }
  }
  db.prepare('DELETE FROM roots WHERE job = ?').run(jobId)
  const insert = db.prepare('INSERT OR REPLACE INTO roots VALUES (?, ?, ?, ?, ?)')
  for (const { place, above, writes } of roots) insert.run(jobId, execution, place, toColumn(above), Number(writes))
  return undefined
}
