import type { DatabaseSync } from 'node:sqlite'
import { isConstraint, transaction } from '../../database/sqlite.ts'
import { NotInCatalog, type Controls } from '../catalog.ts'

export function controls(db: DatabaseSync): Controls {
  const byJob = db.prepare('SELECT paused FROM control WHERE job = ?')
  // Nobody reads `epoch` any more; the column takes no NULL.
  const upsert = db.prepare(
    `INSERT INTO control (job, epoch, paused) VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET epoch = epoch + 1, paused = excluded.paused`,
  )

  return {
    async read(jobId) {
      return { paused: byJob.get(jobId)?.paused === 1 }
    },
    async write(jobId, { paused }) {
      try {
        transaction(db, () => void upsert.run(jobId, Number(paused)))
      } catch (error) {
        if (isConstraint(error)) throw new NotInCatalog(`there is no job ${jobId}`, { cause: error })
        throw error
      }
    },
  }
}
