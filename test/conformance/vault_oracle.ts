import { createHash } from 'node:crypto'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Oracle } from './bench.ts'

interface Row {
  id: bigint
  kind: string
  hash: string | null
  modified: bigint
}

/** Reads and changes a vault by its tables and files, as somebody else who uses it would. */
export function vaultOracle(root: string): Oracle & { close(): void } {
  let opened: DatabaseSync | undefined
  const all = <T>(sql: string, ...values: SQLInputValue[]): T[] => {
    opened ??= new DatabaseSync(join(root, 'vault.db'), { timeout: 5_000 })
    const statement = opened.prepare(sql)
    statement.setReadBigInts(true)
    return statement.all(...values) as T[]
  }
  const find = (path: readonly string[]): Row | undefined => {
    let [at] = all<Row>('SELECT * FROM nodes WHERE parent IS NULL')
    for (const name of path) {
      if (!at) return undefined
      at = all<Row>('SELECT * FROM nodes WHERE parent = ? AND name = ? ORDER BY id LIMIT 1', at.id, name)[0]
    }
    return at
  }
  const known = (path: readonly string[]): Row => {
    const row = find(path)
    if (!row) throw new Error(`${path.join('/')} is not there`)
    return row
  }
  const now = () => BigInt(Date.now()) * 1_000_000n
  const insert = (path: readonly string[], kind: string, hash: string | null, size: number) =>
    all(
      'INSERT INTO nodes (parent, name, kind, hash, size, created, modified, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[known(path.slice(0, -1)).id, path.at(-1)!, kind, hash, size, now(), now(), now()],
    )
  const remove = (id: bigint): void => {
    for (const child of all<Row>('SELECT * FROM nodes WHERE parent = ?', id)) remove(child.id)
    all('DELETE FROM nodes WHERE id = ?', id)
  }
  return {
    put(path, content) {
      const hash = createHash('sha256').update(content).digest('hex')
      const blob = join(root, 'blobs', hash.slice(0, 2), hash)
      if (!disk.existsSync(blob)) {
        disk.mkdirSync(join(blob, '..'), { recursive: true })
        disk.writeFileSync(blob, content)
      }
      const there = find(path)
      if (!there) return void insert(path, 'item', hash, content.length)
      const values = [hash, content.length, now(), now(), there.id]
      all(
        'UPDATE nodes SET hash = ?, size = ?, modified = ?, changed = ?, version = version + 1 WHERE id = ?',
        ...values,
      )
    },
    makeContainer: (path) => void insert(path, 'container', null, 0),
    remove: (path) => remove(known(path).id),
    content(path) {
      const hash = find(path)?.hash
      return typeof hash !== 'string' ? null : disk.readFileSync(join(root, 'blobs', hash.slice(0, 2), hash))
    },
    names(path) {
      const { id } = known(path)
      const named = all<{ name: string }>('SELECT name FROM nodes WHERE parent = ?', id).map((row) => row.name)
      const finished = all<{ key: string; container: bigint }>('SELECT key, container FROM stagings')
      // A staging that is not finished lies beside the tree: nobody's, so it shows at the top.
      const keys = new Set(finished.map((row) => row.key))
      const unfinished = disk.readdirSync(join(root, 'staging')).filter((key) => !keys.has(key))
      const here = finished.filter((row) => row.container === id).map((row) => row.key)
      return [...named, ...[...here, ...(path.length === 0 ? unfinished : [])].map((key) => `.~${key}`)]
    },
    modifiedNs: (path) => known(path).modified,
    close: () => opened?.close(),
  }
}
