import type { DatabaseSync } from 'node:sqlite'
import { isConstraint, transaction } from '../../database/sqlite.ts'
import { NotInCatalog, type Controls } from '../catalog.ts'

export function controls(db: DatabaseSync): Controls {
  const byJob = db.prepare('SELECT paused, cancelled FROM control WHERE job = ?')
  // Nobody reads `epoch` any more; the column takes no NULL.
  const upsert = db.prepare(
    `INSERT INTO control (job, epoch, paused, cancelled) VALUES (?, 1, ?, ?)
     ON CONFLICT DO UPDATE SET epoch = epoch + 1, paused = excluded.paused, cancelled = excluded.cancelled`,
  )
  const clear = db.prepare('UPDATE control SET cancelled = NULL WHERE job = ? AND cancelled IS NOT NULL')

  return {
    async read(jobId) {
      const { paused, cancelled } = byJob.get(jobId) ?? {}
      return { paused: paused === 1, ...(typeof cancelled === 'number' ? { cancelled } : {}) }
    },
    async write(jobId, { paused, cancelled }) {
      try {
        transaction(db, () => void upsert.run(jobId, Number(paused), cancelled ?? null))
      } catch (error) {
        if (isConstraint(error)) throw new NotInCatalog(`there is no job ${jobId}`, { cause: error })
        throw error
      }
    },
    async clearCancel(jobId) {
      clear.run(jobId)
    },
  }
}
