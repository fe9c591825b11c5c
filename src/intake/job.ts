import type { Catalog, MapType, StoredJob } from '../catalog/catalog.ts'
import { readJob, readReferences, type JobDocument, type References } from '../job/document.ts'
import { Unacceptable, type Problem } from '../problem.ts'
import { checkConnection, defaultName, storeConnection, type CheckedConnection } from './connection.ts'
import { brakeNamed } from '../job/brake_names.ts'
import { sides, type Side } from '../job/endpoint.ts'
import { mapTypes, type MapDocument } from '../job/maps.ts'
import { isObject, objectOrEmpty } from '../json/json.ts'
import { shown } from '../secret/shown.ts'
import { inertSettings, refusals } from './not_carried_out.ts'
import { onTheWire } from './on_the_wire.ts'
import { secretsInJob } from './secrets.ts'

/** A stored connection by its id, or one that came inside the document and is not stored yet. */
type SideConnection = { id: string; name: string } | { inline: CheckedConnection; name: string }

/** A job document in which everything it refers to exists and fits; nothing is stored yet. */
export interface CheckedJob {
  name: string
  /** Lenient forms resolved, unknown keys kept. */
  job: JobDocument
  connections: Record<Side, SideConnection>
  /** Maps that came inside the document. */
  maps: Partial<Record<MapType, MapDocument>>
  warnings: Problem[]
}

interface AcceptOptions {
  /** Unknown keys are errors, not warnings. */
  strict?: boolean
  /** On the wire an absent `transfer_type` means `sync`, which may delete; a person has to say what is meant. */
  needsTransferType?: boolean
}

interface AcceptedJob {
  job: StoredJob
  /** Unknown keys, and settings that change nothing here. */
  warnings: Problem[]
  /** What keeps it from starting as it is; see {@link refusals}. */
  refusals: Problem[]
}

/**
 * Stores a job document, its inline connections and maps first, so that what is stored refers to them by id and holds no
 * credential.
 *
 * @throws Unacceptable with every problem, before anything is stored
 */
export async function acceptJob(
  document: Record<string, unknown>,
  catalog: Catalog,
  options: AcceptOptions = {},
): Promise<AcceptedJob> {
  const checked = await checkJob(document, catalog, options)
  const job = await storeJob(checked, catalog)
  const inert = await inertSettings(job, catalog)
  return {
    job,
    warnings: [
      ...checked.warnings,
      ...inert.map(({ path, why }) => ({ code: 'inert', property: path, description: why })),
    ],
    refusals: await refusals(job, catalog),
  }
}

/** @throws Unacceptable with every problem found */
export async function checkJob(
  document: Record<string, unknown>,
  catalog: Catalog,
  options: AcceptOptions = {},
): Promise<CheckedJob> {
  const read = readJob(document, options)
  const found = await checkReferences(readReferences(document), catalog)
  const problems = [
    ...(options.needsTransferType === true ? withoutTransferType(document) : []),
    ...(read.ok ? [] : read.problems.map(onTheWire)),
    ...found.problems,
    ...secretsInJob(document),
  ]
  const { source, destination } = found.connections
  if (!read.ok || problems.length > 0 || !source || !destination) throw new Unacceptable(problems)
  const { job, warnings } = read
  const name = job.name?.trim() ?? ''
  return {
    name: name === '' ? `${source.name} to ${destination.name}`.slice(0, 255) : name,
    job,
    connections: { source, destination },
    maps: found.maps,
    warnings: warnings.map((warning) => ({ ...onTheWire(warning), code: 'warning' })),
  }
}

export async function storeJob(checked: CheckedJob, catalog: Catalog): Promise<StoredJob> {
  return catalog.jobs.create({
    name: checked.name,
    document: await referring(checked, catalog),
    ...(await columnsOf(checked, catalog)),
    ...(checked.job.status === 'paused' ? { status: 'paused' } : {}),
  })
}

/** What of a document the catalog lists and sorts by. */
export async function columnsOf(
  { job: { category, priority = 0, disabled = false } }: CheckedJob,
  catalog: Catalog,
): Promise<{ categoryId: number; priority: number; disabled: boolean }> {
  const categoryId = category?.id ?? (await catalog.categories.named(category?.name)).id
  return { categoryId, priority, disabled }
}

/** The document with inline connections and maps stored, and their ids in their place. */
export async function referring(checked: CheckedJob, catalog: Catalog): Promise<Record<string, unknown>> {
  const { job, name } = checked
  const source = { id: await idOf(checked.connections.source, catalog) }
  const destination = { id: await idOf(checked.connections.destination, catalog) }
  const transfer: Record<string, unknown> = {
    ...job.transfer,
    source: { ...job.transfer.source, connection: source },
    destination: { ...job.transfer.destination, connection: destination },
  }
  for (const type of mapTypes) {
    const map = checked.maps[type]
    if (map === undefined) continue
    const document = {
      ...map,
      source: { ...map.source, connection: source },
      destination: { ...map.destination, connection: destination },
    }
    const stored = await catalog.maps.create({ type, name: map.name ?? `${name}: ${spoken(type)}`, document })
    transfer[type] = { id: stored.id, type }
  }
  return { ...job, name, transfer }
}

