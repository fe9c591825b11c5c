import type { AuditRow } from '../../ledger/ledger.ts'
import type { Processing } from '../../policy/decision.ts'

/** What came up while an item was carried out. */
export interface Notes {
  /** How it arrived with less than the source has of it. */
  altered: Processing[]
  /** It arrived, and a person has to look at it all the same. */
  flagged?: string
  audit: AuditRow[]
}

export function noNotes(): Notes {
  return { altered: [], audit: [] }
}
