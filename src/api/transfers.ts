import type { FastifyInstance } from 'fastify'
import { ledgerKind } from '../open_home/ledger_views.ts'
import { Unacceptable } from '../problem.ts'
import type { ItemState } from '../ledger/item_state.ts'
import { allStates, kinds } from '../ledger/sqlite/codes.ts'
import type { LedgerReader } from '../ledger/sqlite/reader.ts'
import type { ItemQuery } from '../ledger/sqlite/reader_types.ts'
import { processings } from '../report/say_processing.ts'
import { many } from './envelope.ts'
import { notFound } from './errors.ts'
import { widening } from './fields.ts'
import { auditView } from './item_view.ts'
import { itemsAnswer } from './items_answer.ts'
import { pages, paging } from './paging.ts'
import type { ApiParts } from './parts.ts'
import { list, oneOf, queryOf, text, together, whole, wholeOf, wordOf, type Query } from './query.ts'

/** One is never unknown here; who asks for those finds none. */
const statusWords = [...allStates, 'unknown'] as const
export const itemFilters = ['status', 'item_status', 'processing_status', 'reason', 'type', 'parent', 'id']
const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const

/** What a job's ledger holds: items (reference: jobs-api 6.3) and its audit log (6.5). */
export function transferRoutes(app: FastifyInstance, { catalog, ledgers }: ApiParts): void {
  app.get<{ Params: { job: string } }>('/v1/transfers/:job/items', async (request) => {
    const query = queryOf(request, [...itemFilters, ...pages, ...widening])
    const { page, filter } = together({ page: () => paging(query), filter: () => itemFilter(query) })
    const { job: jobId } = request.params
    const ledger = await ledgerOf(jobId)
    const { rows, total } = ledger?.items({ ...page, ...filter }) ?? { rows: [], total: 0 }
    return itemsAnswer(
      request,
      { ledger, requests: await catalog.requests.of(jobId) },
      { rows, page: { ...page, total } },
    )
  })

  app.get('/v1/transfers/auditing', async (request) => {
    const query = queryOf(request, ['job', 'execution', 'level', 'item', 'offset', 'limit', ...widening])
    const { page, job, ...filter } = together({
      page: () => paging(query),
      job: () => jobAsked(query),
      level: () => oneOf(query, 'level', levels),
      execution: () => whole(query, 'execution'),
      item: () => whole(query, 'item'),
    })
    const ledger = await ledgerOf(job)
    const { rows, total } = ledger?.audits({ ...page, ...filter }) ?? { rows: [], total: 0 }
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

export function jobAsked(query: Query): string {
  const job = text(query, 'job')
  if (job !== undefined) return job
  throw new Unacceptable([{ code: 'missing', property: 'job', description: 'says which job: ?job={id}' }])
}

export function itemFilter(query: Query): Omit<ItemQuery, 'offset' | 'limit' | 'q'> {
  return together({
    status: () => statusesAsked(query),
    processing: () => oneOf(query, 'processing_status', ['none', ...processings] as const),
    reasons: () => ifAny(list(query, 'reason')),
    kind: () => oneOf(query, 'type', kinds),
    parent: () => whole(query, 'parent'),
    ids: () => ifAny(list(query, 'id').map((id) => wholeOf(id, 'id'))),
  })
}

function statusesAsked(query: Query): ItemState[] | undefined {
  const words = ['status', 'item_status'].flatMap((name) =>
    list(query, name).map((word) => wordOf(word, statusWords, name)),
  )
  return ifAny(words)?.filter((word) => word !== 'unknown')
}

function ifAny<T>(values: T[]): T[] | undefined {
  return values.length === 0 ? undefined : values
}
