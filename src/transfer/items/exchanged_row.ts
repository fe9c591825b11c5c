import type { TrackedRow } from '../../ledger/ledger.ts'
import { isNothing } from '../../policy/exchange.ts'

/** What the ledger remembers, with both sides exchanged. */
export function exchangedRow(row: TrackedRow): TrackedRow {
  const { item, name, kind, destinationName, state, reason, hash, sourceGone, decided, said } = row
  const { sourceId, destinationId, sourceText, destinationText, toSource, forgotten, permissionsAnew } = row
  const { source, destination } = row
  return {
    item,
    name: destinationName,
    kind,
    destinationName: name,
    state,
    reason,
    hash,
    source: destination ?? source,
    ...(destinationText === undefined ? {} : { sourceText: destinationText }),
    // What was never there has no facts there.
    ...(isNothing(source) ? {} : { destination: source, destinationText: sourceText }),
    sourceId: destinationId,
    destinationId: sourceId,
    sourceGone,
    decided,
    said,
    ...(toSource === undefined ? {} : { toSource }),
    ...(forgotten === undefined ? {} : { forgotten }),
    ...(permissionsAnew === undefined ? {} : { permissionsAnew }),
  }
}
