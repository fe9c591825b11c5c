import type { AuditRow } from '../ledger/ledger.ts'

/** What came up while an item was carried out. */
export interface Notes {
  narrowed: boolean
  /** It arrived, and a person has to look at it all the same. */
  flagged?: string
  audit: AuditRow[]
}

export function noNotes(): Notes {
  return { narrowed: false, audit: [] }
}
