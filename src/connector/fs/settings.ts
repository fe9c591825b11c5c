import type { SettingDescription } from '../connector.ts'
import type { Limit } from '../capabilities.ts'
import { givenFor, settingProblems } from '../setting_problems.ts'

export interface FsSettings {
  root: string
  names: 'posix' | 'windows'
  maxBytes?: bigint
  maxSegment?: Limit
  symlinks: 'keep' | 'follow'
  directory: string
  /** Whose place it is. */
  account?: string
  /** A job may name somebody who is nobody here. */
  ignoresImpersonation: boolean
  readOnly: boolean
}

export const settings: readonly SettingDescription[] = [
  {
    key: 'root',
    meaning: 'the folder that the connection is; nothing outside it is ever touched (also: path)',
    required: true,
  },
  { key: 'names', meaning: 'which names are allowed: all, or those that Windows takes', values: ['posix', 'windows'] },
  { key: 'max_size', meaning: 'refuse files larger than this many bytes' },
  { key: 'max_segment', meaning: 'refuse longer names: bytes, or UTF-16 units with names windows' },
  {
    key: 'symlinks',
    meaning: 'carry symbolic links as links, or what they lead to inside the root',
    values: ['keep', 'follow'],
  },
  { key: 'directory', meaning: "who uids and gids are: host for this machine's accounts, or a JSON or CSV file" },
  {
    key: 'account',
    meaning: 'whose place it is, by login, e-mail, name or number: what belongs to others is shared (filter_shared)',
  },
  {
    key: 'impersonation',
    meaning: "ignore: run as the worker's account although a job asks for somebody else",
    values: ['ignore'],
  },
  { key: 'read_only', meaning: 'true: refuse every write' },
  {
    key: 'root_may_change',
    meaning: 'true: each run may find another root here, as a new snapshot; what was recorded holds by path (sources)',
  },
]

/** One message per problem, each naming its key. */
export function problemsOf(auth: Record<string, unknown>): string[] {
  const problems = settingProblems(withoutAlias(auth), settings)
  const root = auth['root'] ?? auth['path']
  if (
    root !== undefined &&
    (typeof root !== 'string' || !root.startsWith('/') || root.includes('\0')) &&
    !isDrive(root)
  )
    problems.push(`root: ${givenFor('root', root)} is not an absolute path`)
  if (auth['root'] !== undefined && auth['path'] !== undefined)
    problems.push('path: says the same as root; give one of them')
  for (const key of ['max_size', 'max_segment'] as const)
    if (auth[key] !== undefined && count(auth[key]) === undefined)
      problems.push(`${key}: ${givenFor(key, auth[key])} is not a whole number above 0`)
  const directory = auth['directory']
  if (directory !== undefined && (typeof directory !== 'string' || directory === ''))
    problems.push(`directory: ${givenFor('directory', directory)} is neither host nor the path of a file`)
  const account = auth['account']
  if (account !== undefined && (typeof account !== 'string' || account === '') && !isUid(account))
    problems.push(`account: ${givenFor('account', account)} names nobody`)
  for (const key of ['read_only', 'root_may_change'] as const)
    if (auth[key] !== undefined && !/^(true|false)$/.test(String(auth[key])))
      problems.push(`${key}: ${givenFor(key, auth[key])} is neither true nor false`)
  return problems
}

/** Of `auth` without problems. */
export function settingsOf(auth: Record<string, unknown>): FsSettings {
  const names = auth['names'] === 'windows' ? 'windows' : 'posix'
  const maxBytes = count(auth['max_size'])
  const maxSegment = count(auth['max_segment'])
  return {
    root: String(auth['root'] ?? auth['path']),
    names,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxSegment === undefined
      ? {}
      : {
          maxSegment:
            names === 'windows'
              ? { n: Number(maxSegment), unit: 'utf16' }
              : { n: Number(maxSegment), unit: 'bytes', escapes: true },
        }),
    symlinks: auth['symlinks'] === 'follow' ? 'follow' : 'keep',
    directory: String(auth['directory'] ?? 'host'),
    ...(auth['account'] === undefined ? {} : { account: String(auth['account']) }),
    ignoresImpersonation: auth['impersonation'] === 'ignore',
    readOnly: String(auth['read_only']) === 'true',
  }
}

function withoutAlias({ path, ...auth }: Record<string, unknown>): Record<string, unknown> {
  return path === undefined ? auth : { root: path, ...auth }
}

function isUid(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isDrive(root: unknown): boolean {
  return process.platform === 'win32' && typeof root === 'string' && /^[a-z]:[\\/]/i.test(root)
}

function count(value: unknown): bigint | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return BigInt(value)
  if (typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value)) return BigInt(value)
  return undefined
}
