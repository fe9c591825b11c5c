import { defineSearchAttributeKey } from '@temporalio/common'

/** Registered at start in our own namespace; all keywords, none with a path or a credential. */
export const attributes = {
  job: defineSearchAttributeKey('StevedoreJob', 'KEYWORD'),
  status: defineSearchAttributeKey('StevedoreStatus', 'KEYWORD'),
  phase: defineSearchAttributeKey('StevedorePhase', 'KEYWORD'),
  category: defineSearchAttributeKey('StevedoreCategory', 'KEYWORD'),
  source: defineSearchAttributeKey('StevedoreSource', 'KEYWORD'),
  destination: defineSearchAttributeKey('StevedoreDestination', 'KEYWORD'),
} as const
