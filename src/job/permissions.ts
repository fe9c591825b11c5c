import { defaults } from './defaults.ts'
import { block, choice, flag, needed, optional, orShort, text } from './wire.ts'

const delimiter = () => optional(text({ most: 8 }), 'What separates the columns.', ',')

const importText = block({
  source: block({
    text: block({
      delimiter: delimiter(),
      target: block({ path: needed(text({ most: 32_767 }), 'Where the file is.') }),
    }),
    delimiter: delimiter(),
  }),
  output: optional(block({ format: optional(text({ most: 64 }), 'Format.') }), 'What is written about it.'),
})

/** Permissions from a file (reference: maps-filters-connections 1.4). */
export const permissionsImport = importText

const words = ['none', 'add', 'diff'] as const

/** `transfer.permissions`; `"add"` alone means `{"policy": "add"}`. */
export const permissions = orShort(
  block({
    policy: optional(
      choice(words),
      'none: not carried; add: the source’s are added at the destination; diff: those the source lacks are also removed.',
      defaults.permissions.policy,
    ),
    links: optional(flag(), 'Carry shared links.', defaults.permissions.links),
    failures: optional(
      choice(['exceptions', 'deny', 'all', 'none']),
      'What stops an item: an error of the platform, a deny or broken inheritance that gets lost, both, or nothing.',
      defaults.permissions.failures,
    ),
    import: optional(importText, 'Take permissions from a file instead.'),
  }),
  { type: 'string', enum: words },
  (given) => (typeof given === 'string' ? { policy: given } : given),
)
