import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Directory, PrincipalQuery } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Principal } from '../item.ts'
import { errno } from '../local/trouble.ts'

/**
 * Who the numbers on files are. By default this host's passwd and group files; for storage that another system's accounts
 * own, a file. JSON is an array of rows, CSV has a header line; each row has these columns, all but the number optional:
 *
 * | `uid` or `gid` | the number; with `uid` the row is an account (its `gid` is then its main group), else a group |
 * | `email` `username` `name` | who it is |
 * | `disabled` | `true`: never matched by a map; `false` or nothing; in any case of letters, as spreadsheets write it |
 * | `groups` | the account's groups, for the reader; not looked at |
 *
 * Two connections share a directory when they name the same file, or the same host.
 */
export class IdDirectory implements Directory {
  readonly name: string
  readonly #principals: Principal[] = []
  readonly #byId = { account: new Map<number, Principal>(), group: new Map<number, Principal>() }

  constructor(name: string, rows: readonly DirectoryRow[]) {
    this.name = name
    for (const { type, id, ...rest } of rows) {
      if (this.#byId[type].has(id)) continue
      const principal: Principal = { type, directory: name, id: String(id), ...rest }
      this.#byId[type].set(id, principal)
      this.#principals.push(principal)
    }
  }

  /** Who a number is; somebody nobody knows still has their number. */
  of(type: Principal['type'], id: number): Principal {
    let principal = this.#byId[type].get(id)
    if (!principal) this.#byId[type].set(id, (principal = { type, directory: this.name, id: String(id) }))
    return principal
  }

  find(query: PrincipalQuery): Principal[] {
    return this.#principals.filter(
      (p) =>
        p.type === query.type &&
        (query.id === undefined || p.id === query.id) &&
        same(query.email, p.email) &&
        same(query.username, p.username) &&
        same(query.name, p.name),
    )
  }
}

/**
 * The one account that a setting means, by number, login, e-mail or name.
 *
 * @throws ConnectorError `Misconfigured` when it is nobody, or more than one
 */
export function accountNamed(directory: IdDirectory, said: string): Principal {
  if (/^\d+$/.test(said)) return directory.of('account', Number(said))
  for (const key of ['username', 'email', 'name'] as const) {
    const [one, ...others] = directory.find({ type: 'account', [key]: said })
    if (others.length > 0)
      throw new ConnectorError('Misconfigured', `account: ${others.length + 1} accounts are ${said}`)
    if (one) return one
  }
  throw new ConnectorError('Misconfigured', `account: ${JSON.stringify(said)} is no account here`)
}

interface DirectoryRow {
  type: Principal['type']
  id: number
  email?: string
  username?: string
  name?: string
  disabled?: boolean
}

const loaded = new Map<string, IdDirectory>()

/**
 * @param setting `host`, or the path of a file
 * @throws ConnectorError `Misconfigured` when the file is missing or says something else
 */
export function directoryFor(setting: string): IdDirectory {
  const known = loaded.get(setting)
  if (known && setting === 'host') return known
  const directory = setting === 'host' ? hostDirectory() : fileDirectory(setting)
  loaded.set(setting, directory)
  return directory
}

function hostDirectory(): IdDirectory {
  const rows: DirectoryRow[] = []
  for (const [username, , uid, , gecos] of table('/etc/passwd')) {
    const name = gecos?.split(',', 1)[0]
    if (username && isId(uid)) rows.push({ type: 'account', id: Number(uid), username, ...(name ? { name } : {}) })
  }
  for (const [name, , gid] of table('/etc/group'))
    if (name && isId(gid)) rows.push({ type: 'group', id: Number(gid), username: name, name })
  return new IdDirectory(`host:${hostIdentity()}`, rows)
}

/** Two machines called localhost are not one; two processes of one machine are. */
function hostIdentity(): string {
  const machine = text('/etc/machine-id').trim()
  return machine === '' ? hostname() : `${hostname()}-${createHash('sha256').update(machine).digest('hex').slice(0, 8)}`
}

function table(path: string): string[][] {
  return text(path)
    .split('\n')
    .map((line) => line.split(':'))
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function fileDirectory(path: string): IdDirectory {
  let content: string
  let real: string
  try {
    real = realpathSync(path)
    // Spreadsheets put a byte order mark in front.
    content = readFileSync(real, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    throw misread(path, `cannot be read (${errno(error) ?? 'unknown error'})`)
  }
  const raw = content.trimStart().startsWith('[') ? jsonRows(path, content) : csvRows(path, content)
  return new IdDirectory(
    `file:${real}`,
    raw.map((row, i) => toRow(path, row, i + 1)),
  )
}

function jsonRows(path: string, content: string): Record<string, unknown>[] {
  try {
    const rows: unknown = JSON.parse(content)
    if (Array.isArray(rows) && rows.every((r) => typeof r === 'object' && r !== null)) return rows
  } catch (error) {
    throw misread(path, error instanceof Error ? error.message : String(error))
  }
  throw misread(path, 'is not an array of rows')
}

function csvRows(path: string, content: string): Record<string, unknown>[] {
  const lines = content.split(/\r?\n/).filter((line) => line.trim() !== '')
  const [header, ...rows] = lines.map(cells)
  if (!header || !(header.includes('uid') || header.includes('gid')))
    throw misread(path, 'has no header line with a uid or gid column')
  return rows.map((row) => Object.fromEntries(header.map((key, i) => [key, row[i] ?? ''])))
}

/** One line of CSV; quotes hold commas, doubled quotes are one. */
function cells(line: string): string[] {
  const found: string[] = []
  const cell = /\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(?:,|$)/y
  while (cell.lastIndex < line.length || line.endsWith(',')) {
    const [whole = '', quoted, plain = ''] = cell.exec(line) ?? []
    found.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'))
    if (!whole.endsWith(',')) break
  }
  return found
}

function toRow(path: string, raw: Record<string, unknown>, number: number): DirectoryRow {
  const type = raw['uid'] === undefined || raw['uid'] === '' ? 'group' : 'account'
  const id = type === 'account' ? raw['uid'] : raw['gid']
  if (!isId(id)) throw misread(path, `row ${number} has no usable uid or gid: ${JSON.stringify(id)}`)
  const row: DirectoryRow = { type, id: Number(id) }
  for (const key of ['email', 'username', 'name'] as const) {
    const value = raw[key]
    if (typeof value === 'string' && value !== '') row[key] = value
  }
  if (isDisabled(path, raw['disabled'], number)) row.disabled = true
  return row
}

/** Taking a word that is not understood for "no" would let a map match somebody who left. */
function isDisabled(path: string, value: unknown, number: number): boolean {
  const word = String(value ?? '').toLowerCase()
  if (word === 'true') return true
  if (word === 'false' || word === '') return false
  throw misread(path, `row ${number}: disabled is ${JSON.stringify(value)}, neither true nor false`)
}

function isId(value: unknown): boolean {
  const id = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 0xffffffff
}

function misread(path: string, why: string): ConnectorError {
  return new ConnectorError('Misconfigured', `directory: ${path} ${why}`)
}

function same(wanted: string | undefined, has: string | undefined): boolean {
  return wanted === undefined || wanted.toLowerCase() === has?.toLowerCase()
}
