import type { Catalog, MapType, StoredMap } from '../catalog/catalog.ts'
import { readMap } from '../job/document.ts'
import { sides } from '../job/endpoint.ts'
import type { MapDocument } from '../job/maps.ts'
import { shown } from '../secret/shown.ts'
import { Unacceptable, type Problem } from '../problem.ts'
import { onTheWire } from './on_the_wire.ts'
import { secretsInMap } from './secrets.ts'

/**
 * Stores an account or group map; both its connections have to exist.
 *
 * @throws Unacceptable with every problem found
 */
export async function acceptMap(
  type: MapType,
  body: Record<string, unknown>,
  catalog: Catalog,
  options: { strict?: boolean } = {},
): Promise<{ map: StoredMap; warnings: Problem[] }> {
  const { map, warnings } = await checkMap(type, body, catalog, options)
  const { name = `${type === 'account_map' ? 'Account' : 'Group'} map` } = map
  return { map: await catalog.maps.create({ type, name, document: { ...map } }), warnings }
}

/** Looks at it without storing it. @throws Unacceptable with every problem found */
export async function checkMap(
  type: MapType,
  body: Record<string, unknown>,
  catalog: Catalog,
  options: { strict?: boolean },
): Promise<{ map: MapDocument; warnings: Problem[] }> {
  const read = readMap(type, body, options)
  if (!read.ok) throw new Unacceptable(read.problems.map(onTheWire))
  const { map, warnings } = read
  const problems = secretsInMap(map)
  for (const side of sides) {
    const connection = map[side]?.connection
    const property = `${side}.connection`
    if (connection === undefined || !('id' in connection))
      problems.push({
        code: 'missing',
        property,
        description: 'takes the id of a stored connection, the same as the job’s',
      })
    else if (!(await catalog.connections.get(connection.id)))
      problems.push({
        code: 'unknown_id',
        property: `${property}.id`,
        description: `there is no connection ${shown(connection.id)}`,
      })
  }
  if (problems.length > 0) throw new Unacceptable(problems)
  return { map, warnings: warnings.map((warning) => ({ ...onTheWire(warning), code: 'warning' })) }
}
