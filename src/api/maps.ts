import type { FastifyInstance } from 'fastify'
import { deleteMap, editMap, spokenMap } from '../intake/edit_map.ts'
import { acceptMap } from '../intake/map.ts'
import type { Catalog, StoredMap } from '../catalog/catalog.ts'
import { objectOf } from './body.ts'
import { many, one } from './envelope.ts'
import { notFound } from './errors.ts'
import { view, wanted, widening } from './fields.ts'
import { pages, paging } from './paging.ts'
import { flag, queryOf } from './query.ts'

const sparse = ['id', 'type', 'name', 'links'] as const

/** `/v1/account_maps` and `/v1/group_maps` (reference: maps-filters-connections 3.1). */
export function mapRoutes(app: FastifyInstance, catalog: Catalog): void {
  for (const type of ['account_map', 'group_map'] as const) {
    app.post(`/v1/${type}s`, async (request, reply) => {
      const query = queryOf(request, ['strict'])
      const { map, warnings } = await acceptMap(type, objectOf(request.body), catalog, {
        strict: flag(query, 'strict'),
      })
      return reply.code(201).send({ ...one(type, mapView(map), 201), warnings })
    })

    app.get(`/v1/${type}s`, async (request) => {
      const query = queryOf(request, [...pages, ...widening])
      const page = paging(query)
      const { rows, total } = await catalog.maps.list(type, page)
      const fields = wanted(query)
      const maps = rows.map((map) => view(mapView(map), sparse, fields))
      return many(request, `${type}s`, maps, { ...page, total, fields: fields.names })
    })

    app.get<{ Params: { id: string } }>(`/v1/${type}s/:id`, async (request) => {
      // Whole in any case: what `fields` could ask for is there.
      queryOf(request, widening)
      return one(type, mapView(await found(request.params.id)))
    })

    app.patch<{ Params: { id: string } }>(`/v1/${type}s/:id`, async (request) => {
      const query = queryOf(request, ['strict'])
      const stored = await found(request.params.id)
      const strict = flag(query, 'strict')
      const { map, warnings } = await editMap(stored, objectOf(request.body), catalog, { strict })
      return { ...one(type, mapView(map)), warnings }
    })

    app.delete<{ Params: { id: string } }>(`/v1/${type}s/:id`, async (request) => {
      queryOf(request, [])
      const stored = await found(request.params.id)
      await deleteMap(stored, catalog)
      return one(type, view(mapView(stored), sparse, { all: false, names: [] }))
    })

    async function found(id: string): Promise<StoredMap> {
      const map = await catalog.maps.get(type, id)
      if (map === undefined) throw notFound(spokenMap[type], id)
      return map
    }
  }
}

function mapView(map: StoredMap): Record<string, unknown> {
  return {
    ...map.document,
    id: map.id,
    type: map.type,
    name: map.name,
    created_on: map.createdOn,
    modified_on: map.modifiedOn,
    links: { self: { href: `/v1/${map.type}s/${map.id}` } },
  }
}
