import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/common'
import type { EndedBy, ExecutionOutcome, Unrecorded } from './messages.ts'

/** Type of the failure an execution closes with; the outcome is its only detail. */
const failureTypes = {
  halted: 'Halted',
  failed_to_start: 'FailedToStart',
  broken: 'Broken',
  done: 'ItemsFailed',
} as const

const mostCharacters = 500

/** Tells halted, cancelled and broken executions apart by what ended their lanes. */
export function endedBy(error: unknown): EndedBy {
  const root = rootOf(error)
  if (root instanceof CancelledFailure) return { kind: 'cancelled', why: 'on request' }
  const why = messageOf(root)
  if (root instanceof ApplicationFailure && root.type === 'HaltedByItem') return { kind: 'halted', why }
  if (root instanceof ApplicationFailure && root.type === 'FailedToStart') return { kind: 'failed_to_start', why }
  return { kind: 'broken', why }
}

/** Answers a good outcome; raises any other, so that the workflow closes as what it was. */
export function orThrow(outcome: ExecutionOutcome, ended: EndedBy): ExecutionOutcome {
  if (ended.kind === 'cancelled') throw new CancelledFailure(outcome.sentence, [outcome])
  const failed = outcome.status === 'failed' || outcome.status === 'failed_to_start'
  if (!failed && ended.kind === 'done') return outcome
  throw ApplicationFailure.create({
    message: withReasons(outcome),
    type: failureTypes[ended.kind],
    nonRetryable: true,
    details: [outcome],
  })
}

function withReasons({ sentence, failures = [] }: ExecutionOutcome): string {
  const list = failures.map(({ reason, items }) => `${items} ${reason}`).join(', ')
  return list === '' ? sentence : `${sentence} (${list})`
}

/** What a job says of an execution that may have closed without a record of it: it was terminated, say. */
export function unrecordedEnd(error: unknown): Unrecorded {
  const root = rootOf(error)
  if (root instanceof ApplicationFailure && root.details?.[0]) {
    const { status, sentence } = root.details[0] as ExecutionOutcome
    return { status, sentence }
  }
  if (root instanceof CancelledFailure) return { status: 'cancelled', sentence: 'cancelled before it could say more' }
  return { status: 'failed', sentence: `broke off: ${messageOf(root)}` }
}

/** What failed in the end, in its own words. */
export function rootMessage(error: unknown): string {
  return messageOf(rootOf(error))
}

function rootOf(error: unknown): unknown {
  let root = error
  while ((root instanceof ActivityFailure || root instanceof ChildWorkflowFailure) && root.cause) root = root.cause
  return root
}

function messageOf(error: unknown): string {
  if (error instanceof TimeoutFailure) return `no answer in time (${error.timeoutType})`
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text
}
