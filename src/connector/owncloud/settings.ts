import type { SettingDescription } from '../connector.ts'
import { givenFor, settingProblems } from '../setting_problems.ts'

export const dialects = ['ocis', 'owncloud10', 'nextcloud'] as const
export type Dialect = (typeof dialects)[number]

export interface OwncloudSettings {
  /** Perhaps with a path, where the server is below one. */
  url: URL
  dialect: Dialect
  username: string | undefined
  password: string | undefined
  token: string | undefined
  space: string | undefined
  /** Names from the space down. */
  root: string[]
  caFile: string | undefined
  insecure: boolean
  partBytes: number
  timeoutMs: number
  connections: number
}

const mib = 1024 * 1024
const yesOrNo = ['true', 'false'] as const

export const settings: readonly SettingDescription[] = [
  {
    key: 'url',
    meaning: 'the server’s address, https://host, with the path that it is below of, if there is one',
    required: true,
  },
  {
    key: 'dialect',
    meaning: 'which server it is: ocis (Infinite Scale) when left out, owncloud10, nextcloud',
    values: dialects,
  },
  { key: 'username', meaning: 'who; with owncloud10 and nextcloud also beside a token, as part of the paths' },
  { key: 'password', meaning: 'the password of that account, or one made for an app', secret: true },
  { key: 'token', meaning: 'a bearer token instead of a password', secret: true },
  {
    key: 'space',
    meaning: 'of Infinite Scale, the space by its alias (project/…), id or name; the account’s own when left out',
  },
  { key: 'root', meaning: 'the folder everything happens in; the whole space when left out' },
  { key: 'ca_file', meaning: 'certificates of the authorities that may vouch for the server, as a PEM file' },
  { key: 'insecure', meaning: 'true: believe any certificate; for trials only', values: yesOrNo },
  { key: 'part_size', meaning: 'how much of a large file goes in one request, in MiB: 1 to 1024; else 10' },
  { key: 'timeout', meaning: 'after this many seconds without a byte the server counts as unreachable; else 60' },
  { key: 'connections', meaning: 'how many connections at once, per worker thread; else 64' },
  {
    key: 'impersonation',
    meaning: 'ignore: go on with the connection’s own account although a job asks for somebody',
    values: ['ignore'],
  },
]

const counts = { part_size: 1024, timeout: 3600, connections: 1024 } as const

/** One message per problem, each naming its key. */
export function problemsOf(given: Record<string, unknown>): string[] {
  const auth = withoutBooleans(given)
  const problems = settingProblems(auth, settings)
  const { url, dialect = 'ocis', username, password, token, space, root } = auth
  if (url !== undefined && !isServer(url))
    problems.push('url: it is not https://host, perhaps with a port and a path, and nothing behind it')
  if (token === undefined && (username === undefined || password === undefined))
    problems.push('token: either it is given, or username and password')
  if (token !== undefined && password !== undefined) problems.push('token: says the same as password; give one of them')
  if (dialect !== 'ocis' && username === undefined)
    problems.push(`username: it is needed with dialect ${String(dialect)}`)
  if (dialect !== 'ocis' && space !== undefined) problems.push('space: only Infinite Scale (dialect ocis) has spaces')
  if (root !== undefined && !namesIn(root))
    problems.push(`root: ${givenFor('root', root)} is not names with slashes between them`)
  for (const key of ['username', 'password', 'token', 'space', 'ca_file'])
    if (auth[key] !== undefined && typeof auth[key] !== 'string')
      problems.push(`${key}: ${givenFor(key, auth[key])} is not text`)
  for (const [key, most] of Object.entries(counts))
    if (auth[key] !== undefined && count(auth[key], most) === undefined)
      problems.push(`${key}: ${givenFor(key, auth[key])} is not a whole number from 1 to ${most}`)
  return problems
}

/** Of `auth` without problems. */
export function settingsOf(given: Record<string, unknown>): OwncloudSettings {
  const auth = withoutBooleans(given)
  const text = (key: string): string | undefined => {
    const value = auth[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  return {
    url: new URL(text('url') ?? ''),
    dialect: dialects.find((one) => one === text('dialect')) ?? 'ocis',
    username: text('username'),
    password: text('password'),
    token: text('token'),
    space: text('space'),
    root: namesIn(text('root') ?? '') ?? [],
    caFile: text('ca_file'),
    insecure: text('insecure') === 'true',
    partBytes: (count(auth['part_size'], counts.part_size) ?? 10) * mib,
    timeoutMs: (count(auth['timeout'], counts.timeout) ?? 60) * 1000,
    connections: count(auth['connections'], counts.connections) ?? 64,
  }
}

/** JSON has words for yes and no. */
function withoutBooleans(auth: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(auth).map(([k, v]) => [k, typeof v === 'boolean' ? String(v) : v]))
}

function namesIn(path: unknown): string[] | undefined {
  if (typeof path !== 'string') return undefined
  const names = path.replace(/^\/|\/$/g, '').split('/')
  if (names.join('') === '') return []
  return names.some((name) => ['', '.', '..'].includes(name)) ? undefined : names
}

function isServer(value: unknown): boolean {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return false
  return url.search === '' && url.hash === '' && url.username === ''
}

function count(value: unknown, most: number): number | undefined {
  if (typeof value !== 'number' && !(typeof value === 'string' && /^\d{1,9}$/.test(value))) return undefined
  const n = Number(value)
  return Number.isSafeInteger(n) && n >= 1 && n <= most ? n : undefined
}
