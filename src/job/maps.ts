import type { z } from 'zod'
import { connection } from './endpoint.ts'
import { principal } from './principal.ts'
import {
  anything,
  block,
  choice,
  conflict,
  flag,
  id,
  leaf,
  listOf,
  needed,
  notes,
  optional,
  renamed,
  text,
  whole,
} from './wire.ts'

/** Account and group maps (reference: maps-filters-connections 3.2–3.6). */

export const mapTypes = ['account_map', 'group_map'] as const
export type MapType = (typeof mapTypes)[number]

const shared = {
  default: optional(flag(), 'id, name, username, caption and email together.'),
  id: optional(flag(), 'Same id on both platforms.'),
  name: optional(flag(), 'Same name.'),
  username: optional(flag(), 'Same user name.'),
  caption: optional(flag(), 'Same display name.'),
  displayname: optional(flag(), 'Old name of caption.'),
  email: optional(flag(), 'Same address.'),
  fuzzy: optional(flag(), 'Parts of the chosen fields may match.'),
  built_in: optional(flag(), 'Well-known identities such as Everyone.'),
  external_passthrough: optional(flag(), 'Guests without a counterpart keep what they have; resolved first.'),
  externalpassthrough: optional(flag(), 'Old name of external_passthrough.'),
  passthrough: optional(flag(), 'Identities are carried as they are, unresolved.'),
  ldap: optional(flag(), 'Resolve through LDAP.'),
}

const mapBy = block(shared, { hidden: ['displayname', 'externalpassthrough'] }).transform((by) =>
  renamed(by, { displayname: 'caption', externalpassthrough: 'external_passthrough' } as const),
)

const exception = block({
  id: optional(anything(), 'Read-only.'),
  source: principal,
  destination: principal,
})

const exclusion = block({
  id: optional(anything(), 'Read-only.'),
  location: optional(choice(['source', 'destination']), 'Read-only: the side it belongs to.'),
  sid: principal,
})

const mapSide = block({
  connection: optional(connection, 'The connection of this side; the same as the job’s.'),
  default: optional(principal, 'Who stands in for somebody unresolved.'),
  exclusions: optional(listOf(exclusion), 'Who is left out of owners and permissions altogether.'),
})

const server = block({
  name: needed(text({ most: 255, oneLine: true }), 'Host name or address.'),
  port: optional(whole(1, 65_535), 'Port; 389, or 636 with ssl.'),
  dn: optional(text(), 'Search base.'),
  username: optional(text(), 'domain\\user'),
  password: optional(
    leaf('a text', { type: 'string' }, (given) => (typeof given === 'string' ? given : undefined)),
    'Password.',
  ),
  ssl: optional(flag(), 'Encrypted.', false),
  auth_type: optional(choice(['anonymous', 'basic', 'negotiate', 'ntlm']), 'How to sign in.'),
})

function mapKeys<T extends MapType>(type: T) {
  return {
    id: optional(id(), 'A stored map.'),
    type: optional(choice([type]), `Always ${type}.`),
    name: optional(text({ most: 255, oneLine: true }), 'Name of the map.'),
    source: optional(mapSide, 'The source side.'),
    destination: optional(mapSide, 'The destination side.'),
    map_by: optional(mapBy, 'The automatic rules, tried after the exceptions.', { default: true }),
    unmapped_policy: optional(
      choice(['ignore', 'warn', 'add']),
      'Somebody unmapped: say nothing, warn, or make the account.',
      'warn',
    ),
    exceptions: optional(listOf(exception), 'Explicit pairs, tried before the rules.'),
    ldap: optional(
      block({ servers: optional(listOf(server, 100), 'Servers.') }),
      'Directories to ask with map_by.ldap.',
    ),
    created_on: optional(anything(), 'Read-only.'),
    modified_on: optional(anything(), 'Read-only.'),
    links: optional(anything(), 'Read-only.'),
  }
}

function mapSchema<T extends MapType>(type: T) {
  const { id: _id, ...keys } = mapKeys(type)
  return block({ id: optional(anything(), 'Read-only.'), ...keys }).transform((map, ctx) => {
    refuseRuleless(map, ctx)
    refuseContradictions(map, type, ctx)
    return { ...map, type }
  })
}

