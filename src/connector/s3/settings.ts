import type { SettingDescription } from '../connector.ts'
import { givenFor, settingProblems } from '../setting_problems.ts'

export interface S3Settings {
  bucket: string
  /** Empty, or ends with a slash. */
  prefix: string
  region: string | undefined
  /** Without a slash at its end. */
  endpoint: URL | undefined
  pathStyle: boolean
  keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined
  profile: string | undefined
  storageClass: string | undefined
  encryption: { algorithm: 'AES256' | 'aws:kms'; key?: string } | undefined
  caFile: string | undefined
  insecure: boolean
  /** `stored`: when the server stored it; saves looking at each item. */
  times: 'metadata' | 'stored'
  checksums: 'crc32' | 'md5'
  partBytes: number
  maxSegment: number | undefined
  timeoutMs: number
  connections: number
}

const mib = 1024 * 1024
const yesOrNo = ['true', 'false'] as const

export const settings: readonly SettingDescription[] = [
  { key: 'bucket', meaning: 'the bucket', required: true },
  {
    key: 'prefix',
    meaning: 'what the keys of this connection begin with, up to a slash; nothing outside it is touched',
  },
  { key: 'region', meaning: 'the region of the bucket; else from the environment or the profile, else us-east-1' },
  { key: 'endpoint', meaning: 'the address of a server that speaks S3, https://host:port; else Amazon’s own' },
  {
    key: 'path_style',
    meaning: 'true: the bucket in the path, false: in the host name; else in the path at an endpoint that is given',
    values: yesOrNo,
  },
  {
    key: 'access_key',
    meaning: 'who; without it, what the environment, the profile or the machine has for credentials',
    secret: true,
  },
  { key: 'secret_key', meaning: 'the secret that belongs to access_key', secret: true },
  { key: 'session_token', meaning: 'with temporary credentials, their token', secret: true },
  { key: 'profile', meaning: 'the name of a profile in the AWS configuration of the worker’s account' },
  { key: 'storage_class', meaning: 'of what is written: STANDARD_IA, GLACIER_IR, …' },
  { key: 'sse', meaning: 'how the server encrypts what is written', values: ['AES256', 'aws:kms'] },
  { key: 'sse_kms_key_id', meaning: 'with sse aws:kms, the key' },
  { key: 'ca_file', meaning: 'certificates of the authorities that may vouch for the server, as a PEM file' },
  { key: 'insecure', meaning: 'true: believe any certificate; for trials only', values: yesOrNo },
  {
    key: 'times',
    meaning:
      'metadata: the times that were carried along, asked for item by item; stored: when the server stored it, which listings tell',
    values: ['metadata', 'stored'],
  },
  { key: 'checksums', meaning: 'md5 for servers that know no other checksum of a part', values: ['crc32', 'md5'] },
  { key: 'part_size', meaning: 'how much of a large file goes in one request, in MiB: 5 to 5120; else 8' },
  { key: 'max_segment', meaning: 'refuse names longer than this many bytes, for servers that keep files' },
  { key: 'timeout', meaning: 'after this many seconds without a byte the server counts as unreachable; else 60' },
  { key: 'connections', meaning: 'how many connections at once, per worker thread; else 64' },
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
  const { bucket, prefix, endpoint } = auth
  if (bucket !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._:-]{1,253}[A-Za-z0-9]$/.test(String(bucket)))
    problems.push(`bucket: ${givenFor('bucket', bucket)} is no name of a bucket`)
  if (prefix !== undefined && !isPrefix(prefix))
    problems.push(`prefix: ${givenFor('prefix', prefix)} is not names with slashes between them`)
  if (endpoint !== undefined && !isEndpoint(endpoint))
    problems.push('endpoint: it is not https://host, perhaps with a port, and nothing behind it')
  if ((auth['access_key'] === undefined) !== (auth['secret_key'] === undefined))
    problems.push('secret_key: access_key and secret_key are given together or not at all')
  if (auth['session_token'] !== undefined && auth['access_key'] === undefined)
    problems.push('session_token: it belongs to an access_key')
  if (auth['profile'] !== undefined && auth['access_key'] !== undefined)
    problems.push('profile: says the same as access_key; give one of them')
  if (auth['sse_kms_key_id'] !== undefined && auth['sse'] !== 'aws:kms')
    problems.push('sse_kms_key_id: it belongs to sse aws:kms')
  for (const [key, most] of [
    ['part_size', 5120],
    ['max_segment', 1024],
    ['timeout', 3600],
    ['connections', 1024],
  ] as const) {
    const least = key === 'part_size' ? 5 : 1
    if (auth[key] !== undefined && count(auth[key], least, most) === undefined)
      problems.push(`${key}: ${givenFor(key, auth[key])} is not a whole number from ${least} to ${most}`)
  }
  return problems
}

/** Of `auth` without problems. */
export function settingsOf(given: Record<string, unknown>): S3Settings {
  const auth = withoutBooleans(given)
  const text = (key: string): string | undefined => {
    const value = auth[key]
    return value === undefined || value === null || value === '' ? undefined : String(value)
  }
  const endpoint = text('endpoint')
  const prefix = (text('prefix') ?? '').replace(/^\/|\/$/g, '')
  const accessKeyId = text('access_key')
  const sessionToken = text('session_token')
  const sse = text('sse')
  const key = text('sse_kms_key_id')
  return {
    bucket: text('bucket') ?? '',
    prefix: prefix === '' ? '' : `${prefix}/`,
    region: text('region'),
    endpoint: endpoint === undefined ? undefined : new URL(endpoint),
    pathStyle: text('path_style') === undefined ? endpoint !== undefined : text('path_style') === 'true',
    keys:
      accessKeyId === undefined
        ? undefined
        : {
            accessKeyId,
            secretAccessKey: text('secret_key') ?? '',
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
    profile: text('profile'),
    storageClass: text('storage_class'),
    encryption:
      sse === undefined
        ? undefined
        : { algorithm: sse === 'aws:kms' ? 'aws:kms' : 'AES256', ...(key === undefined ? {} : { key }) },
    caFile: text('ca_file'),
    insecure: text('insecure') === 'true',
    times: text('times') === 'stored' ? 'stored' : 'metadata',
    checksums: text('checksums') === 'md5' ? 'md5' : 'crc32',
    partBytes: (count(auth['part_size'], 5, 5120) ?? 8) * mib,
    maxSegment: count(auth['max_segment'], 1, 1024),
    timeoutMs: (count(auth['timeout'], 1, 3600) ?? 60) * 1000,
    connections: count(auth['connections'], 1, 1024) ?? 64,
  }
}

/** JSON has words for yes and no. */
function withoutBooleans(auth: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(auth).map(([k, v]) => [k, typeof v === 'boolean' ? String(v) : v]))
}

function isPrefix(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const inner = value.replace(/^\/|\/$/g, '')
  return inner === '' || inner.split('/').every((name) => !['', '.', '..'].includes(name))
}

function isEndpoint(value: unknown): boolean {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return false
  return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
}

function count(value: unknown, least: number, most: number): number | undefined {
  if (typeof value !== 'number' && !(typeof value === 'string' && /^\d{1,9}$/.test(value))) return undefined
  const n = Number(value)
  return Number.isSafeInteger(n) && n >= least && n <= most ? n : undefined
}
