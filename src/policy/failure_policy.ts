import type { Settings } from '../job/settings.ts'

type FailurePolicy = Settings['failurePolicy']

/** Plain data in the shape of Temporal's RetryPolicy, times in milliseconds, and what goes with it. */
interface Retries {
  initialInterval: number
  backoffCoefficient: number
  maximumInterval: number
  maximumAttempts: number
  nonRetryableErrorTypes: string[]
  /** Tries of one item in one execution; then it has a strike and waits for the next execution. */
  triesPerExecution: number
}

/** Strikes an item may have; the one after that flags it (the reference's `max_retry`). */
export const maxRetry = 3

/**
 * The setting as Temporal retries. A slice fails retryably for two reasons: only items that wait are left, each of which
 * says when it may be tried again (`nextRetryDelay`), or a connection is in trouble. Both are bounded, so that an
 * execution ends: items by their tries, a connection after about an hour. Under `halt` the failure of an item can't be
 * retried; trouble with a connection is no failure of an item, and is waited out all the same.
 *
 * The policy itself never backs off: each failure says how long it has to wait (`troubleBackoffMs`), and the one that can't
 * say it, a worker that died, is nobody's reason to wait. With a coefficient of 2 the sixth death within a slice cost a minute.
 *
 * @see reference: job-policies 4
 */
export function retryPolicy(setting: FailurePolicy): Retries {
  const ends = ['HaltedByItem', 'FailedToStart']
  return {
    initialInterval: 1_000,
    backoffCoefficient: 1,
    // The server cuts what a failure asks for to this, and where nothing is said to a hundred initial intervals: less than
    // many a platform's `Retry-After`.
    maximumInterval: 24 * 60 * 60_000,
    maximumAttempts: 60,
    nonRetryableErrorTypes: haltsOnFailure(setting) ? [...ends, 'ItemsWaiting'] : ends,
    triesPerExecution: haltsOnFailure(setting) ? 1 : 3,
  }
}

/** How long a slice waits after its n-th failed attempt when nobody said how long: 1 s, 2 s, 4 s, up to a minute. */
export function troubleBackoffMs(attempt: number): number {
  return Math.min(1_000 * 2 ** Math.min(Math.max(0, attempt - 1), 10), 60_000)
}

/** How long an item waits after its n-th failed try in an execution, from 1: 1 s, 4 s, 16 s, then a minute. */
export function itemBackoffMs(tries: number): number {
  return Math.min(1_000 * 4 ** Math.min(Math.max(0, tries - 1), 10), 60_000)
}

/** Whether the first failed item stops everything. */
export function haltsOnFailure(setting: FailurePolicy): boolean {
  return setting === 'halt'
}
