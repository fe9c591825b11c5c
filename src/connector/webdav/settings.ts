import type { SettingDescription } from '../connector.ts'
import { givenFor, settingProblems } from '../setting_problems.ts'

export interface WebdavSettings {
  /** The collection everything happens in, `root` included. */
  collection: URL
  username: string | undefined
  password: string | undefined
  token: string | undefined
  profile: 'generic' | 'svn'
  /** `stored`: when the server stored it. */
  times: 'properties' | 'stored'
  caFile: string | undefined
  insecure: boolean
  partBytes: number
  maxSegment: number | undefined
  timeoutMs: number
  connections: number
}

const mib = 1024 * 1024
const yesOrNo = ['true', 'false'] as const

export const settings: readonly SettingDescription[] = [
  {
    key: 'url',
    meaning: 'the address of a collection, https://host/path/; of a Subversion repository its own',
    required: true,
  },
  { key: 'root', meaning: 'a folder below it that everything happens in; else the collection itself' },
  { key: 'username', meaning: 'who logs in, by Digest where the server takes that, else by Basic' },
  { key: 'password', meaning: 'the password of that account', secret: true },
  { key: 'token', meaning: 'a bearer token, instead of username and password', secret: true },
  {
    key: 'profile',
    meaning: 'svn: a Subversion repository, written to in commits; else any WebDAV server',
    values: ['generic', 'svn'],
  },
  {
    key: 'times',
    meaning:
      'properties: times are carried along, as a property of each item; stored: when the server stored it, for servers that keep no properties',
    values: ['properties', 'stored'],
  },
  { key: 'ca_file', meaning: 'certificates of the authorities that may vouch for the server, as a PEM file' },
  { key: 'insecure', meaning: 'true: believe any certificate; for trials only', values: yesOrNo },
  {
    key: 'part_size',
    meaning:
      'up to how large a content waits in memory, and how much of a larger one goes in one request to Apache, in MiB: 1 to 64; else 8',
  },
  { key: 'max_segment', meaning: 'refuse names longer than this many bytes; else 255' },
  { key: 'timeout', meaning: 'after this many seconds without a byte the server counts as unreachable; else 60' },
  { key: 'connections', meaning: 'how many connections at once, per worker thread; else 32' },
  {
    key: 'impersonation',
    meaning: 'ignore: go on with the connection’s own account although a job asks for somebody',
    values: ['ignore'],
  },
]

/** One message per problem, each naming its key. */
export function problemsOf(given: Record<string, unknown>): string[] {
  const auth = withoutBooleans(given)
  const problems = settingProblems(auth, settings)
  const { url, root } = auth
  if (url !== undefined && url !== '' && !isCollection(url))
    problems.push('url: it is not https://host/path, without a user, a query or a fragment')
  if (root !== undefined && !isPath(root))
    problems.push(`root: ${givenFor('root', root)} is not names with slashes between them`)
  if ((auth['username'] === undefined) !== (auth['password'] === undefined))
    problems.push('password: username and password are given together or not at all')
  if (typeof auth['username'] === 'string' && auth['username'].includes(':'))
    problems.push('username: has a colon, which Basic has no way to say')
  if (auth['token'] !== undefined && auth['username'] !== undefined)
    problems.push('token: says the same as username; give one of them')
  for (const [key, most] of counts)
    if (auth[key] !== undefined && count(auth[key], most) === undefined)
      problems.push(`${key}: ${givenFor(key, auth[key])} is not a whole number from 1 to ${most}`)
  return problems
}

const counts = [
  ['part_size', 64],
  ['max_segment', 1024],
  ['timeout', 3600],
  ['connections', 1024],
] as const

/** Of `auth` without problems. */
export function settingsOf(given: Record<string, unknown>): WebdavSettings {
  const auth = withoutBooleans(given)
  const text = (key: string): string | undefined => {
    const value = auth[key]
    return value === undefined || value === null || value === '' ? undefined : String(value)
  }
  const collection = new URL(text('url') ?? '')
  const below = (text('root') ?? '').split('/').filter(Boolean).map(encodeURIComponent)
  collection.pathname = [collection.pathname.replace(/\/$/, ''), ...below, ''].join('/')
  return {
    collection,
    username: text('username'),
    password: text('password'),
    token: text('token'),
    profile: text('profile') === 'svn' ? 'svn' : 'generic',
    times: text('times') === 'stored' ? 'stored' : 'properties',
    caFile: text('ca_file'),
    insecure: text('insecure') === 'true',
    partBytes: (count(auth['part_size'], 64) ?? 8) * mib,
    maxSegment: count(auth['max_segment'], 1024),
    timeoutMs: (count(auth['timeout'], 3600) ?? 60) * 1000,
    connections: count(auth['connections'], 1024) ?? 32,
  }
}

/** JSON has words for yes and no. */
function withoutBooleans(auth: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(auth).map(([k, v]) => [k, typeof v === 'boolean' ? String(v) : v]))
}

function isCollection(value: unknown): boolean {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return false
  return url.search === '' && url.hash === '' && url.username === '' && url.password === ''
}

function isPath(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const inner = value.replace(/^\/|\/$/g, '')
  return inner === '' || inner.split('/').every((name) => !['', '.', '..'].includes(name))
}

function count(value: unknown, most: number): number | undefined {
  if (typeof value !== 'number' && !(typeof value === 'string' && /^\d{1,9}$/.test(value))) return undefined
  const n = Number(value)
  return Number.isSafeInteger(n) && n >= 1 && n <= most ? n : undefined
}
