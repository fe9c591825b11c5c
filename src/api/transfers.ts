import type { FastifyInstance } from 'fastify'
import { ledgerKind } from '../open_home/ledger_views.ts'
import { shown } from '../secret/shown.ts'
import type { ItemState } from '../ledger/ledger.ts'
import { allStates, kinds } from '../ledger/sqlite/codes.ts'
import type { LedgerReader, ItemQuery } from '../ledger/sqlite/reader.ts'
import { many } from './envelope.ts'
import { apiError, notFound } from './errors.ts'
import { view, wanted, widening } from './fields.ts'
import { auditView, itemView, sparseItem } from './item_view.ts'
import { list, oneOf, pages, paging, queryOf, single, text, wordOf, type Query } from './paging.ts'
import type { ApiParts } from './parts.ts'

/** One is never unknown here; who asks for those finds none. */
const statusWords = [...allStates, 'unknown'] as const
const itemFilters = ['status', 'item_status', 'processing_status', 'type', 'parent', 'id']
const processings = [
  'none',
  'renamed',
  'deduplicated',
  'truncated',
  'converted',
  'permissions_narrowed',
  'conflict_copy',
] as const
const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const

/** What a job's ledger holds: items (reference: jobs-api 6.3) and its audit log (6.5). */
export function transferRoutes(app: FastifyInstance, { catalog, ledgers }: ApiParts): void {
  app.get<{ Params: { job: string } }>('/v1/transfers/:job/items', async (request) => {
    const query = queryOf(request, [...itemFilters, ...pages, ...widening])
    const page = paging(query)
    const asked = itemQuery(query, page)
    const fields = wanted(query)
    const ledger = await ledgerOf(request.params.job)
    const { rows, total } = ledger?.items(asked) ?? { rows: [], total: 0 }
    const items = rows.map((row) => view(itemView(row, ledger?.path(row.item)), sparseItem, fields))
    return many(request, 'item', items, { ...page, total, fields: fields.names })
  })

  app.get('/v1/transfers/auditing', async (request) => {
    const query = queryOf(request, ['job', 'execution', 'level', 'item', 'offset', 'limit', ...widening])
    const page = paging(query)
    const job = text(query, 'job')
    if (job === undefined) throw apiError(400, 'missing', 'says which job: ?job={id}', 'job')
    const level = oneOf(query, 'level', levels)
    const execution = whole(query, 'execution')
    const item = whole(query, 'item')
    const ledger = await ledgerOf(job)
    const { rows, total } = ledger?.audits({
      offset: page.offset,
      limit: page.limit,
      ...(level === undefined ? {} : { level }),
      ...(execution === undefined ? {} : { execution }),
      ...(item === undefined ? {} : { item }),
    }) ?? { rows: [], total: 0 }
    const entries = rows.map((row) => auditView(job, row, ledger))
    return many(request, 'item', entries, { ...page, total })
  })

  /** Undefined while the job has not run. */
  async function ledgerOf(id: string): Promise<LedgerReader | undefined> {
    const job = await catalog.jobs.get(id)
    if (job === undefined) throw notFound('job', id)
    return ledgers.open(job.id, await ledgerKind(job, catalog))
  }
}

function itemQuery(query: Query, { offset, limit, q }: { offset: number; limit: number; q?: string }): ItemQuery {
  const words = ['status', 'item_status'].flatMap((name) =>
    list(query, name).map((word) => wordOf(word, statusWords, name)),
  )
  const processing = oneOf(query, 'processing_status', processings)
  const type = oneOf(query, 'type', kinds)
  const parent = whole(query, 'parent')
  const ids = list(query, 'id').map((id) => wholeOf(id, 'id'))
  return {
    offset,
    limit,
    ...(q === undefined ? {} : { q }),
    ...(words.length === 0 ? {} : { status: words.filter((word) => word !== 'unknown') satisfies ItemState[] }),
    ...(processing === undefined ? {} : { processing }),
    ...(type === undefined ? {} : { kind: type }),
    ...(parent === undefined ? {} : { parent }),
    ...(ids.length === 0 ? {} : { ids }),
  }
}

function whole(query: Query, name: string): number | undefined {
  const value = single(query, name)
  return value === undefined ? undefined : wholeOf(value, name)
}

function wholeOf(value: string, name: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  throw apiError(400, 'invalid', `${shown(value)} is not a whole number`, name)
}
