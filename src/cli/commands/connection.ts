import { acceptConnection } from '../../intake/connection.ts'
import { connectionWarnings, deleteConnection, editConnection } from '../../intake/edit_connection.ts'
import { tryConnection } from '../../intake/try_connection.ts'
import type { Catalog, StoredConnection } from '../../catalog/catalog.ts'
import { isObject, toJson } from '../../json/json.ts'
import { Unacceptable } from '../../problem.ts'
import { printable, table } from '../../report/format.ts'
import { readDocument } from '../document_file.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { settings, type ChangeOptions } from '../settings.ts'
import { tellWarnings } from '../tell_warnings.ts'
import { toldChange } from '../told_change.ts'
import { withHome } from '../with_home.ts'

interface AddOptions extends CommonOptions {
  platform?: string
  name?: string
  set?: string[]
}

type EditOptions = CommonOptions & ChangeOptions

/** From a file as the API takes it, or from `--platform fs --set root=/data`. */
export async function addConnection(file: string | undefined, options: AddOptions, parts: CliParts): Promise<ExitCode> {
  const given = file === undefined ? {} : await readDocument(file, parts.terminal)
  const set = await settings(options.set)
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
    tellWarnings(await connectionWarnings(connection, catalog), parts.terminal)
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

/** What is left out stays; a setting's value may come from a file. */
export async function changeConnection(
  which: string,
  file: string | undefined,
  options: EditOptions,
  parts: CliParts,
): Promise<ExitCode> {
  const change = await toldChange(file, options, parts.terminal, 'auth')
  return withHome(options, parts, async ({ catalog }) => {
    const stored = await theConnection(which, catalog)
    const { connection, warnings } = await editConnection(stored, change, catalog)
    tellWarnings(warnings, parts.terminal)
    if (options.json === true) parts.terminal.out(toJson(shown(connection)))
    else parts.terminal.out(`${printable(connection.name)}: changed`)
    return ExitCode.done
  })
}

export async function removeConnection(which: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog }) => {
    const connection = await theConnection(which, catalog)
    await deleteConnection(connection, catalog)
    const { id, name } = connection
    if (options.json === true) parts.terminal.out(toJson({ type: 'deleted', connection: { id, name } }))
    else parts.terminal.out(`${printable(name)} is deleted.`)
    return ExitCode.done
  })
}

async function theConnection(name: string, catalog: Catalog): Promise<StoredConnection> {
  const byId = await catalog.connections.get(name)
  if (byId) return byId
  const found = (await all(catalog)).filter((c) => c.name === name || (name.length >= 6 && c.id.startsWith(name)))
  const [only] = found
  if (only && found.length === 1) return only
  const why =
    found.length === 0
      ? 'there is no such connection'
      : `several connections are called so: ${found.map(({ id }) => id).join(', ')}`
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
