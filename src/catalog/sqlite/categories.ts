import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../database/sqlite.ts'
import type { Categories } from '../catalog.ts'
import { folded, type Condition } from './rows.ts'

const defaultCategory = -1

interface Category {
  id: number
  name: string
}

export function categories(db: DatabaseSync): Categories {
  const byId = db.prepare('SELECT id, name FROM categories WHERE id = ?')
  const byName = db.prepare('SELECT id, name FROM categories WHERE folded = ?')
  // The default's id is below 1, so SQLite's own choice starts there.
  const insert = db.prepare('INSERT INTO categories VALUES ((SELECT max(0, max(id)) + 1 FROM categories), ?, ?)')
  const read = (row: object | undefined) => row && ({ ...row } as Category)

  return {
    async named(name) {
      const wanted = name?.trim()
      if (!wanted) return read(byId.get(defaultCategory))!
      return transaction(db, () => {
        const found = read(byName.get(folded(wanted)))
        if (found) return found
        insert.run(wanted, folded(wanted))
        return read(byName.get(folded(wanted)))!
      })
    },
    async get(id) {
      return read(byId.get(id))
    },
  }
}

/** A job's category by name or id; a category called `7` is found by either. */
export function categoryWhere(nameOrId: string): Condition {
  return ['(category_folded = ? OR CAST(category AS TEXT) = ?)', folded(nameOrId.trim()), nameOrId.trim()]
}
