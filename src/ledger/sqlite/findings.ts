import type { DatabaseSync } from 'node:sqlite'
import type { Findings, Met } from '../ledger.ts'
import { Container, State } from './codes.ts'

/** What is true of the job when an execution has ended. Reads rows that are troubled, altered or gone, and no others. */
export function findingsOf(db: DatabaseSync, execution: number): Findings {
  return {
    gone: gone(db),
    unlisted: unlisted(db, execution),
    altered: altered(db),
    met: met(db, execution),
  }
}

/** With all that was in containers that are gone: only they themselves are marked. */
function gone(db: DatabaseSync): Findings['gone'] {
  const query = db.prepare(
    `WITH RECURSIVE lost (id, kind) AS (
       SELECT id, kind FROM item WHERE gone = 1 AND to_source = 0
       UNION
       SELECT item.id, item.kind FROM lost JOIN extent ON extent.container = lost.id
         JOIN item ON item.id BETWEEN extent.first AND extent.last AND item.parent = lost.id
       WHERE lost.kind = ${Container})
     SELECT count(*) AS items, coalesce(sum(size), 0) AS bytes FROM lost JOIN item USING (id)
     WHERE destination IS NOT NULL AND reason NOT IN ('left_deleted', 'moved')`,
  )
  query.setReadBigInts(true)
  const { items, bytes } = query.get() as { items: bigint; bytes: bigint }
  return { items: Number(items), bytes }
}

function unlisted(db: DatabaseSync, execution: number): number {
  const query = db.prepare(
    `SELECT count(*) AS n FROM item JOIN container ON container.item = item.id
     WHERE state IN (${State.retry}, ${State.remediation}) AND gone = 0 AND looked < ?`,
  )
  return (query.get(execution) as { n: number }).n
}

function altered(db: DatabaseSync): Findings['altered'] {
  const query = db.prepare(
    `SELECT processing, count(*) AS items FROM plan JOIN item ON item.id = plan.item
     WHERE processing IS NOT NULL AND gone = 0 AND state IN (${State.success}, ${State.processed}, ${State.remediation})
     GROUP BY processing`,
  )
  const sums: Findings['altered'] = {}
  for (const { processing, items } of query.all() as unknown as { processing: string; items: number }[])
    for (const one of JSON.parse(processing) as string[]) sums[one] = (sums[one] ?? 0) + items
  return sums
}

function met(db: DatabaseSync, execution: number): Met[] {
  const query = db.prepare('SELECT what, items, bytes FROM met WHERE execution = ? ORDER BY what')
  query.setReadBigInts(true)
  const rows = query.all(execution) as unknown as { what: string; items: bigint; bytes: bigint }[]
  return rows.map(({ what, items, bytes }) => ({ what, items: Number(items), bytes }))
}
