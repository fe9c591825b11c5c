import type { Catalog, MapType, StoredJob } from '../catalog/catalog.ts'
import { sides, type Side } from '../job/endpoint.ts'
import type { MapDocument } from '../job/maps.ts'
import { objectOrEmpty } from '../json/json.ts'
import { changes, type Change } from './changes.ts'
import { sameConnection } from './connection.ts'
import { columnsOf, referring, type CheckedJob } from './job.ts'

/** What a document would change about the stored job of its name. */
interface Revision {
  /** Source and destination stay as they were made: these differ, so that it is another job. */
  endpoints: Change[]
  /** Everything else. */
  settings: Change[]
}

/** Compares a checked document with the stored job, whose inline connections and maps have become ids meanwhile. */
export async function revisionOf(stored: StoredJob, checked: CheckedJob, catalog: Catalog): Promise<Revision> {
  const before = objectOrEmpty(stored.document.transfer)
  const endpoints: Change[] = []
  for (const side of sides)
    endpoints.push(...(await endpointChanges(side, objectOrEmpty(before[side]), checked, catalog)))
  const after = { ...checked.job.transfer, ...(await keptMaps(checked, before, catalog)) }
  const settings = changes(
    { ...stored.document, ...ignored, transfer: { ...before, ...besidesEndpoints(before) } },
    { ...checked.job, ...ignored, transfer: { ...after, ...besidesEndpoints(after) } },
  )
  return { endpoints, settings }
}

const ignored = { $schema: undefined, name: undefined }

/** What both sides say besides where they are. */
function besidesEndpoints(transfer: Record<string, unknown>): Record<Side, unknown> {
  const besides = (side: Side): unknown => {
    const { connection: _connection, impersonate_as: _as, target, ...rest } = objectOrEmpty(transfer[side])
    const { path: _path, ...place } = objectOrEmpty(target)
    return Object.keys(place).length === 0 ? rest : { ...rest, target: place }
  }
  return { source: besides('source'), destination: besides('destination') }
}

/** Stores the document in place of the former one. Connections stay those of the job, and maps that are as they were. */
export async function reviseJob(stored: StoredJob, checked: CheckedJob, catalog: Catalog): Promise<StoredJob> {
  const before = objectOrEmpty(stored.document.transfer)
  const connections = { ...checked.connections }
  for (const side of sides)
    connections[side] = {
      id: String(objectOrEmpty(objectOrEmpty(before[side]).connection).id),
      name: connections[side].name,
    }
  const kept = await keptMaps(checked, before, catalog)
  const maps = Object.fromEntries(Object.entries(checked.maps).filter(([type]) => !(type in kept)))
  const job = { ...checked.job, transfer: { ...checked.job.transfer, ...kept } }
  return catalog.jobs.update(stored.id, {
    name: checked.name,
    document: await referring({ ...checked, job, connections, maps }, catalog),
    ...(await columnsOf(checked, catalog)),
  })
}

/** References of the stored job to maps that the document brings along again, as they are stored. */
async function keptMaps(
  checked: CheckedJob,
  before: Record<string, unknown>,
  catalog: Catalog,
): Promise<Partial<Record<MapType, { id: string; type: never }>>> {
  const kept: Partial<Record<MapType, { id: string; type: never }>> = {}
  for (const [type, map] of Object.entries(checked.maps) as [MapType, MapDocument][]) {
    const { id } = objectOrEmpty(before[type])
    const stored = typeof id === 'string' ? await catalog.maps.get(type, id) : undefined
    if (stored && changes(withoutEnds(stored.document), withoutEnds(map)).length === 0)
      kept[type] = before[type] as { id: string; type: never }
  }
  return kept
}

async function endpointChanges(
  side: Side,
  before: Record<string, unknown>,
  checked: CheckedJob,
  catalog: Catalog,
): Promise<Change[]> {
  const at = `transfer.${side}`
  const after = checked.job.transfer[side]
  const connection = checked.connections[side]
  const id = String(objectOrEmpty(before.connection).id)
  const found: Change[] = []
  if ('id' in connection) found.push(...changes(id, connection.id, `${at}.connection.id`))
  else if ((await sameConnection(id, connection.inline, catalog)) !== 'same')
    found.push(...(await settingChanges(id, checked, side, catalog)))
  found.push(...changes(pathOf(before), pathOf(objectOrEmpty(after)), `${at}.target.path`))
  found.push(...changes(before.impersonate_as, after.impersonate_as, `${at}.impersonate_as`))
  return found
}

/** Which settings of an inline connection differ; of secrets only that they do. */
async function settingChanges(id: string, checked: CheckedJob, side: Side, catalog: Catalog): Promise<Change[]> {
  const connection = checked.connections[side]
  const stored = await catalog.connections.get(id)
  if (!('inline' in connection)) return []
  const { platform, auth } = connection.inline
  const shown = changes(
    { platform: { id: stored?.platform }, auth: stored?.auth ?? {} },
    { platform: { id: platform }, auth },
    `transfer.${side}.connection`,
  )
  return shown.length > 0
    ? shown
    : [{ path: `transfer.${side}.connection.auth`, before: 'the former credentials', after: 'other credentials' }]
}

function withoutEnds(map: { [key: string]: unknown }): Record<string, unknown> {
  const bare = (side: Side): unknown => {
    const rest = { ...objectOrEmpty(map[side]) }
    delete rest.connection
    return rest
  }
  return { ...map, type: undefined, name: undefined, source: bare('source'), destination: bare('destination') }
}

function pathOf(side: Record<string, unknown>): string {
  const target = side.target
  const path = typeof target === 'string' ? target : objectOrEmpty(target).path
  return `/${typeof path === 'string' ? path.split('/').filter(Boolean).join('/') : ''}`
}
