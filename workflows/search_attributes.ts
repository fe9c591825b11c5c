import { defineSearchAttributeKey } from '@temporalio/common'
import type { JobFacts } from './messages.ts'

/** Registered at start in our own namespace; all keywords, none with a path or a credential. */
export const attributes = {
  job: defineSearchAttributeKey('StevedoreJob', 'KEYWORD'),
  status: defineSearchAttributeKey('StevedoreStatus', 'KEYWORD'),
  phase: defineSearchAttributeKey('StevedorePhase', 'KEYWORD'),
  category: defineSearchAttributeKey('StevedoreCategory', 'KEYWORD'),
  source: defineSearchAttributeKey('StevedoreSource', 'KEYWORD'),
  destination: defineSearchAttributeKey('StevedoreDestination', 'KEYWORD'),
} as const

/** What a job's workflow, and each of its executions, is found by. */
export function jobAttributes(jobId: string, { category, source, destination }: JobFacts) {
  return [
    { key: attributes.job, value: jobId },
    { key: attributes.category, value: category },
    { key: attributes.source, value: source },
    { key: attributes.destination, value: destination },
  ]
}

export function executionAttributes({ jobId }: { jobId: string }, facts: JobFacts) {
  return [
    ...jobAttributes(jobId, facts),
    { key: attributes.status, value: 'running' },
    { key: attributes.phase, value: 'pending' },
  ]
}
