import { acceptConnection } from '../../accept/connection.ts'
import { tryConnection } from '../../accept/try_connection.ts'
import type { Catalog, StoredConnection } from '../../catalog/catalog.ts'
import { isObject, toJson } from '../../json/json.ts'
import { Unacceptable } from '../../problem.ts'
import { printable, table } from '../../report/format.ts'
import { textOf } from '../../json/utf8.ts'
import { readDocument } from '../document_file.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { readAtMost } from '../read_at_most.ts'
import { withHome } from '../with_home.ts'

interface AddOptions extends CommonOptions {
  platform?: string
  name?: string
  set?: string[]
}

/** From a file as the API takes it, or from `--platform fs --set root=/data`. */
export async function addConnection(file: string | undefined, options: AddOptions, parts: CliParts): Promise<ExitCode> {
  const given = file === undefined ? {} : await readDocument(file, parts.terminal)
  const set = await settings(options.set ?? [])
  const { auth: its = {} } = given
  const auth = isObject(its) ? { ...its, ...set } : its
  const body = {
    ...given,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.platform === undefined ? {} : { platform: { id: options.platform } }),
    auth,
  }
  return withHome({ ...options, make: true }, parts, async ({ catalog }) => {
    const connection = await acceptConnection(body, catalog)
    if (options.json === true) parts.terminal.out(toJson(shown(connection)))
    else parts.terminal.out(`${connection.id}  ${printable(connection.name)}`)
    return ExitCode.done
  })
}

export async function listConnections(options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog }) => {
    const connections = await all(catalog)
    if (options.json === true) for (const connection of connections) parts.terminal.out(toJson(shown(connection)))
    else {
      if (connections.length === 0)
        parts.terminal.err(`There are no connections here. \`${parts.typed} connection add\` makes one.`)
      const rows = connections.map(({ id, platform, disabled, name }) => [
        id,
        platform,
        disabled ? 'disabled' : '',
        printable(name),
      ])
      for (const line of table(rows)) parts.terminal.out(line)
    }
    return ExitCode.done
  })
}

/** Opens it, and says what it cannot do here. */
export async function testConnection(name: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog }) => {
    const connection = await theConnection(name, catalog)
    const tried = await tryConnection(connection.id, catalog)
    if (options.json === true) parts.terminal.out(toJson({ ...shown(connection), ...tried }))
    else if (tried.works) {
      parts.terminal.out(`${printable(connection.name)} works.`)
      for (const note of tried.notes) parts.terminal.out(`  ${note.capability}: ${note.why}`)
    } else parts.terminal.err(`${printable(connection.name)} does not work: ${tried.why} (${tried.code})`)
    return tried.works ? ExitCode.done : ExitCode.failed
  })
}

/** `key=value`; `key=@file` takes the value from a file, so that a secret is on no command line. */
async function settings(given: readonly string[]): Promise<Record<string, unknown>> {
  const entries = await Promise.all(
    given.map(async (setting) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(setting) ?? []
      if (key === undefined || value === undefined)
        throw new Unacceptable([
          { code: 'invalid', description: `--set ${setting}: write it as key=value, or key=@file` },
        ])
      return [key, value.startsWith('@') ? await contentOf(value.slice(1), key) : plain(value)]
    }),
  )
  return Object.fromEntries(entries)
}

/** The first line feed at the end is the editor's. */
async function contentOf(file: string, key: string): Promise<string> {
  try {
    return textOf(await readAtMost(file)).replace(/\r?\n$/, '')
  } catch (error) {
    throw new Unacceptable([{ code: 'invalid', description: `--set ${key}=@${file}: ${(error as Error).message}` }])
  }
}

function plain(value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true'
  return /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value
}

async function theConnection(name: string, catalog: Catalog): Promise<StoredConnection> {
  const byId = await catalog.connections.get(name)
  if (byId) return byId
  const found = (await all(catalog)).filter((c) => c.name === name || (name.length >= 6 && c.id.startsWith(name)))
  const [only] = found
  if (only && found.length === 1) return only
  const why =
    found.length === 0 ? 'there is no such connection' : `${found.length} connections are called so; give the id`
  throw new Unacceptable([{ code: 'unknown_id', description: `${JSON.stringify(name)}: ${why}` }])
}

async function all(catalog: Catalog): Promise<StoredConnection[]> {
  const connections: StoredConnection[] = []
  for (;;) {
    const page = await catalog.connections.list({ offset: connections.length, limit: 1_000 })
    connections.push(...page.rows)
    if (page.rows.length === 0 || connections.length >= page.total) return connections
  }
}

function shown({ id, name, platform, auth, disabled }: StoredConnection): Record<string, unknown> {
  return { id, name, platform: { id: platform }, auth, disabled }
}
