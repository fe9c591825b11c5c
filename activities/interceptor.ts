import type { Context } from '@temporalio/activity'
import { ApplicationFailure, TemporalFailure } from '@temporalio/common'
import type { ActivityInboundCallsInterceptor, ActivityInterceptors } from '@temporalio/worker'
import { isUnavailable } from '../src/database/sqlite.ts'
import { redactText } from '../src/home/redact.ts'
import { troubleBackoffMs } from '../src/policy/failure_policy.ts'

/** Raised where nobody thought of it: a mistake of ours more likely than weather. Tried for some minutes, not for an hour. */
const attemptsOfTheUnexpected = 10
const mostCharacters = 1_000

const endings: ReadonlySet<string> = new Set(['FailedToStart', 'HaltedByItem', 'NotInCatalog', 'DatabaseUnusable'])
/** Trouble that passes, or may: worth every attempt the failure policy gives. */
const passing: ReadonlySet<string> = new Set([
  'ItemsWaiting',
  'ConnectionTrouble',
  'LedgerHeld',
  'HomeFull',
  'LedgerGone',
  'CatalogUnavailable',
])

interface Unexpected {
  error(message: string, fields: Record<string, unknown>): void
}

/** The one place where an error becomes a failure that Temporal retries, or does not. */
export function failures(log: Unexpected): (context: Context) => ActivityInterceptors {
  return (context) => ({ inbound: inbound(context, log) })
}

function inbound(context: Context, log: Unexpected): ActivityInboundCallsInterceptor {
  return {
    async execute(input, next) {
      try {
        return await next(input)
      } catch (error) {
        const { attempt, activityType, isLocal, workflowExecution } = context.info
        if (!isKnown(error)) {
          log.error('unexpected error', {
            err: error,
            activity: activityType,
            workflow: workflowExecution?.workflowId,
            attempt,
          })
        }
        throw toFailure(error, attempt, isLocal)
      }
    },
  }
}

/**
 * Temporal shows and keeps a failure's message: it holds no credential, and neither a cause nor a stack of the platform's
 * library comes along. Its type is the error's name, which the retry policy goes by. That policy backs off by itself only
 * where the activity is a local one.
 */
export function toFailure(error: unknown, attempt: number, isLocal = false): Error {
  if (error instanceof TemporalFailure) return error
  const { name: type, message, retryAfterMs = isLocal ? undefined : troubleBackoffMs(attempt) } = described(error)
  const nonRetryable = endings.has(type) || (!passing.has(type) && attempt >= attemptsOfTheUnexpected)
  return ApplicationFailure.create({
    message,
    type,
    nonRetryable,
    ...(nonRetryable || retryAfterMs === undefined ? {} : { nextRetryDelay: Math.max(1, Math.ceil(retryAfterMs)) }),
  })
}

/**
 * What has to pass before the next attempt can go better, for people; undefined of an error that is tried no more. Items
 * that wait are counted in the progress already.
 */
export function whyItWaits(error: unknown): string | undefined {
  const { name, message } = described(error)
  if (error instanceof TemporalFailure || endings.has(name) || name === 'ItemsWaiting') return undefined
  return message
}

function isKnown(error: unknown): boolean {
  const { name } = described(error)
  return error instanceof TemporalFailure || endings.has(name) || passing.has(name)
}

/** By name, not by class: errors come from other threads and, in tests, from other realms. */
function described(error: unknown): { name: string; message: string; retryAfterMs?: number } {
  const { name, message, retryAfterMs } = (error ?? {}) as Record<string, unknown>
  const text = redactText(typeof message === 'string' ? message : String(error))
  // Activities use no other database themselves.
  if (isUnavailable(error)) return { name: 'CatalogUnavailable', message: `the catalog can't be used now: ${text}` }
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text,
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
  }
}
