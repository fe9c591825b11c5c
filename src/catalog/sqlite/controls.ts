import type { DatabaseSync } from 'node:sqlite'
import { isConstraint, transaction } from '../../database/sqlite.ts'
import { NotInCatalog, type Control, type Controls } from '../catalog.ts'
import type { Row } from './rows.ts'

const untouched: Control = { epoch: 0, paused: false }

export function controls(db: DatabaseSync): Controls {
  const byJob = db.prepare('SELECT * FROM control WHERE job = ?')
  const upsert = db.prepare(
    `INSERT INTO control VALUES (:job, :epoch, :paused)
     ON CONFLICT DO UPDATE SET epoch = :epoch, paused = :paused`,
  )
  const find = (jobId: string): Control => {
    const row = byJob.get(jobId) as Row | undefined
    return row ? readControl(row) : { ...untouched }
  }

  return {
    async read(jobId) {
      return find(jobId)
    },
    async write(jobId, change) {
      return transaction(db, () => {
        const before = find(jobId)
        const after: Control = { ...before, ...change, epoch: before.epoch + 1 }
        try {
          upsert.run({ job: jobId, epoch: after.epoch, paused: Number(after.paused) })
        } catch (error) {
          if (isConstraint(error)) throw new NotInCatalog(`there is no job ${jobId}`, { cause: error })
          throw error
        }
        return after
      })
    },
  }
}

function readControl(row: Row): Control {
  return { epoch: Number(row.epoch), paused: row.paused === 1 }
}
