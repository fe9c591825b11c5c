import type { Item } from '../../connector/item.ts'
import type { AuditRow, TrackedRow, WorkItem } from '../../ledger/ledger.ts'
import type { AuditLevel } from '../../job/settings.ts'
import { auditLevelOf, audits, auditTypeOf, type Audits, type AuditType } from '../../policy/audit_level.ts'
import type { Decision } from '../../policy/decision.ts'

export interface DecidedItem {
  item: Item
  row: TrackedRow | undefined
  /** Index among the listing's fresh rows, for an item not tracked before. */
  fresh: number
  decision: Decision
  destinationName: string
  /** A person was asked in an earlier execution, and nothing changed since. */
  flaggedBefore: boolean
}

/** Writes the audit rows that a level keeps, and builds nothing for the others. */
export class Audit {
  readonly #audits: Audits

  constructor(level: AuditLevel) {
    this.#audits = audits(level)
  }

  /** Rows about what was decided: at `trace` every decision, and what is settled by deciding it. */
  decision(rows: AuditRow[], { item, row, fresh, decision, destinationName, flaggedBefore }: DecidedItem): void {
    const which = row ? { item: row.item } : { fresh }
    const { action, reason, why } = decision
    const about = why === undefined ? {} : { message: `${item.name}: ${why}` }
    this.add(rows, 'decided', () => ({ ...which, ...about, detail: { action, reason, name: destinationName } }))
    if (flaggedBefore) this.add(rows, 'flagged', () => ({ ...which, ...about, detail: { reason: 'flagged_before' } }))
    else if (action === 'none' || action === 'adopt' || action === 'skip' || action === 'fail') {
      this.add(rows, auditTypeOf(decision, item.kind === 'container'), () => ({
        ...which,
        ...about,
        detail: { reason },
      }))
    }
    if (decision.processing?.some((alteration) => alteration !== 'conflict_copy')) {
      this.add(rows, 'renamed', () => ({ ...which, message: `${item.name} arrives as ${destinationName}` }))
    }
    if (item.linkCount !== undefined && (action === 'create' || action === 'overwrite')) {
      const message = `${item.name} is one of ${item.linkCount} names of the same file; it arrives as a file of its own`
      this.add(rows, 'hard_link', () => ({ ...which, message }))
    }
  }

  /** Rows about items that are gone from the source. */
  gone(rows: AuditRow[], items: readonly number[]): void {
    for (const item of items) this.add(rows, 'left', () => ({ item, detail: { reason: 'source_gone' } }))
  }

  /** Rows about what was done. */
  result(rows: AuditRow[], work: WorkItem, { bytes, hash }: { bytes: bigint; hash: string }): void {
    const { item, action } = work
    this.add(rows, 'step', () => ({ item, detail: { action, hash, tries: work.tries } }))
    const type = resultType(work, bytes)
    this.add(rows, type, () => ({ item, detail: { bytes: Number(bytes) } }))
  }

  add(rows: AuditRow[], type: AuditType, row: () => Omit<AuditRow, 'level' | 'type'>): void {
    if (this.#audits.has(type)) rows.push({ level: auditLevelOf(type), type, ...row() })
  }
}

function resultType({ action, kind, source }: WorkItem, bytes: bigint): AuditType {
  if (action === 'adopt') return 'matched'
  if (action === 'attributes') return 'attributes'
  if (kind === 'container' || kind === 'link') return 'created'
  return action === 'reread' && bytes === 0n && source.sizeBytes > 0n ? 'reread' : 'transferred'
}

/** At every level: the destination's own version has another name from then on. */
export function keptAside(item: number, name: string): AuditRow {
  const message = `conflict copy created: the destination's own version is kept as ${name}`
  return { item, level: 'warn', type: '4001', message }
}
