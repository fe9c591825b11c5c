import type { ErrorCode } from '../connector/errors.ts'
import { leftAlone } from '../policy/decision.ts'
import { exchangedWords } from '../policy/exchange.ts'
import { reasons } from '../policy/reasons.ts'

const raised: Record<ErrorCode, string> = {
  NotFound: 'It was gone when its turn came.',
  Conflict: 'Something of its name appeared at the destination.',
  PreconditionFailed: 'The destination changed after it was looked at.',
  Locked: 'Somebody has it locked.',
  NameInvalid: 'The destination refused its name.',
  NameTooLong: 'Its name is too long for the destination.',
  TooLarge: 'It is larger than the destination takes.',
  ExtensionRefused: 'The destination refuses files of its type.',
  AccessDenied: 'Access was denied.',
  ShortRead: 'It ended before its listed size.',
  GrewWhileRead: 'It grew while it was read.',
  ChangedWhileRead: 'It changed while it was read.',
  IntegrityMismatch: 'Its bytes are not those that were stated or written.',
  Unsupported: 'The platform cannot do this.',
  NotAContainer: 'It is not a folder.',
  Escapes: 'It leads out of the root.',
  ItemFailed: 'It failed.',
  RootGone: 'The root is gone.',
  RootReplaced: 'The root was replaced by another.',
  QuotaExceeded: 'The quota is used up.',
  AuthExpired: 'The credentials have expired.',
  Throttled: 'The platform asked to slow down.',
  Unreachable: 'The platform cannot be reached.',
  ReadOnly: 'The destination is read-only.',
  Misconfigured: 'The connection is set up wrongly.',
}

const raisedSentences = new Map(Object.entries(raised))
const plannedSentences = new Map(Object.entries(reasons).map(([reason, { sentence }]) => [reason, sentence]))

/**
 * A reason of the planner's or an error code of a connector's as a sentence; one unknown here speaks for itself.
 *
 * @param toSource of an item on its way to the source
 */
export function sayReason(reason: string, toSource = false): string {
  const sentence = plannedSentences.get(reason) ?? raisedSentences.get(reason) ?? `${reason.replaceAll('_', ' ')}.`
  return toSource ? exchangedWords(sentence) : sentence
}

/** Whether it says that a tracked item is left as it is although not all is as recorded. */
export function isLeftAlone(reason: string): boolean {
  return leftAlone.has(reason)
}
