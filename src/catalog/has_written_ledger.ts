import type { StoredExecution } from './catalog.ts'

/** One in these has begun its ledger, whether or not anything is counted yet. */
const afterItsBeginning: ReadonlySet<string> = new Set(['changes', 'executing', 'finalize'])

/** Whether the job's ledger has something of that execution, so that a file without it was lost. */
export function hasWrittenLedger({ simulated, balance, phase }: StoredExecution): boolean {
  return !simulated && ((balance?.found.items ?? 0) > 0 || afterItsBeginning.has(phase))
}
