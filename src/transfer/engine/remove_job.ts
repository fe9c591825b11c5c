import { existsSync, rmSync } from 'node:fs'
import { ledgerFile } from '../../home/home.ts'
import { connectLedger, openLedger } from '../../ledger/client.ts'
import { clearLeftovers } from '../recovery/leftovers.ts'
import type { ActiveExecutions } from './active_executions.ts'

/**
 * Clears away what a job left half-way at its destination, then removes its ledgers. A ledger that is damaged tells of
 * nothing half-way, and goes like any other.
 *
 * @throws ConnectionTrouble, FailedToStart when the destination can't be got at: nothing is removed then
 */
export async function removeJob(jobs: ActiveExecutions, jobId: string): Promise<void> {
  const stored = await jobs.catalog.jobs.get(jobId)
  if (stored) await jobs.release({ jobId, execution: stored.lastExecution })
  const unended = await unendedIn(ledgerFile(jobs.home, jobId))
  if (unended !== undefined) {
    const ref = { jobId, execution: unended }
    await clearLeftovers(await jobs.open(ref), ref)
    await jobs.release(ref)
  }
  for (const kind of ['real', 'simulated'] as const)
    for (const end of ['', '-wal', '-shm', '-lock']) rmSync(ledgerFile(jobs.home, jobId, kind) + end, { force: true })
}

/** The execution that had nobody to clear up after it, if it left anything. */
async function unendedIn(file: string): Promise<number | undefined> {
  if (!existsSync(file)) return undefined
  try {
    const handle = await openLedger(file)
    const ledger = connectLedger(handle.port(), file)
    try {
      const unended = await ledger.unended()
      if (unended === undefined) return undefined
      const { batches, partials } = await ledger.leftovers(unended)
      return batches.length + partials.length > 0 ? unended : undefined
    } finally {
      await ledger.close()
      await handle.close()
    }
  } catch (error) {
    if ((error as Error).name === 'DatabaseUnusable') return undefined
    throw error
  }
}