async function idOf(connection: SideConnection, catalog: Catalog): Promise<string> {
  return 'id' in connection ? connection.id : (await storeConnection(connection.inline, catalog)).id
}

interface CheckedReferences extends Pick<CheckedJob, 'maps'> {
  connections: Record<Side, SideConnection | undefined>
  problems: Problem[]
}

/** Whether everything a document refers to exists and fits; what can't be read is not looked at. */
async function checkReferences(references: References, catalog: Catalog): Promise<CheckedReferences> {
  const problems: Problem[] = []
  const connections = {
    source: await connectionOf('source', references, catalog, problems),
    destination: await connectionOf('destination', references, catalog, problems),
  }
  const maps: CheckedJob['maps'] = {}
  for (const type of mapTypes) {
    const map = await mapOf(type, references, { catalog, connections, problems })
    if (map) maps[type] = map
  }
  const category = references.category?.id
  if (category !== undefined && !(await catalog.categories.get(category)))
    problems.push(problem('category.id', `there is no category ${category}`, 'unknown_id'))
  return { connections, maps, problems }
}

function withoutTransferType({ transfer }: Record<string, unknown>): Problem[] {
  if (!isObject(transfer) || 'transfer_type' in transfer) return []
  const description = 'is missing; say copy, sync, publish, move, migrate or taxonomy (the API would take sync)'
  return [{ code: 'missing', property: 'transfer.transfer_type', description }]
}

async function connectionOf(
  side: Side,
  references: References,
  catalog: Catalog,
  problems: Problem[],
): Promise<SideConnection | undefined> {
  const at = `transfer.${side}.connection`
  const connection = references[side]
  if (connection === undefined) return undefined
  if (!('id' in connection)) {
    const checked = checkConnection({ ...connection }, at)
    if ('problems' in checked) {
      problems.push(...checked.problems)
      return undefined
    }
    return { inline: checked.connection, name: checked.connection.name ?? defaultName(checked.connection) }
  }
  // Only the id is stored: at the start nobody would see it any more.
  for (const [key, value] of Object.entries(connection)) {
    const meant = brakeNamed(key, value)
    if (meant !== undefined)
      problems.push(problem(`${at}.${key}`, `is no key of a connection; it must have been meant as ${meant}`))
  }
  const stored = await catalog.connections.get(connection.id)
  if (stored === undefined) {
    problems.push(problem(`${at}.id`, `there is no connection ${shown(connection.id)}`, 'unknown_id'))
    return undefined
  }
  if (stored.disabled)
    problems.push(problem(`${at}.id`, `connection ${JSON.stringify(stored.name)} is disabled`, 'disabled'))
  return { id: stored.id, name: stored.name }
}

interface MapPlace {
  catalog: Catalog
  connections: Record<Side, SideConnection | undefined>
  problems: Problem[]
}

/** A map that came inside the document; one that is referred to is only looked up. */
async function mapOf(
  type: MapType,
  references: References,
  { catalog, connections, problems }: MapPlace,
): Promise<MapDocument | undefined> {
  const map = references[type]
  if (map === undefined) return undefined
  const at = `transfer.${type}`
  if (!('id' in map)) {
    fits(map, at, connections, problems)
    return map
  }
  const stored = await catalog.maps.get(type, map.id)
  if (stored) {
    fits(stored.document, at, connections, problems)
    return undefined
  }
  const other = await catalog.maps.get(type === 'account_map' ? 'group_map' : 'account_map', map.id)
  const why = other
    ? `${JSON.stringify(other.name)} is ${other.type === 'group_map' ? 'a group map' : 'an account map'}`
    : `there is no ${spoken(type)} ${shown(map.id)}`
  problems.push(problem(`${at}.id`, why, 'unknown_id'))
  return undefined
}

/** A map speaks of two directories: used between other connections it would name the wrong people. */
function fits(
  map: Record<string, unknown>,
  at: string,
  connections: Record<Side, SideConnection | undefined>,
  problems: Problem[],
): void {
  for (const side of sides) {
    const { id } = objectOrEmpty(objectOrEmpty(map[side]).connection)
    const connection = connections[side]
    if (typeof id !== 'string' || connection === undefined) continue
    if ('id' in connection && connection.id === id) continue
    problems.push(
      problem(at, `the map's ${side} connection is ${JSON.stringify(id)}, the job's is ${connection.name}`, 'misfit'),
    )
  }
}

function spoken(type: MapType): string {
  return type.replace('_', ' ')
}

function problem(property: string, description: string, code = 'invalid'): Problem {
  return { code, description, property }
}
