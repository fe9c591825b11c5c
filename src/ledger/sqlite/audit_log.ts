import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { AuditRow } from '../ledger.ts'
import { toWireAudit, type WireAudit } from '../wire.ts'
import type { CurrentExecution } from './current_execution.ts'

/** Rows in one statement: binding is cheap, stepping a statement is not. */
const together = 25
const columns = 7

/** The audit rows; those below the execution's level are never written. */
export class AuditLog {
  readonly #nowMs: () => number
  readonly #one
  readonly #many

  constructor(db: DatabaseSync, nowMs: () => number) {
    this.#nowMs = nowMs
    const insert = 'INSERT INTO audit (execution, item, level, type, recorded_ms, message, detail) VALUES '
    this.#one = db.prepare(`${insert}(?, ?, ?, ?, ?, ?, ?)`)
    this.#many = db.prepare(insert + Array(together).fill('(?, ?, ?, ?, ?, ?, ?)').join(', '))
  }

  write(rows: WireAudit, { n, auditLevel }: CurrentExecution): void {
    const recordedMs = this.#nowMs()
    const buffer: SQLInputValue[] = []
    for (let i = 0; i < rows.type.length; i++) {
      if (rows.level[i]! < auditLevel) continue
      buffer.push(n, rows.item[i]!, rows.level[i]!, rows.type[i]!, recordedMs, rows.message[i]!, rows.detail[i]!)
      if (buffer.length === together * columns) this.#many.run(...buffer.splice(0))
    }
    for (let at = 0; at < buffer.length; at += columns) this.#one.run(...buffer.slice(at, at + columns))
  }

  note(row: AuditRow, execution: CurrentExecution): void {
    this.write(toWireAudit([row]), execution)
  }
}
