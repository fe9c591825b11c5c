import type { Catalog, MapType, StoredMap } from '../catalog/catalog.ts'
import { sides } from '../job/endpoint.ts'
import { objectOrEmpty } from '../json/json.ts'
import { Unacceptable, type Problem } from '../problem.ts'
import { checkMap } from './map.ts'
import { mergePatch } from './merge_patch.ts'
import { refuseWhileUsed, sayUsers } from './users.ts'

/**
 * Changes a stored map by some of its keys; those left out stay, null takes one away. Jobs use it from their next execution on.
 *
 * @throws Unacceptable with every problem found; nothing is changed then
 */
export async function editMap(
  { id, type, name, document }: StoredMap,
  change: Record<string, unknown>,
  catalog: Catalog,
  options: { strict?: boolean } = {},
): Promise<{ map: StoredMap; warnings: Problem[] }> {
  const { map, warnings } = await checkMap(type, mergePatch(document, change), catalog, options)
  const users = await catalog.maps.users(type, id)
  const moved = sides.filter((side) => connectionOf(document, side) !== connectionOf(map, side))
  if (users.length > 0 && moved.length > 0)
    throw new Unacceptable(
      moved.map((side) => ({
        code: 'in_use',
        property: `${side}.connection`,
        description: `stays as it is while the map is used by ${sayUsers(users)}`,
      })),
    )
  return { map: await catalog.maps.update(type, id, { name: map.name ?? name, document: { ...map } }), warnings }
}

/** @throws InUse naming the jobs that refer to it */
export async function deleteMap({ id, type, name }: StoredMap, catalog: Catalog): Promise<void> {
  refuseWhileUsed(`${spokenMap[type]} ${JSON.stringify(name)}`, await catalog.maps.users(type, id))
  await catalog.maps.delete(type, id)
}

export const spokenMap: Record<MapType, string> = { account_map: 'account map', group_map: 'group map' }

function connectionOf(map: { [key: string]: unknown }, side: (typeof sides)[number]): unknown {
  return objectOrEmpty(objectOrEmpty(map[side]).connection).id
}
