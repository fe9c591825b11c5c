import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../database/sqlite.ts'
import type { Key } from '../../home/key.ts'
import { NotInCatalog, type Connections, type StoredConnection, type User } from '../catalog.ts'
import { contains, folded, fromColumn, newId, now, page, set, toColumn, type Condition, type Row } from './rows.ts'

export function connections(db: DatabaseSync, key: Key): Connections {
  const byId = db.prepare('SELECT * FROM connections WHERE id = ?')
  const insert = db.prepare(
    `INSERT INTO connections (id, name, folded, platform, auth, disabled, created_on, modified_on)
     VALUES (:id, :name, :folded, :platform, :auth, :disabled, :now, :now)`,
  )
  const insertSecret = db.prepare('INSERT INTO secrets VALUES (?, ?, ?)')
  const removeSecrets = db.prepare('DELETE FROM secrets WHERE connection = ?')
  const remove = db.prepare('DELETE FROM connections WHERE id = ?')
  const users = db.prepare(
    `SELECT 'job' type, id, name FROM jobs
       WHERE ?1 IN (document ->> '$.transfer.source.connection.id', document ->> '$.transfer.destination.connection.id')
     UNION ALL
     SELECT type, id, name FROM maps
       WHERE ?1 IN (document ->> '$.source.connection.id', document ->> '$.destination.connection.id')`,
  )
  const secretsOf = db.prepare('SELECT key, sealed FROM secrets WHERE connection = ?')

  const find = (id: string): StoredConnection | undefined => {
    const row = byId.get(id) as Row | undefined
    return row && readConnection(row)
  }

  const sealAll = (id: string, secrets: Record<string, string>): void => {
    for (const [name, secret] of Object.entries(secrets))
      insertSecret.run(id, name, key.seal(secret, purpose(id, name)))
  }

  return {
    async create({ name, platform, auth, secrets, disabled = false }) {
      return transaction(db, () => {
        const id = newId()
        insert.run({
          id,
          name,
          folded: folded(name),
          platform,
          auth: toColumn(auth),
          disabled: Number(disabled),
          now: now(),
        })
        sealAll(id, secrets)
        return find(id)!
      })
    },
    async update(id, { name, auth, disabled, secrets }) {
      return transaction(db, () => {
        const columns = {
          name,
          folded: folded(name),
          auth: toColumn(auth),
          disabled: Number(disabled),
          modified_on: now(),
        }
        if (!set(db, 'connections', columns, { id })) throw new NotInCatalog(`there is no connection ${id}`)
        removeSecrets.run(id)
        sealAll(id, secrets)
        return find(id)!
      })
    },
    async delete(id) {
      remove.run(id)
    },
    async users(id) {
      return (users.all(id) as Row[]).map((row) => ({ ...row }) as unknown as User)
    },
    async get(id) {
      return find(id)
    },
    async list(paging) {
      const where: Condition[] = contains(paging.q)
      if (paging.platform !== undefined) where.push(['platform = ?', paging.platform])
      if (paging.disabled !== undefined) where.push(['disabled = ?', Number(paging.disabled)])
      return transaction(db, () => page(db, { from: 'connections', where, orderBy: 'n' }, paging, readConnection))
    },
    async reveal(id) {
      return transaction(db, () => {
        const connection = find(id)
        if (!connection) return undefined
        const secrets = (secretsOf.all(id) as { key: string; sealed: string }[]).map(
          ({ key: name, sealed }) => [name, key.unseal(sealed, purpose(id, name))] as const,
        )
        return { platform: connection.platform, auth: { ...connection.auth, ...Object.fromEntries(secrets) } }
      })
    },
  }
}

/** Ties a sealed text to its row: copied to another connection, it opens nothing. */
function purpose(connectionId: string, name: string): string {
  return `connection ${connectionId} ${name}`
}

function readConnection(row: Row): StoredConnection {
  return {
    id: String(row.id),
    name: String(row.name),
    platform: String(row.platform),
    auth: fromColumn(row.auth),
    disabled: row.disabled === 1,
    createdOn: Number(row.created_on),
    modifiedOn: Number(row.modified_on),
  }
}
