import type { AuditRow } from '../ledger/ledger.ts'

/** What came up while an item was carried out. */
export interface Notes {
  /** It arrived with less than the source has of it. */
  altered: boolean
  /** It arrived, and a person has to look at it all the same. */
  flagged?: string
  audit: AuditRow[]
}

export function noNotes(): Notes {
  return { altered: false, audit: [] }
}
