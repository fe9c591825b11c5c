import { readSid, type Sid } from './sid.ts'

/** How automatic rules find somebody, in the order they are tried. */
export const mapRules = ['id', 'email', 'username', 'name'] as const
export type MapRule = (typeof mapRules)[number]

/** An account or group map, ready to answer. Plain data. */
export interface CompiledMap {
  type: 'account' | 'group'
  rules: readonly MapRule[]
  exceptions: readonly { source: Sid; destination: Sid }[]
  exclusions: { source: readonly Sid[]; destination: readonly Sid[] }
  /** Who owns what nobody else can. Never receives grants (brake 8). */
  fallback: Sid | undefined
  unmappedPolicy: 'ignore' | 'warn'
}

/**
 * Compiles a map as it was checked and stored, or the default rules when the job names none.
 *
 * @see reference: maps-filters-connections 3.2 and 3.3
 */
export function compileMap(document: Record<string, unknown> | undefined, type: 'account' | 'group'): CompiledMap {
  const map = document ?? {}
  const by = object(map.map_by)
  const on = Object.keys(by).length === 0 ? { default: true } : by
  const says = (...keys: string[]): boolean =>
    keys.some((key) => truth(on[key]) === true) ||
    (truth(on.default) === true && keys.every((key) => truth(on[key]) !== false))
  const rules: MapRule[] = []
  if (says('id')) rules.push('id')
  if (says('email')) rules.push('email')
  if (type === 'account' && says('username')) rules.push('username')
  // A directory states one name per principal: the platform's and the displayed one are asked for alike.
  if (says('name') || says('caption') || says('displayname')) rules.push('name')

  const source = object(map.source)
  const destination = object(map.destination)
  return {
    type,
    rules,
    exceptions: list(map.exceptions).flatMap((row) => {
      const [from, to] = [readSid(object(row).source), readSid(object(row).destination)]
      return from && to ? [{ source: from, destination: to }] : []
    }),
    exclusions: { source: excluded(source.exclusions), destination: excluded(destination.exclusions) },
    fallback: readSid(destination.default),
    unmappedPolicy: map.unmapped_policy === 'ignore' ? 'ignore' : 'warn',
  }
}

/** Rows as `{sid: {…}}`, or the identifier itself. */
function excluded(rows: unknown): Sid[] {
  return list(rows).flatMap((row) => readSid(object(row).sid ?? row) ?? [])
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function truth(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}
