import type { LedgerReader } from '../../ledger/sqlite/reader.ts'
import type { LoadedExecution } from '../engine/load_execution.ts'
import { OpenSides } from '../engine/sides.ts'
import type { Listeners } from './counts.ts'
import type { Difference, Verified } from './difference.ts'
import { Stack } from './listed.ts'
import { Verification, type Pair } from './verification.ts'
import { openWhole } from './whole_sides.ts'

export type { Difference, DifferenceKind, Left, Verified } from './difference.ts'
export { CannotVerify } from './whole_sides.ts'

export interface VerifyParts extends Listeners {
  loaded: LoadedExecution
  ledger: LedgerReader
}

/**
 * Reads both sides anew and trusts nobody: the source is walked by its own listings, every file's bytes are read on both
 * sides, and content, size, kind, link target, times, owner and permissions are compared with each other and with the
 * ledger. What the job owes and has not done is a difference; what policy decided to leave is none. Trouble with one item is a
 * difference and the walk goes on. Best run while the job does not.
 *
 * @returns as the generator's last value, what was looked at
 * @throws CannotVerify; ConnectorError or SideTrouble of a connection
 */
export async function* verifyJob(parts: VerifyParts): AsyncGenerator<Difference, Verified> {
  const { spec } = parts.loaded
  await using sides = new OpenSides()
  const source = await openWhole('source', sides, spec.source)
  const destination = await openWhole('destination', sides, spec.destination)
  using pairs = new Stack<Pair>()
  return yield* new Verification(parts, { source, destination }, pairs).whole()
}