/** For `POST /v1/account_maps`. */
export const accountMapSchema = mapSchema('account_map')
/** For `POST /v1/group_maps`. */
export const groupMapSchema = mapSchema('group_map')

type AccountMap = z.output<typeof accountMapSchema>
type GroupMap = z.output<typeof groupMapSchema>
export type MapDocument = AccountMap | GroupMap

/** In a job: `{"id": "…"}`, or the map itself. */
function mapInJob<T extends MapType>(type: T) {
  const schema = block(mapKeys(type)).transform((given, ctx) => {
    const { id, ...map } = given
    const content = (['source', 'destination', 'map_by', 'unmapped_policy', 'exceptions', 'ldap'] as const).filter(
      (key) => map[key] !== undefined,
    )
    if (id !== undefined && content.length > 0)
      conflict(ctx, [], `is both the id of a stored map and a map itself (${content.join(', ')}): give one of the two`)
    if (id !== undefined) return { id, type }
    if (content.length === 0) conflict(ctx, [], 'names no map: it takes the id of a stored one, or the map itself')
    else refuseRuleless(map, ctx)
    refuseContradictions(map, type, ctx)
    return { ...map, type }
  })
  notes.add(schema, { json: { description: `{"id": "…", "type": "${type}"}, or the map itself.` } })
  return schema
}

export const accountMapInJob = mapInJob('account_map')
export const groupMapInJob = mapInJob('group_map')

function refuseRuleless(
  map: { map_by?: Record<string, unknown> | undefined; exceptions?: unknown[] | undefined },
  ctx: z.core.$RefinementCtx,
): void {
  if (map.map_by === undefined || Object.values(map.map_by).includes(true) || (map.exceptions?.length ?? 0) > 0) return
  conflict(
    ctx,
    ['map_by'],
    `maps nobody: at least one of ${Object.keys(shared).join(', ')} has to be true, or there have to be exceptions`,
  )
}

type Person = z.output<typeof principal>

interface Pairs {
  exceptions?: { source: Person; destination: Person }[] | undefined
  source?: z.output<typeof mapSide> | undefined
  destination?: z.output<typeof mapSide> | undefined
}

/** What would silently hold for nobody: a group among accounts, and one person sent to two. */
function refuseContradictions(map: Pairs, type: MapType, ctx: z.core.$RefinementCtx): void {
  const kind = type === 'account_map' ? 'account' : 'group'
  for (const { who, path } of everybody(map))
    if (who.type !== undefined && who.type !== kind)
      conflict(ctx, [...path, 'type'], `${who.type} is not ${kind}, and this map is about ${kind}s only`)

  const sentTo = new Map<string, { index: number; destination: string }>()
  for (const [index, { source, destination }] of (map.exceptions ?? []).entries()) {
    const from = identityOf(source)
    const to = identityOf(destination)
    const first = sentTo.get(from)
    if (first === undefined) sentTo.set(from, { index, destination: to })
    else if (first.destination !== to)
      conflict(
        ctx,
        ['exceptions', index, 'destination'],
        `differs from that of exceptions[${first.index}], whose source is the same: nobody can tell which is meant`,
      )
  }
}

function everybody({ exceptions = [], source, destination }: Pairs): { who: Person; path: PropertyKey[] }[] {
  const ends = { source, destination }
  return [
    ...exceptions.flatMap((pair, i) =>
      (['source', 'destination'] as const).map((side) => ({ who: pair[side], path: ['exceptions', i, side] })),
    ),
    ...(['source', 'destination'] as const).flatMap((side) => [
      ...(ends[side]?.default ? [{ who: ends[side].default, path: [side, 'default'] }] : []),
      ...(ends[side]?.exclusions ?? []).map(({ sid }, i) => ({ who: sid, path: [side, 'exclusions', i, 'sid'] })),
    ]),
  ]
}

/** Equal for two entries that name somebody by the same words, as maps compare them. */
function identityOf({ id, external_id, email, username, name, caption }: Person): string {
  return JSON.stringify([
    id,
    external_id,
    ...[email, username, name, caption].map((text) => text?.normalize('NFC').toLowerCase()),
  ])
}
