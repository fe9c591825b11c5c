import type { AuditLevel } from '../job/settings.ts'
import type { Decision } from './decision.ts'

type RowLevel = Exclude<AuditLevel, 'none'>

const order: Record<RowLevel, number> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 }

/** Every type of audit row there is, the level it is written at, and what it says. Numbers are the reference's. */
export const auditTypes = {
  decided: { level: 'trace', meaning: 'what the planner said of an item, and why' },
  step: { level: 'trace', meaning: 'a step of carrying a decision out: read, staged, published, attributes set' },

  unchanged: { level: 'debug', meaning: 'tracked, and as it was' },
  matched: { level: 'debug', meaning: 'a folder that was at the destination already' },
  filtered: { level: 'debug', meaning: 'left out by a filter' },
  left: {
    level: 'debug',
    meaning: 'changed or deleted at the destination only, or gone from the source; left as it is',
  },

  transferred: { level: 'info', meaning: 'content was written' },
  created: { level: 'info', meaning: 'a folder or link was made' },
  merged: {
    level: 'info',
    meaning: 'somebody else made a folder before the job could; it keeps its times, owner and mode',
  },
  adopted: { level: 'info', meaning: 'the destination had the same file already' },
  attributes: { level: 'info', meaning: 'times, owner or permissions were applied, no content' },
  reread: { level: 'info', meaning: 'read again, and found to be the same' },
  removed: { level: 'info', meaning: 'removed at the destination, or from the source once it had arrived' },
  too_large: { level: 'info', meaning: 'left out by large_item: skip' },
  asked: { level: 'info', meaning: 'a person said to try an item again, or to leave it out' },
  execution: { level: 'info', meaning: 'an execution began or ended, with its counts' },

  skipped: { level: 'warn', meaning: 'left out by a policy' },
  kept: { level: 'warn', meaning: 'to be removed, and kept: it is not as it was, or holds something' },
  renamed: { level: 'warn', meaning: 'arrives under another name' },
  hard_link: { level: 'warn', meaning: 'has other names at the source; each is copied as a file of its own' },
  time_left_out: { level: 'warn', meaning: 'the destination has no time so early or so late; what it was given stays' },
  setting: { level: 'warn', meaning: 'a setting that has no effect here' },
  4001: { level: 'warn', meaning: 'conflict copy created' },
  4002: { level: 'warn', meaning: 'invalid security identifier: somebody has no counterpart' },
  4005: { level: 'warn', meaning: 'access rule ignored' },
  4007: { level: 'warn', meaning: 'restricted content skipped' },
  left_behind: { level: 'warn', meaning: 'something of ours, half-way, could not be cleared away' },

  failed: { level: 'error', meaning: 'an item failed; it is tried again, unless it is flagged' },
  flagged: { level: 'error', meaning: 'an item needs a person' },
  halted: { level: 'error', meaning: 'the execution was halted' },
} as const satisfies Record<string, { level: RowLevel; meaning: string }>

/** Numbers are written as text, as `AuditRow.type` has them. */
export type AuditType = `${keyof typeof auditTypes}`

export interface Audits {
  /** Whether rows of that type are kept. */
  has(type: AuditType): boolean
}

/**
 * The rows a job keeps: those of its level and above. Item state is kept in any case.
 *
 * @see reference: job-policies 19
 */
export function audits(level: AuditLevel): Audits {
  const least = level === 'none' ? Infinity : order[level]
  const kept = new Set<string>(
    Object.entries(auditTypes).flatMap(([type, { level: at }]) => (order[at] >= least ? [type] : [])),
  )
  return { has: (type) => kept.has(type) }
}

/** The level of a row. */
export function auditLevelOf(type: AuditType): RowLevel {
  return auditTypes[type].level
}

/** The row that says what was decided of an item; for work that is still to be done, what will be said once it is. */
export function auditTypeOf(decision: Decision, isContainer: boolean): AuditType {
  const { action, reason } = decision
  switch (action) {
    case 'none':
      return reason === 'unchanged' ? 'unchanged' : 'left'
    case 'create':
      return isContainer ? 'created' : 'transferred'
    case 'overwrite':
      return 'transferred'
    case 'adopt':
      return isContainer ? 'matched' : 'adopted'
    case 'attributes':
      return 'attributes'
    case 'reread':
      return 'reread'
    case 'skip':
      if (reason === 'filtered') return 'filtered'
      if (reason === 'restricted_content') return '4007'
      return reason === 'too_large' ? 'too_large' : 'skipped'
    case 'fail':
      return 'failed'
    default:
      return action satisfies never
  }
}
