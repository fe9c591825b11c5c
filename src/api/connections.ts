import type { FastifyInstance } from 'fastify'
import { acceptConnection } from '../intake/connection.ts'
import { connectionWarnings, deleteConnection, editConnection } from '../intake/edit_connection.ts'
import type { Catalog, StoredConnection } from '../catalog/catalog.ts'
import { connectorFor, isPlatform, platformIds, platforms } from '../connector/registry.ts'
import type { Connector } from '../connector/connector.ts'
import { tryConnection } from '../intake/try_connection.ts'
import { objectOf } from './body.ts'
import { many, one } from './envelope.ts'
import { apiError, notFound } from './errors.ts'
import { view, wanted, widening } from './fields.ts'
import { pages, paging } from './paging.ts'
import { ifGiven, maybeFlag, oneOf, queryOf, together } from './query.ts'

const sparse = ['id', 'type', 'name', 'platform', 'disabled', 'links'] as const

/** `/v1/connections` and its platforms (reference: maps-filters-connections 5.1, 5.2). Secrets never come back. */
export function connectionRoutes(app: FastifyInstance, catalog: Catalog): void {
  app.post('/v1/connections', async (request, reply) => {
    const connection = await acceptConnection(objectOf(request.body), catalog)
    const warnings = await connectionWarnings(connection, catalog)
    return reply.code(201).send({ ...one('connection', connectionView(connection), 201), warnings })
  })

  app.get('/v1/connections', async (request) => {
    const query = queryOf(request, ['platform', 'active', 'pools', ...pages, ...widening])
    const { page, pools, ...filter } = together({
      page: () => paging(query),
      platform: () => oneOf(query, 'platform', platformIds()),
      disabled: () => ifGiven(maybeFlag(query, 'active'), (active) => !active),
      pools: () => maybeFlag(query, 'pools'),
    })
    // There are no pools here.
    const { rows, total } = pools ? { rows: [], total: 0 } : await catalog.connections.list({ ...page, ...filter })
    const fields = wanted(query)
    const connections = rows.map((connection) => view(connectionView(connection), sparse, fields))
    return many(request, 'connections', connections, { ...page, total, fields: fields.names })
  })

  app.get('/v1/connections/platforms', (request) => {
    const { offset, limit } = paging(queryOf(request, ['offset', 'limit']))
    const all = platforms().map(platformView)
    return many(request, 'platforms', all.slice(offset, offset + limit), { offset, limit, total: all.length })
  })

  app.get<{ Params: { id: string } }>('/v1/connections/platforms/:id', (request) => {
    const { id } = request.params
    if (!isPlatform(id)) throw notFound('platform', id)
    return one('platform', platformView(connectorFor(id)))
  })

  app.get<{ Params: { id: string } }>('/v1/connections/:id', async (request) =>
    one('connection', view(connectionView(await found(request.params.id)), sparse, wanted(queryOf(request, widening)))),
  )

  app.patch<{ Params: { id: string } }>('/v1/connections/:id', async (request) => {
    queryOf(request, [])
    const stored = await found(request.params.id)
    const { connection, warnings } = await editConnection(stored, objectOf(request.body), catalog)
    return { ...one('connection', connectionView(connection)), warnings }
  })

  app.delete<{ Params: { id: string } }>('/v1/connections/:id', async (request) => {
    queryOf(request, [])
    const stored = await found(request.params.id)
    await deleteConnection(stored, catalog)
    return one('connection', view(connectionView(stored), sparse, { all: false, names: [] }))
  })

  /** Ours: the reference names no call that only tests. */
  app.post<{ Params: { id: string } }>('/v1/connections/:id/test', async (request) => {
    const { id } = await found(request.params.id)
    const tried = await tryConnection(id, catalog)
    if (!tried.works) throw apiError(409, tried.code, tried.why)
    return one('connection_test', {
      works: true,
      account: tried.account ?? null,
      notes: tried.notes,
      capabilities: tried.capabilities,
    })
  })

  async function found(id: string): Promise<StoredConnection> {
    const connection = await catalog.connections.get(id)
    if (connection === undefined) throw notFound('connection', id)
    return connection
  }
}

function connectionView(connection: StoredConnection): Record<string, unknown> {
  return {
    id: connection.id,
    type: 'connection',
    name: connection.name,
    platform: { id: connection.platform, name: nameOf(connection.platform) },
    auth: connection.auth,
    group: false,
    disabled: connection.disabled,
    created_on: connection.createdOn,
    modified_on: connection.modifiedOn,
    links: { self: { href: `/v1/connections/${connection.id}` } },
  }
}

/** A platform, with what a connection to it may set: the reference's `authorize` of method `prompt`. */
function platformView(connector: Connector): Record<string, unknown> {
  return {
    id: connector.platform,
    type: 'platform',
    name: connector.name,
    group: false,
    disabled: false,
    authorize: { methods: ['prompt'], prompt: true },
    settings: connector.settings.map((setting) => ({
      id: setting.key,
      caption: setting.meaning,
      required: setting.required ?? false,
      secret: setting.secret ?? false,
      ...(setting.values ? { options: setting.values } : {}),
    })),
  }
}

function nameOf(platform: string): string {
  return isPlatform(platform) ? connectorFor(platform).name : platform
}
