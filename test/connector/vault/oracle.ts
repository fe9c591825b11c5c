import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What a vault holds, read from its files by other means than the connector's. */
interface Found {
  /** Every item's path and content, every container's path with a slash at the end; same names occur as often as they are there. */
  tree: [path: string, content: string][]
  /** Everything that should not be so; a vault in order has none. */
  wrong: string[]
  stagings: string[]
}

interface Row {
  id: bigint
  parent: bigint | null
  name: string
  kind: string
  hash: string | null
  size: bigint
}

export function look(root: string): Found {
  if (!existsSync(join(root, 'vault.db'))) return { tree: [], wrong: [], stagings: [] }
  const db = new DatabaseSync(join(root, 'vault.db'), { readOnly: true })
  db.exec('BEGIN')
  const all = <T>(sql: string): T[] => {
    const statement = db.prepare(sql)
    statement.setReadBigInts(true)
    return statement.all() as T[]
  }
  if (all('SELECT 1 FROM sqlite_schema').length === 0) {
    db.close()
    return { tree: [], wrong: [], stagings: [] }
  }
  const rows = all<Row>('SELECT id, parent, name, kind, hash, size FROM nodes')
  const staged = all<{ key: string; hash: string }>('SELECT key, hash FROM stagings')
  const loose = all<{ hash: string }>('SELECT hash FROM loose').map((row) => row.hash)
  const integrity = all<{ integrity_check: string }>('PRAGMA integrity_check')
  db.close()

  const wrong = integrity.map((row) => row.integrity_check).filter((line) => line !== 'ok')
  const byId = new Map(rows.map((row) => [row.id, row]))
  const pathOf = (row: Row): string => {
    if (row.parent === null) return ''
    const parent = byId.get(row.parent)
    if (!parent) wrong.push(`${row.name} has no parent`)
    return `${parent ? pathOf(parent) : '?'}/${row.name}`
  }
  const tree = rows
    .filter((row) => row.parent !== null)
    .map((row): [string, string] => {
      if (row.hash === null) return [`${pathOf(row)}/`, '']
      const file = join(root, 'blobs', row.hash.slice(0, 2), row.hash)
      if (!existsSync(file)) {
        wrong.push(`${pathOf(row)} lost its content`)
        return [pathOf(row), '?']
      }
      const content = readFileSync(file)
      if (BigInt(content.length) !== row.size) wrong.push(`${pathOf(row)} has ${content.length} bytes, not ${row.size}`)
      return [pathOf(row), content.toString('latin1')]
    })
    .sort()

  const held = new Set([...rows.map((row) => row.hash), ...staged.map((row) => row.hash), ...loose])
  const blobs = join(root, 'blobs')
  for (const folder of existsSync(blobs) ? readdirSync(blobs) : []) {
    for (const name of readdirSync(join(blobs, folder))) {
      const hash = createHash('sha256')
        .update(readFileSync(join(blobs, folder, name)))
        .digest('hex')
      if (hash !== name || !name.startsWith(folder)) wrong.push(`blob ${name} holds ${hash}`)
      if (!held.has(name)) wrong.push(`blob ${name} belongs to nothing`)
    }
  }
  return { tree, wrong, stagings: existsSync(join(root, 'staging')) ? readdirSync(join(root, 'staging')).sort() : [] }
}

export function blobCount(root: string): number {
  const blobs = join(root, 'blobs')
  if (!existsSync(blobs)) return 0
  return readdirSync(blobs).reduce((sum, folder) => sum + readdirSync(join(blobs, folder)).length, 0)
}
