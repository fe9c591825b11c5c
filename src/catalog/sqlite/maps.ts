import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../database/sqlite.ts'
import { NotInCatalog, type Maps, type MapType, type StoredMap, type User } from '../catalog.ts'
import { contains, folded, fromColumn, newId, now, page, set, toColumn, type Row } from './rows.ts'

export function maps(db: DatabaseSync): Maps {
  const byId = db.prepare('SELECT * FROM maps WHERE type = ? AND id = ?')
  const insert = db.prepare(
    `INSERT INTO maps (id, type, name, folded, document, created_on, modified_on)
     VALUES (:id, :type, :name, :folded, :document, :now, :now)`,
  )
  const remove = db.prepare('DELETE FROM maps WHERE type = ? AND id = ?')
  const users = {
    account_map: db.prepare(usersSql('account_map')),
    group_map: db.prepare(usersSql('group_map')),
  }
  const find = (type: MapType, id: string): StoredMap | undefined => {
    const row = byId.get(type, id) as Row | undefined
    return row && readMap(row)
  }

  return {
    async create({ type, name, document }) {
      return transaction(db, () => {
        const id = newId()
        insert.run({ id, type, name, folded: folded(name), document: toColumn(document), now: now() })
        return find(type, id)!
      })
    },
    async get(type, id) {
      return find(type, id)
    },
    async update(type, id, { name, document }) {
      return transaction(db, () => {
        const columns = { name, folded: folded(name), document: toColumn(document), modified_on: now() }
        if (!set(db, 'maps', columns, { type, id })) throw new NotInCatalog(`there is no map ${id}`)
        return find(type, id)!
      })
    },
    async delete(type, id) {
      remove.run(type, id)
    },
    async users(type, id) {
      return (users[type].all(id) as Row[]).map((row) => ({ ...row }) as unknown as User)
    },
    async list(type, paging) {
      const where = [['type = ?', type] as const, ...contains(paging.q)]
      return transaction(db, () => page(db, { from: 'maps', where, orderBy: 'n' }, paging, readMap))
    },
  }
}

function usersSql(type: MapType): string {
  return `SELECT 'job' type, id, name FROM jobs WHERE document ->> '$.transfer.${type}.id' = ?`
}

function readMap(row: Row): StoredMap {
  return {
    id: String(row.id),
    type: row.type as MapType,
    name: String(row.name),
    document: fromColumn(row.document),
    createdOn: Number(row.created_on),
    modifiedOn: Number(row.modified_on),
  }
}
