import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../database/sqlite.ts'
import type { JobStatus } from '../../job/status.ts'
import type { Reset } from '../../job/reset.ts'
import { NotInCatalog, type JobFilter, type Jobs, type StoredJob } from '../catalog.ts'
import { categoryWhere } from './categories.ts'
import { claimRoots } from './roots.ts'
import { contains, folded, fromColumn, newId, now, page, set, toColumn, type Condition, type Row } from './rows.ts'

const select = 'SELECT jobs.*, categories.name category_name FROM jobs JOIN categories ON categories.id = jobs.category'
const normalPriority = 0

export function jobs(db: DatabaseSync): Jobs {
  const byId = db.prepare(`${select} WHERE jobs.id = ?`)
  const byName = db.prepare(`${select} WHERE jobs.name = ? ORDER BY n DESC LIMIT 1`)
  const allByName = db.prepare(
    `${select} WHERE jobs.name = ? AND jobs.id NOT IN (SELECT job FROM orders WHERE kind = 'delete' AND refusal IS NULL)
     ORDER BY n`,
  )
  const remove = db.prepare('DELETE FROM jobs WHERE id = ?')
  const insert = db.prepare(
    `INSERT INTO jobs (id, name, folded, kind, document, status, category, priority, disabled, created_on, modified_on)
     VALUES (:id, :name, :folded, 'transfer', :document, :status, :category, :priority, :disabled, :now, :now)`,
  )
  const release = db.prepare('DELETE FROM roots WHERE job = ?')
  const expectPerson = db.prepare('UPDATE jobs SET person_expected = 1 WHERE id = ?')

  const find = (id: string): StoredJob | undefined => {
    const row = byId.get(id) as Row | undefined
    return row && readJob(row)
  }
  const known = (id: string): StoredJob => {
    const job = find(id)
    if (!job) throw new NotInCatalog(`there is no job ${id}`)
    return job
  }

  return {
    async create({ name, document, categoryId, status = 'idle', priority = normalPriority, disabled = false }) {
      return transaction(db, () => {
        const id = newId()
        insert.run({
          id,
          name,
          folded: folded(name),
          document: toColumn(document),
          status,
          category: categoryId,
          priority,
          disabled: Number(disabled),
          now: now(),
        })
        return known(id)
      })
    },
    async get(id) {
      return find(id)
    },
    async findByName(name) {
      const row = byName.get(name) as Row | undefined
      return row && readJob(row)
    },
    async named(name) {
      return (allByName.all(name) as Row[]).map(readJob)
    },
    async delete(id) {
      remove.run(id)
    },
    async list(paging) {
      const where = [...contains(paging.q), ...filtered(paging)]
      const from = `(${select.replace('jobs.*', 'jobs.*, categories.folded category_folded')})`
      return transaction(db, () => page(db, { from, where, orderBy: 'n' }, paging, readJob))
    },
    async update(id, change) {
      const columns: Row = { modified_on: now() }
      if (change.name !== undefined) Object.assign(columns, { name: change.name, folded: folded(change.name) })
      if (change.document !== undefined) columns.document = toColumn(change.document)
      if (change.status !== undefined) columns.status = change.status
      if (change.statusReason !== undefined) columns.status_reason = change.statusReason
      if (change.counts !== undefined) Object.assign(columns, change.counts satisfies StoredJob['counts'])
      if (change.lastExecution !== undefined) columns.last_execution = change.lastExecution
      if (change.lastInLedger !== undefined) columns.last_in_ledger = change.lastInLedger
      if (change.executeOn !== undefined) columns.execute_on = change.executeOn
      if (change.resets !== undefined) columns.resets = change.resets.join()
      if (change.disabled !== undefined) columns.disabled = Number(change.disabled)
      if (change.categoryId !== undefined) columns.category = change.categoryId
      if (change.priority !== undefined) columns.priority = change.priority
      return transaction(db, () => {
        set(db, 'jobs', columns, { id })
        return known(id)
      })
    },
    async claimRoots(jobId, execution, roots) {
      return transaction(db, () => {
        known(jobId)
        return claimRoots(db, jobId, execution, roots)
      })
    },
    async releaseRoots(jobId) {
      release.run(jobId)
    },
    async expectPerson(jobId) {
      expectPerson.run(jobId)
    },
  }
}

function filtered(filter: JobFilter): Condition[] {
  const { statuses, kind, category, sourcePlatform, destinationPlatform, simulated } = filter
  const where: Condition[] = []
  if (statuses !== undefined) where.push([`status IN (${statuses.map(() => '?').join()})`, ...statuses])
  if (kind !== undefined) where.push(['kind = ?', kind])
  if (category !== undefined) where.push(categoryWhere(category))
  if (sourcePlatform !== undefined) where.push(platformWhere('source', sourcePlatform))
  if (destinationPlatform !== undefined) where.push(platformWhere('destination', destinationPlatform))
  if (simulated !== undefined)
    where.push([`coalesce(document ->> '$.transfer.simulation_mode', 0) = ?`, Number(simulated)])
  return where
}

function platformWhere(side: 'source' | 'destination', platform: string): Condition {
  const id = `document ->> '$.transfer.${side}.connection.id'`
  return [`${id} IN (SELECT id FROM connections WHERE platform = ?)`, platform]
}

function readJob(row: Row): StoredJob {
  return {
    id: String(row.id),
    name: String(row.name),
    kind: 'transfer',
    document: fromColumn(row.document),
    status: row.status as JobStatus,
    statusReason: String(row.status_reason),
    category: { id: Number(row.category), name: String(row.category_name) },
    disabled: row.disabled === 1,
    priority: Number(row.priority),
    counts: {
      executions: Number(row.executions),
      successes: Number(row.successes),
      failures: Number(row.failures),
    },
    lastExecution: Number(row.last_execution),
    lastInLedger: Number(row.last_in_ledger),
    executeOn: row.execute_on as number | null,
    resets: String(row.resets)
      .split(',')
      .filter((reset): reset is Reset => reset !== ''),
    createdOn: Number(row.created_on),
    modifiedOn: Number(row.modified_on),
  }
}
