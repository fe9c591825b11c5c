import type { DatabaseSync } from 'node:sqlite'
import type { RemovalPlan } from '../ledger.ts'
import type { Addresses } from './addresses.ts'
import { Container, kindOf } from './codes.ts'
import { removalPlan } from './removals.ts'

/** What waits to be removed, for a person to look at. */
export interface ShownPlan extends RemovalPlan {
  /** By folder of the job's root, those with the most first. */
  folders: { path: string; items: number }[]
  /** The first few, by their paths at the side they are removed from. */
  examples: { path: string; kind: string; side: 'source' | 'destination' }[]
}

const mostFolders = 20
const mostExamples = 20

export function plannedRemovals(db: DatabaseSync, addresses: Addresses, execution: number): ShownPlan {
  addresses.forget()
  const sums = new Map<string, number>()
  const examples: ShownPlan['examples'] = []
  const rows = db
    .prepare(
      'SELECT side, removal.kind, parent, name, destination_name FROM removal JOIN item ON id = item ORDER BY item',
    )
    .iterate() as Iterable<{
    side: number
    kind: number
    parent: number
    name: string
    destination_name: string | null
  }>
  for (const { side, kind, parent, name, destination_name } of rows) {
    const { sourceNames, destinationNames } = addresses.of(parent)
    const path = side === 0 ? [...sourceNames, name] : [...destinationNames, destination_name ?? name]
    // What is at the top is a folder of its own only when it is one.
    const top = path.length > 1 || kind === Container ? `/${path[0]!}` : '/'
    sums.set(top, (sums.get(top) ?? 0) + 1)
    if (examples.length < mostExamples)
      examples.push({ path: `/${path.join('/')}`, kind: kindOf(kind), side: side === 0 ? 'source' : 'destination' })
  }
  const folders = [...sums].map(([path, items]) => ({ path, items })).sort((a, b) => b.items - a.items)
  return { ...removalPlan(db, execution), folders: folders.slice(0, mostFolders), examples }
}
