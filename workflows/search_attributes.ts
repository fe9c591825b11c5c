import { defineSearchAttributeKey } from '@temporalio/common'
import type { JobFacts } from './messages.ts'
import { jobSummary } from './progress_text.ts'

/** What databases behind Temporal take of a keyword. */
const mostOfName = 250

/** Registered at start in our own namespace; all keywords, none with a path or a credential. */
export const attributes = {
  name: defineSearchAttributeKey('StevedoreName', 'KEYWORD'),
  job: defineSearchAttributeKey('StevedoreJob', 'KEYWORD'),
  status: defineSearchAttributeKey('StevedoreStatus', 'KEYWORD'),
  phase: defineSearchAttributeKey('StevedorePhase', 'KEYWORD'),
  category: defineSearchAttributeKey('StevedoreCategory', 'KEYWORD'),
  source: defineSearchAttributeKey('StevedoreSource', 'KEYWORD'),
  destination: defineSearchAttributeKey('StevedoreDestination', 'KEYWORD'),
} as const

/** What a job's workflow, and each of its executions, is found by. */
export function jobAttributes(jobId: string, facts: JobFacts) {
  const { category, source, destination } = facts
  return [
    { key: attributes.name, value: jobSummary(facts).slice(0, mostOfName) },
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
