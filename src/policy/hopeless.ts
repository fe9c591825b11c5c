import type { ErrorCode } from '../connector/errors.ts'
import type { Reason } from './decision.ts'

/** Reasons whose decision another run would repeat for the same facts: trying again is no use, a person is asked. */
export const hopeless: ReadonlySet<Reason> = new Set<Reason>([
  'special',
  'dead_link',
  'kind_differs',
  'hard_linked',
  'name_refused',
  'name_too_long',
  'name_taken',
  'too_many_items',
  'restricted_content',
  'conflict_of_copy',
])

/** Reasons that each execution finds anew for failing an item: where it no longer does, what was flagged starts afresh. */
export const objections: ReadonlySet<Reason> = new Set<Reason>([
  'special',
  'dead_link',
  'kind_differs',
  'hard_linked',
  'name_refused',
  'name_too_long',
  'name_taken',
  'too_many_items',
  'restricted_content',
  'too_large',
  'exists',
  'conflict',
  'conflict_of_copy',
])

/** What somebody may have mended outside: tried once more when a person starts an execution, and by none that starts by itself. */
export const mendable: readonly (Reason | ErrorCode)[] = [
  'AccessDenied',
  'Locked',
  'Conflict',
  'PreconditionFailed',
  'TooLarge',
  'ExtensionRefused',
  'IntegrityMismatch',
  'ItemFailed',
  'name_taken',
  'too_large',
  'too_many_items',
]
