import type { Reason } from './decision.ts'

/** Reasons whose decision another run would repeat for the same facts: trying again is no use, a person is asked. */
export const hopeless: ReadonlySet<Reason> = new Set<Reason>([
  'special',
  'link_broken',
  'link_outside',
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
  'link_broken',
  'link_outside',
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
