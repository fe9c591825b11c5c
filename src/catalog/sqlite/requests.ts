import type { DatabaseSync } from 'node:sqlite'
import { isConstraint, transaction } from '../../database/sqlite.ts'
import { NotInCatalog, type ItemRequest, type ItemRequests } from '../catalog.ts'

export function requests(db: DatabaseSync): ItemRequests {
  const put = db.prepare('INSERT OR REPLACE INTO requests (job, item, request) VALUES (?, ?, ?)')
  const of = db.prepare('SELECT item, request FROM requests WHERE job = ?')
  const drop = db.prepare('DELETE FROM requests WHERE job = ? AND item = ?')
  return {
    async put(jobId, items, request) {
      try {
        transaction(db, () => {
          for (const item of items) put.run(jobId, item, request)
        })
      } catch (error) {
        if (isConstraint(error)) throw new NotInCatalog(`there is no job ${jobId}`, { cause: error })
        throw error
      }
    },
    async of(jobId) {
      return new Map(of.all(jobId).map(({ item, request }) => [item as number, request as ItemRequest]))
    },
    async drop(jobId, items) {
      transaction(db, () => {
        for (const item of items) drop.run(jobId, item)
      })
    },
  }
}
