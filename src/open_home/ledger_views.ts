import { existsSync } from 'node:fs'
import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { DatabaseUnmade, foldLog } from '../database/sqlite.ts'
import { ledgerFile, type Home } from '../home/home.ts'
import { namingDamage } from './naming_damage.ts'
import { LedgerReader } from '../ledger/sqlite/reader.ts'

/** Ledgers as API and CLI read them, also while a worker writes. */
export interface LedgerViews {
  /** Undefined while the job has no ledger of that kind. Stays open; do not close it. */
  open(jobId: string, kind: LedgerKind): LedgerReader | undefined
}

/** A simulation has a ledger of its own. */
type LedgerKind = 'real' | 'simulated'

/** Which ledger tells of a job's last execution. */
export async function ledgerKind(job: StoredJob, catalog: Catalog): Promise<LedgerKind> {
  const last = job.lastExecution > 0 ? await catalog.executions.get(job.id, job.lastExecution) : undefined
  return last?.simulated === true ? 'simulated' : 'real'
}

/** More than a list of jobs shows at a time; each costs a few file descriptors. */
const mostOpen = 16

/** Opens each ledger once, and keeps those open that were used last. */
export class OpenLedgers implements LedgerViews {
  readonly #home: Home
  readonly #open = new Map<string, LedgerReader>()

  constructor(home: Home) {
    this.#home = home
  }

  open(jobId: string, kind: LedgerKind): LedgerReader | undefined {
    const file = ledgerFile(this.#home, jobId, kind)
    const known = this.#open.get(file)
    if (!known && !existsSync(file)) return undefined
    const reader = known ?? openMade(file)
    if (!reader) return undefined
    this.#open.delete(file)
    this.#open.set(file, reader)
    for (const [name, oldest] of this.#open) {
      if (this.#open.size <= mostOpen) break
      this.#close(name, oldest)
    }
    return reader
  }

  close(): void {
    for (const [file, reader] of this.#open) this.#close(file, reader)
  }

  /** Its owner may have closed the ledger while it was read here, and a ledger nobody uses is one file. */
  #close(file: string, reader: LedgerReader): void {
    reader.close()
    this.#open.delete(file)
    foldLog(file)
  }
}

/** Whoever looks at a job that has just begun may be faster than the worker that makes the tables. */
function openMade(file: string): LedgerReader | undefined {
  try {
    return namingDamage(file, new LedgerReader(file))
  } catch (error) {
    if (error instanceof DatabaseUnmade) return undefined
    throw error
  }
}
