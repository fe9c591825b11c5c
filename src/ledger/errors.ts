import { asDamaged, asFull, isFull } from '../database/sqlite.ts'
import { LeaseLost } from './ledger.ts'

/** Another process, or another thread of this one, writes this ledger. */
export class LedgerHeld extends Error {
  override readonly name = 'LedgerHeld'
  readonly pid: number

  constructor(file: string, pid: number) {
    super(pid === process.pid ? `${file} is open in this process already` : `${file} is in use by process ${pid}`)
    this.pid = pid
  }
}

/** The disk that holds the ledger is full, or the quota there is: what was asked did not happen. Asking again when there is room is safe. */
class HomeFull extends Error {
  override readonly name = 'HomeFull'
  readonly code = 'HomeFull'
}

/** The execution that is to begin is over for this ledger: whoever counts executions is an older copy. */
export class LedgerAhead extends Error {
  override readonly name = 'LedgerAhead'
  /** The last execution in the ledger. */
  readonly latest: number

  constructor(latest: number) {
    super(
      `the catalog is older than this job's ledger, which has been through execution ${latest} already: restore a newer catalog.db; if there is none, start the job again: it takes number ${latest + 1}, and what the ledger knows is kept`,
    )
    this.latest = latest
  }
}

/** The ledger's thread ended before it answered. What was asked may have happened. */
export class LedgerGone extends Error {
  override readonly name = 'LedgerGone'
}

/** An error as it crosses threads. */
export interface SentError {
  name: string
  message: string
  code?: string
  pid?: number
  file?: string
  latest?: number
}

/** @param file the ledger, so that what is wrong with it is said with its name */
export function toSent(error: unknown, file: string): SentError {
  if (isFull(asFull(error, file))) {
    return { name: 'HomeFull', message: `no room left to write ${file}`, code: 'HomeFull' }
  }
  const damaged = asDamaged(error, file)
  if (damaged === undefined) return plain(error)
  return plain(Object.assign(damaged, { message: `${damaged.message}; \`stevedore doctor\` says what can be done` }))
}

function plain(error: unknown): SentError {
  // Not `instanceof`: errors of built-in modules belong to another realm in a vm context.
  const { name, message, code, pid, file, latest } = (error ?? {}) as Record<string, unknown>
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: String(message ?? error),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof pid === 'number' ? { pid } : {}),
    ...(typeof file === 'string' ? { file } : {}),
    ...(typeof latest === 'number' ? { latest } : {}),
  }
}

export function fromSent({ name, message, ...details }: SentError): Error {
  switch (name) {
    case 'LeaseLost':
      return new LeaseLost(message)
    case 'HomeFull':
      return new HomeFull(message)
    case 'LedgerHeld':
      return Object.assign(Object.create(LedgerHeld.prototype) as LedgerHeld, { name, message, ...details })
    default:
      return Object.assign(new Error(message), { name, ...details })
  }
}
