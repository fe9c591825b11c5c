import { openDatabase } from '../database/sqlite.ts'
import type { Key } from '../home/key.ts'
import type { Catalog } from './catalog.ts'
import { categories } from './sqlite/categories.ts'
import { connections } from './sqlite/connections.ts'
import { controls } from './sqlite/controls.ts'
import { executions } from './sqlite/executions.ts'
import { jobs } from './sqlite/jobs.ts'
import { maps } from './sqlite/maps.ts'
import { applicationId, migrations } from './sqlite/migrations.ts'
import { requests } from './sqlite/requests.ts'

/**
 * Opens the catalog, making it if there is none. Several processes may have it open; each method is one transaction.
 *
 * @param file `home.catalog`
 * @param key of the same home; seals the secrets of connections
 * @throws DatabaseUnusable when the file is damaged, of something else, or of a newer version
 */
export function openCatalog(file: string, key: Key): Catalog {
  const db = openDatabase(file, { applicationId, migrations })
  return {
    jobs: jobs(db),
    connections: connections(db, key),
    maps: maps(db),
    categories: categories(db),
    executions: executions(db),
    requests: requests(db),
    control: controls(db),
    async close() {
      if (db.isOpen) db.close()
    },
  }
}
