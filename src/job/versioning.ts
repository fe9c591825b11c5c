import { defaults } from './defaults.ts'
import { block, choice, needed, optional, orShort, whole } from './wire.ts'

const limit = orShort(block({ limit: needed(whole(1), 'How many.') }), { type: 'integer', minimum: 1 }, (given) =>
  typeof given === 'number' || typeof given === 'string' ? { limit: given } : given,
)

/** `transfer.versioning` (reference: maps-filters-connections 2). */
export const versioning = block({
  preserve: optional(choice(['native', 'none']), 'Carry versions, or only the latest.', defaults.versioning.preserve),
  select: optional(choice(['all', 'latest']), 'Which of them.', defaults.versioning.select),
  from_source: optional(limit, 'How many versions to take.'),
  from_destination: optional(limit, 'How many versions to keep.'),
})
