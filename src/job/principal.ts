import { block, choice, conflict, flag, leaf, optional, text, type Leaf } from './wire.ts'

const identifying = ['id', 'external_id', 'email', 'username', 'name', 'caption'] as const

/** An account or group, by whatever is known of it (reference: maps-filters-connections 0.1). */
export const principal = block({
  type: optional(choice(['account', 'group']), 'What it is.'),
  id: optional(sid(), 'The platform’s own id.'),
  external_id: optional(text(), 'Its id in another directory.'),
  email: optional(text(), 'Address.'),
  username: optional(text(), 'Such as JSmith or domain\\user.'),
  name: optional(text(), 'Such as John Smith, or the name of a group.'),
  caption: optional(text(), 'Display name.'),
  given_name: optional(text(), 'Given name.'),
  surname: optional(text(), 'Family name.'),
  admin: optional(flag(), 'Read-only.'),
  built_in: optional(flag(), 'Read-only.'),
  disabled: optional(flag(), 'Read-only.'),
  readonly: optional(flag(), 'Read-only.'),
}).transform((who, ctx) => {
  if (!identifying.some((key) => who[key] !== undefined))
    conflict(ctx, [], `names nobody: one of ${identifying.join(', ')} is needed`)
  return who
})

/** Ids of people are numbers on some platforms. */
function sid(): Leaf<string> {
  const json = { anyOf: [{ type: 'string', minLength: 1 }, { type: 'integer' }] }
  return leaf('an id as text or number', json, (given) => {
    if (Number.isSafeInteger(given)) return String(given)
    return typeof given === 'string' && given.trim() !== '' && given.length <= 1_000 && given.isWellFormed()
      ? given
      : undefined
  })
}
