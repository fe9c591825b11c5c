import type { StoredExecution, StoredJob } from '../catalog/catalog.ts'
import { wireNumber } from '../json/json.ts'
import type { ItemState } from '../ledger/item_state.ts'
import type { Balance } from '../ledger/ledger.ts'
import { removalsOf, type Removals } from './removals.ts'
import { processings, sayAltered } from './say_processing.ts'
import { eitherWay, goesBothWays } from './both_ways.ts'
import { sayReason } from './say_reason.ts'

/** One execution, as a person and a program may want to know it. */
export interface Summary {
  job: { id: string; name: string }
  execution: number
  status: StoredExecution['status']
  sentence: string
  phase: StoredExecution['phase']
  simulated: boolean
  seconds: number | null
  /** `items` is everything, folders included. */
  found: { items: number; containers: number; bytes: number | string }
  containers_made: number
  /** Containers whose content was not looked at: they failed, or are flagged. */
  not_looked_into: number
  /** No longer at the source, and kept by the destination. */
  gone: { items: number; bytes: number | string }
  /** What left either side, and what was to and did not. */
  removed: Removals
  /** How items arrived altered, and how many. */
  altered: { processing: string; meaning: string; items: number }[]
  by_status: StatusSum[]
  /** `found` is the sum of all statuses; false would be a fault of ours, and is said. */
  balanced: boolean
  /** Settings that the document has, and that change nothing here. */
  inert: Inert[]
  /** What the platforms cannot express, and whatever else `initialize` warned of. */
  warnings: string[]
}

interface StatusSum {
  status: ItemState
  meaning: string
  items: number
  bytes: number | string
  reasons: { reason: string; meaning: string; items: number; bytes: number | string }[]
}

export interface Inert {
  path: string
  why: string
}

/** In the order of interest; every status an item can have at the end of an execution. */
const meanings: readonly (readonly [ItemState, string, simulated: string])[] = [
  ['success', 'arrived as they are, or need nothing', 'would arrive as they are, or need nothing'],
  ['processed', 'at the destination, altered', 'would arrive altered'],
  ['skipped', 'left out on purpose', 'would be left out on purpose'],
  ['remediation', 'flagged: need a person', 'would be flagged: need a person'],
  ['retry', 'failed; the next run tries again', 'would fail, and be tried again by the next run'],
  ['pending', 'not done yet', 'not done yet'],
  ['none', 'looked at only', 'looked at only'],
]

export function summarize(
  job: { id: string; name: string } & Partial<Pick<StoredJob, 'document'>>,
  execution: StoredExecution,
  inert: readonly Inert[] = [],
): Summary {
  const balance = execution.balance ?? emptyBalance()
  const { found } = balance
  const gone = balance.findings?.gone ?? { items: 0, bytes: 0n }
  const said = goesBothWays(job) ? eitherWay : (sentence: string) => sentence
  const statuses = meanings.map(([status, meaning, would]) =>
    statusSum(balance, status, { meaning: execution.simulated ? would : meaning, said }),
  )
  const inertPaths = inert.map(({ path }) => path)
  return {
    job: { id: job.id, name: job.name },
    execution: execution.execution,
    status: execution.status,
    sentence: execution.sentence,
    phase: execution.phase,
    simulated: execution.simulated,
    seconds:
      execution.endedOn === null
        ? null
        : Math.max(0, Math.round((execution.endedOn - execution.startedOn) * 1000) / 1000),
    found: { items: found.items, containers: found.containers, bytes: wireNumber(found.bytes) },
    containers_made: balance.containersMade,
    not_looked_into: balance.findings?.unlisted ?? 0,
    gone: { items: gone.items, bytes: wireNumber(gone.bytes) },
    removed: removalsOf(balance),
    altered: alteredOf(balance).map((one) => ({ ...one, meaning: said(one.meaning) })),
    by_status: statuses.filter(({ status, items }) => items > 0 || status !== 'none'),
    balanced: balances(balance),
    inert: [...inert],
    warnings: execution.warnings.filter((warning) => !inertPaths.some((path) => warning.startsWith(`${path}:`))),
  }
}

/** Halted or broken off: what was found is not all there is. */
export function endedEarly({ status, phase }: Summary): boolean {
  return status === 'failed' && phase !== 'complete'
}

/** found = success + processed + skipped + flagged + retry + pending, and each of them = the sum of its reasons. */
export function balances({ found, byStatus, byReason }: Balance): boolean {
  const states = Object.entries(byStatus) as [ItemState, { items: number; bytes: bigint }][]
  if (states.reduce((n, [, sum]) => n + sum.items, 0) !== found.items) return false
  return states.every(([state, sum]) => {
    const reasons = byReason.filter(({ status }) => status === state)
    return reasons.reduce((n, reason) => n + reason.items, 0) === sum.items
  })
}

function alteredOf({ findings }: Balance): Summary['altered'] {
  return processings.flatMap((processing) => {
    const items = findings?.altered[processing] ?? 0
    return items === 0 ? [] : [{ processing, meaning: sayAltered(processing, items), items }]
  })
}

export function emptyBalance(): Balance {
  const none = { items: 0, bytes: 0n }
  return {
    found: { items: 0, containers: 0, bytes: 0n },
    byStatus: {
      none,
      success: none,
      processed: none,
      skipped: none,
      retry: none,
      remediation: none,
      pending: none,
    },
    byReason: [],
    containersMade: 0,
  }
}

interface Saying {
  meaning: string
  said: (sentence: string) => string
}

function statusSum(balance: Balance, status: ItemState, { meaning, said }: Saying): StatusSum {
  const sum = balance.byStatus[status]
  return {
    status,
    meaning: said(meaning),
    items: sum.items,
    bytes: wireNumber(sum.bytes),
    reasons: balance.byReason
      .filter((reason) => reason.status === status && reason.items > 0)
      .sort((a, b) => b.items - a.items || (a.reason < b.reason ? -1 : 1))
      .map(({ reason, items, bytes }) => ({
        reason,
        meaning: said(sayReason(reason)),
        items,
        bytes: wireNumber(bytes),
      })),
  }
}
