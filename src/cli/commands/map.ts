import { deleteMap, editMap, spokenMap } from '../../intake/edit_map.ts'
import { acceptMap } from '../../intake/map.ts'
import type { Catalog, MapType, StoredMap } from '../../catalog/catalog.ts'
import { toJson } from '../../json/json.ts'
import { Unacceptable } from '../../problem.ts'
import { printable, table } from '../../report/format.ts'
import { readDocument } from '../document_file.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { tellWarnings } from '../tell_warnings.ts'
import { withHome } from '../with_home.ts'

const types: readonly MapType[] = ['account_map', 'group_map']

/** From a file as the API takes it, with its `type`. */
export async function addMap(file: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  const body = await readDocument(file, parts.terminal)
  const type = types.find((known) => known === body.type)
  if (type === undefined)
    throw new Unacceptable([
      { code: 'missing', property: 'type', description: `says which map: one of ${types.join(', ')}` },
    ])
  return withHome({ ...options, make: true }, parts, async ({ catalog }) => {
    const { map, warnings } = await acceptMap(type, body, catalog)
    tellWarnings(warnings, parts.terminal)
    if (options.json === true) parts.terminal.out(toJson(shown(map)))
    else parts.terminal.out(`${map.id}  ${printable(map.name)}`)
    return ExitCode.done
  })
}

export async function listMaps(options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog }) => {
    const maps = await all(catalog)
    if (options.json === true) for (const map of maps) parts.terminal.out(toJson(shown(map)))
    else {
      if (maps.length === 0) parts.terminal.err(`There are no maps here. \`${parts.typed} map add\` makes one.`)
      for (const line of table(maps.map((map) => [map.id, spokenMap[map.type], printable(map.name)])))
        parts.terminal.out(line)
    }
    return ExitCode.done
  })
}

/** A file with the keys that change. */
export async function changeMap(
  which: string,
  file: string,
  options: CommonOptions,
  parts: CliParts,
): Promise<ExitCode> {
  const change = await readDocument(file, parts.terminal)
  return withHome(options, parts, async ({ catalog }) => {
    const { map, warnings } = await editMap(await theMap(which, catalog), change, catalog)
    tellWarnings(warnings, parts.terminal)
    parts.terminal.out(options.json === true ? toJson(shown(map)) : `${printable(map.name)}: changed`)
    return ExitCode.done
  })
}

export async function removeMap(which: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog }) => {
    const map = await theMap(which, catalog)
    await deleteMap(map, catalog)
    const { id, name } = map
    parts.terminal.out(
      options.json === true ? toJson({ type: 'deleted', map: { id, name } }) : `${printable(name)} is deleted.`,
    )
    return ExitCode.done
  })
}

async function theMap(name: string, catalog: Catalog): Promise<StoredMap> {
  const found = (await all(catalog)).filter((map) => map.id === name || map.name === name)
  const [only] = found
  if (only && found.length === 1) return only
  const why =
    found.length === 0 ? 'there is no such map' : `several maps are called so: ${found.map(({ id }) => id).join(', ')}`
  throw new Unacceptable([{ code: 'unknown_id', description: `${JSON.stringify(name)}: ${why}` }])
}

async function all(catalog: Catalog): Promise<StoredMap[]> {
  const maps: StoredMap[] = []
  for (const type of types)
    for (let offset = 0; ; offset += 1_000) {
      const { rows } = await catalog.maps.list(type, { offset, limit: 1_000 })
      maps.push(...rows)
      if (rows.length < 1_000) break
    }
  return maps
}

function shown({ id, type, name, document }: StoredMap): Record<string, unknown> {
  return { ...document, id, type, name }
}
