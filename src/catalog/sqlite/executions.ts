import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../database/sqlite.ts'
import type { ExecutionPhase, ExecutionStatus } from '../../job/status.ts'
import { NotInCatalog, type Executions, type StoredExecution } from '../catalog.ts'
import { contains, folded, fromColumn, now, page, set, toColumn, type Row } from './rows.ts'

export function executions(db: DatabaseSync): Executions {
  const byId = db.prepare('SELECT * FROM executions WHERE job = ? AND execution = ?')
  const jobExists = db.prepare('SELECT 1 FROM jobs WHERE id = ?')
  const insert = db.prepare(
    `INSERT INTO executions (job, execution, status, phase, simulated, started_on, document, by_person)
     SELECT id, ?, 'running', 'pending', ?, ?, document, person_expected FROM jobs WHERE id = ? ON CONFLICT DO NOTHING`,
  )
  const personCame = db.prepare('UPDATE jobs SET person_expected = 0 WHERE id = ? AND person_expected = 1')
  const endClaims = db.prepare('DELETE FROM roots WHERE job = ? AND execution = ?')
  const find = (jobId: string, execution: number): StoredExecution | undefined => {
    const row = byId.get(jobId, execution) as Row | undefined
    return row && readExecution(row)
  }

  return {
    async begin(jobId, execution, simulated) {
      return transaction(db, () => {
        if (!jobExists.get(jobId)) throw new NotInCatalog(`there is no job ${jobId}`)
        const { changes } = insert.run(execution, Number(simulated), now(), jobId)
        if (changes === 1) personCame.run(jobId)
        return find(jobId, execution)!
      })
    },
    async update(jobId, execution, change) {
      const columns: Row = {}
      if (change.status !== undefined) columns.status = change.status
      if (change.phase !== undefined) columns.phase = change.phase
      if (change.endedOn !== undefined) columns.ended_on = change.endedOn
      if (change.waitingFor !== undefined) columns.waiting_for = change.waitingFor
      if (typeof change.endedOn === 'number') columns.document = null
      if (change.sentence !== undefined) {
        Object.assign(columns, { sentence: change.sentence, folded: folded(change.sentence) })
      }
      if (change.warnings !== undefined) columns.warnings = toColumn(change.warnings)
      if (change.balance !== undefined) columns.balance = change.balance && toColumn(change.balance)
      if (Object.keys(columns).length === 0) return
      transaction(db, () => {
        // An end is final: whoever comes after it, as a workflow that was reset, knows less.
        if (typeof find(jobId, execution)?.endedOn === 'number') return
        if (!set(db, 'executions', columns, { job: jobId, execution })) {
          throw new NotInCatalog(`there is no execution ${execution} of job ${jobId}`)
        }
        if (typeof change.endedOn === 'number') endClaims.run(jobId, execution)
      })
    },
    async get(jobId, execution) {
      return find(jobId, execution)
    },
    async list(jobId, paging) {
      const where = [['job = ?', jobId] as const, ...contains(paging.q)]
      const orderBy = 'execution DESC'
      return transaction(db, () => page(db, { from: 'executions', where, orderBy }, paging, readExecution))
    },
  }
}

function readExecution(row: Row): StoredExecution {
  return {
    jobId: String(row.job),
    execution: Number(row.execution),
    status: row.status as ExecutionStatus,
    phase: row.phase as ExecutionPhase,
    simulated: row.simulated === 1,
    byPerson: row.by_person === 1,
    startedOn: Number(row.started_on),
    endedOn: row.ended_on as number | null,
    sentence: String(row.sentence),
    warnings: fromColumn(row.warnings),
    balance: row.balance === null ? null : fromColumn(row.balance),
    ...(row.waiting_for === null || row.ended_on !== null ? {} : { waitingFor: String(row.waiting_for) }),
    ...(row.document === null ? {} : { document: fromColumn(row.document) }),
  }
}
