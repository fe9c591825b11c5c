import type { DatabaseSync } from 'node:sqlite'
import { isConstraint, transaction } from '../../database/sqlite.ts'
import { NotInCatalog, orderKinds, type KeptOrder, type Orders } from '../catalog.ts'
import { now, type Row } from './rows.ts'

export function orders(db: DatabaseSync): Orders {
  const byJob = db.prepare('SELECT * FROM orders WHERE job = ?')
  const all = db.prepare('SELECT * FROM orders ORDER BY asked_on')
  const upsert = db.prepare(
    `INSERT INTO orders (job, kind, asked_on) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET kind = excluded.kind, refusal = NULL, asked_on = excluded.asked_on`,
  )
  const refusal = db.prepare('UPDATE orders SET refusal = ? WHERE job = ?')
  const remove = db.prepare('DELETE FROM orders WHERE job = ?')
  const find = (jobId: string): KeptOrder | undefined => {
    const row = byJob.get(jobId) as Row | undefined
    return row && readOrder(row)
  }

  return {
    async keep(jobId, kind) {
      try {
        transaction(db, () => {
          const kept = find(jobId)
          if (kept && kept.refusal === undefined && orderKinds.indexOf(kept.kind) > orderKinds.indexOf(kind)) return
          upsert.run(jobId, kind, now())
        })
      } catch (error) {
        if (isConstraint(error)) throw new NotInCatalog(`there is no job ${jobId}`, { cause: error })
        throw error
      }
    },
    async get(jobId) {
      return find(jobId)
    },
    async list() {
      return (all.all() as Row[]).map(readOrder)
    },
    async refuse(jobId, why) {
      refusal.run(why, jobId)
    },
    async drop(jobId) {
      remove.run(jobId)
    },
  }
}

function readOrder(row: Row): KeptOrder {
  return {
    jobId: String(row.job),
    kind: row.kind as KeptOrder['kind'],
    ...(row.refusal === null ? {} : { refusal: String(row.refusal) }),
  }
}
