import type { StagedEntry } from '../wire.ts'

/** Of what is on record as staged, that of these items; null when it is nothing. */
export function stagedOf(staged: string, items: ReadonlySet<number>): string | null {
  const entries = (JSON.parse(staged) as StagedEntry[]).filter(([item]) => items.has(item))
  return entries.length === 0 ? null : JSON.stringify(entries)
}

/** What an earlier holder had staged stays on record until the item has a result. */
export function mergedStaged(before: string, now: string): string {
  const all = new Map(JSON.parse(before) as StagedEntry[])
  for (const [item, staged] of JSON.parse(now) as StagedEntry[]) all.set(item, staged)
  return JSON.stringify([...all])
}
