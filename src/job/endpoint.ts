import { isObject } from '../json/json.ts'
import { defaults } from './defaults.ts'
import { principal } from './principal.ts'
import {
  anything,
  block,
  choice,
  conflict,
  flag,
  id,
  needed,
  notes,
  optional,
  orShort,
  text,
  whole,
  leaf,
  type Leaf,
} from './wire.ts'

export const sides = ['source', 'destination'] as const
export type Side = (typeof sides)[number]

interface ConnectionReference {
  id: string
}

/** Becomes a stored connection, and a reference here, before anything else happens to the job. */
interface InlineConnection {
  platform: { id: string }
  auth: Record<string, unknown>
  name?: string
  disabled?: boolean
}

const platform = orShort(
  block({ id: needed(text({ most: 64, oneLine: true }), 'Such as fs.'), name: optional(anything(), 'Read-only.') }),
  { type: 'string' },
  (given) => (typeof given === 'string' ? { id: given } : given),
)

const connectionKeys = block({
  id: optional(id(), 'A stored connection.'),
  platform: optional(platform, 'Of an inline connection: the kind of storage, such as {"id": "fs"}.'),
  auth: optional(settings(), 'Of an inline connection: its address and credentials, by keys of the platform.'),
  name: optional(text({ most: 255, oneLine: true }), 'Of an inline connection: its name.'),
  disabled: optional(flag(), 'Of an inline connection: stored, but not used.'),
  type: optional(choice(['connection']), 'Always connection.'),
  links: optional(anything(), 'Read-only.'),
})

/** `{"id": "…"}`, or the connection itself: `{"platform": {"id": "fs"}, "auth": {"root": "/data"}}`. */
export const connection = connectionKeys.transform((given, ctx): ConnectionReference | InlineConnection => {
  const { id, platform, auth, name, disabled } = given
  if (id !== undefined && auth !== undefined)
    conflict(ctx, [], 'is both the id of a stored connection and a connection itself (auth): give one of the two')
  if (id !== undefined) return { id }
  if (platform === undefined)
    conflict(ctx, [], 'names no connection: it takes the id of a stored one, or platform and auth')
  return {
    platform: { id: platform?.id ?? '' },
    auth: auth ?? {},
    ...(name === undefined ? {} : { name }),
    ...(disabled === undefined ? {} : { disabled }),
  }
})
notes.add(connection, { json: { anyOf: [{ required: ['id'] }, { required: ['platform'] }] } })

const target = orShort(
  block({
    path: optional(path(), 'Where on the platform, from its root: /a/b.', defaults.target_path),
    uri: optional(text({ most: 8_192 }), 'Where, as an address of the platform.'),
    item: optional(anything(), 'The folder itself, as the platform describes it; read back beside path.'),
  }),
  { type: 'string' },
  (given) => (typeof given === 'string' ? { path: given } : given),
)

/** One side of a job. */
export const endpoint = block(
  {
    connection,
    impersonate_as: optional(principal, 'Work as this account; the connection must be an administrator’s.'),
    target: optional(target, 'The folder on this side.', { path: defaults.target_path }),
    type: optional(
      choice(['directory', 'file', 'control_file', 'control_endpoint', 'custom']),
      'What the target is.',
      'directory',
    ),
    options: optional(settings(), 'Settings of the connector’s own.'),
    authenticate: optional(anything(), 'Authenticates in another way for this job.'),
    authenicate: optional(anything(), 'authenticate, as the vendor’s documents spell it.'),
    event_position: optional(anything(), 'Read-only: where in the platform’s events the next run begins.'),
    size_estimate: optional(
      block({
        count: optional(whole(0), 'Items.'),
        bytes: optional(whole(0), 'Bytes.'),
      }),
      'How much there is, for the progress only.',
    ),
  },
  { hidden: ['authenicate', 'event_position'] },
)

function settings(): Leaf<Record<string, unknown>> {
  return leaf('an object', { type: 'object' }, (given) => (isObject(given) ? given : undefined))
}

function path(): Leaf<string> {
  const allowed = 'a path such as /a/b, without .. in it'
  return leaf(allowed, { type: 'string', maxLength: 32_767 }, (given) =>
    typeof given === 'string' &&
    given.length <= 32_767 &&
    given.isWellFormed() &&
    !given.includes('\0') &&
    !given.split('/').includes('..')
      ? given
      : undefined,
  )
}
