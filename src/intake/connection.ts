import type { Catalog, StoredConnection } from '../catalog/catalog.ts'
import { connectorFor, isPlatform, platforms } from '../connector/registry.ts'
import { pathText } from '../job/problem.ts'
import { isObject } from '../json/json.ts'
import { holdsSecret } from '../secret/secret_text.ts'
import { shown, withoutUserInfo } from '../secret/shown.ts'
import { Unacceptable, type Problem } from '../problem.ts'

/** A connection as checked, not stored yet: what is secret is apart from what may be shown. */
export interface CheckedConnection {
  /** Absent: named after its platform and address when it is stored. */
  name: string | undefined
  platform: string
  auth: Record<string, unknown>
  secrets: Record<string, string>
  disabled: boolean
}

const known = ['id', 'type', 'name', 'platform', 'auth', 'disabled', 'links', '$schema']
const maxName = 255

/**
 * Stores a connection given as `{ name, platform: { id }, auth, disabled }`.
 *
 * @throws Unacceptable with every problem found
 */
export async function acceptConnection(body: Record<string, unknown>, catalog: Catalog): Promise<StoredConnection> {
  const checked = checkConnection(body)
  if ('problems' in checked) throw new Unacceptable(checked.problems)
  return storeConnection(checked.connection, catalog)
}

export function storeConnection(connection: CheckedConnection, catalog: Catalog): Promise<StoredConnection> {
  return catalog.connections.create({ ...connection, name: connection.name ?? defaultName(connection) })
}

/** Looks at it without storing it or touching the platform. @param at JSON path of it in the body it came in */
export function checkConnection(
  body: Record<string, unknown>,
  at = '',
): { connection: CheckedConnection } | { problems: Problem[] } {
  const problems: Problem[] = []
  const wrong = (property: string, description: string): void => {
    problems.push({
      code: 'invalid',
      property: at === '' ? property : `${at}.${property}`,
      description: withoutUserInfo(description),
    })
  }
  for (const key of Object.keys(body))
    if (!known.includes(key)) wrong(pathText([key]), `a connection has no such key; its settings are keys of auth`)

  const { name, disabled = false, auth = {} } = body
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '' || name.length > maxName))
    wrong('name', `${shown(name)} is not a text of 1 to ${maxName} characters`)
  if (typeof disabled !== 'boolean') wrong('disabled', `${shown(disabled)} is not true or false`)

  const given = platformOf(body.platform)
  if (given === undefined || !isPlatform(given)) {
    const ids = platforms().map((p) => p.platform)
    wrong(
      'platform.id',
      given === undefined ? `is missing; one of ${ids.join(', ')}` : `${shown(given)} is not one of ${ids.join(', ')}`,
    )
    return { problems }
  }
  // By whatever name: what is stored has the platform's own.
  const { platform, check } = connectorFor(given)
  if (!isObject(auth)) {
    // Perhaps a connection string, with a password in it.
    wrong('auth', 'what was given is not an object')
    return { problems }
  }
  if (Object.keys(auth).some(holdsSecret)) {
    wrong('auth', 'has a key that holds a secret; a secret is the value of a setting')
    return { problems }
  }
  for (const message of check(auth)) {
    const [, key, rest] = /^(\w+): (.*)$/s.exec(message) ?? []
    if (key === undefined || rest === undefined) wrong('auth', message)
    else wrong(`auth.${key}`, rest)
  }
  if (problems.length > 0) return { problems }
  return {
    connection: {
      name: name as string | undefined,
      platform,
      ...parted(platform, auth),
      disabled: disabled as boolean,
    },
  }
}

/** Whether a stored connection is the one given; secrets count too. */
export async function sameConnection(
  id: string,
  given: CheckedConnection,
  catalog: Catalog,
): Promise<'same' | 'other platform' | 'other settings'> {
  const stored = await catalog.connections.reveal(id)
  if (stored?.platform !== given.platform) return 'other platform'
  return canonical(stored.auth) === canonical({ ...given.auth, ...given.secrets }) ? 'same' : 'other settings'
}

/** `fs /data` */
export function defaultName({ platform, auth }: { platform: string; auth: Record<string, unknown> }): string {
  const address = ['root', 'path', 'uri', 'unc', 'url', 'bucket']
    .map((key) => auth[key])
    .find((v) => typeof v === 'string')
  const where = address === undefined ? '' : ` ${withoutUserInfo(address as string)}`
  return `${connectorFor(platform).name}${where}`.slice(0, maxName)
}

function platformOf(given: unknown): string | undefined {
  const id = isObject(given) ? given.id : given
  return typeof id === 'string' ? id : undefined
}

function parted(platform: string, auth: Record<string, unknown>): Pick<CheckedConnection, 'auth' | 'secrets'> {
  const secret = new Set(connectorFor(platform).settings.flatMap((s) => (s.secret ? [s.key] : [])))
  const entries = Object.entries(auth)
  return {
    auth: Object.fromEntries(entries.filter(([key]) => !secret.has(key))),
    secrets: Object.fromEntries(entries.filter(([key]) => secret.has(key)).map(([key, value]) => [key, String(value)])),
  }
}

/** Equal for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    isObject(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v,
  )
}
