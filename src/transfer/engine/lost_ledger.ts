import { statSync } from 'node:fs'
import type { Catalog } from '../../catalog/catalog.ts'
import { hasWrittenLedger } from '../../catalog/has_written_ledger.ts'
import type { ExecutionRef } from './engine.ts'

/** How many executions back are looked at: one that got as far as its ledger is rarely far behind. */
const looksBack = 50

/**
 * Begun anew without a word, a ledger that somebody lost would have every edit at the destination look like a conflict, and
 * nothing would be known of what was moved.
 *
 * @returns why the job must not begin, when its ledger is gone or empty though the catalog knows what was written there
 */
export async function lostLedger(catalog: Catalog, { jobId }: ExecutionRef, file: string): Promise<string | undefined> {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0) return undefined
  const { rows } = await catalog.executions.list(jobId, { offset: 0, limit: looksBack })
  const writer = rows.find(hasWrittenLedger)
  if (writer === undefined) return undefined
  return (
    `the ledger ${file} is gone or empty, though execution ${writer.execution} wrote it: restore it from a backup, or have ` +
    '`stevedore doctor --repair` begin another, which takes over what is the same on both sides'
  )
}
