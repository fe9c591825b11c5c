import type { FastifyRequest } from 'fastify'
import type { Problem } from '../problem.ts'
import type { PageOf } from './paging.ts'

/** `{ "status": 200, "type": "job", "job": {…} }`: the payload's key is named by `type` (reference: jobs-api 1). */
export function one(type: string, payload: unknown, status = 200): Record<string, unknown> {
  return { status, type, [type]: payload }
}

/** A list with its `meta`; links of the next and the previous page carry the parameters of this one. */
export function many(request: FastifyRequest, type: string, rows: unknown[], page: PageOf): Record<string, unknown> {
  const { offset, limit, total } = page
  const links: Record<string, { href: string }> = { self: { href: request.url } }
  if (offset + rows.length < total) links.next = { href: at(request, offset + limit, limit) }
  if (offset > 0) links.prev = { href: at(request, Math.max(0, offset - limit), limit) }
  return {
    status: 200,
    type,
    [type]: rows,
    meta: {
      links,
      offset,
      limit,
      fields: page.fields ?? [],
      total_count: total,
      has_more: offset + rows.length < total,
    },
  }
}

export function failure(status: number, errors: readonly Problem[]): Record<string, unknown> {
  return { status, type: 'error', errors }
}

function at(request: FastifyRequest, offset: number, limit: number): string {
  const url = new URL(request.url, 'http://localhost')
  url.searchParams.set('offset', String(offset))
  url.searchParams.set('limit', String(limit))
  return url.pathname + url.search
}
