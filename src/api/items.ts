import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ItemRequest } from '../catalog/catalog.ts'
import { isObject } from '../json/json.ts'
import type { LedgerReader } from '../ledger/sqlite/reader.ts'
import { askOfItems } from '../open_home/ask_of_items.ts'
import { apiError, notFound } from './errors.ts'
import { widening } from './fields.ts'
import { itemsAnswer } from './items_answer.ts'
import type { ApiParts } from './parts.ts'
import { flag, ifGiven, queryOf, text, together, wholeOf, type Query } from './query.ts'
import { itemFilter, itemFilters, jobAsked } from './transfers.ts'

const requests = ['retry', 'ignore'] as const satisfies readonly ItemRequest[]
/** How many of the items it was asked of an answer shows; its `total_count` is of all. */
const shown = 100

interface Which {
  jobId: string
  /** Parameters that say so. */
  known?: readonly string[]
  /** One item; else all that fit the filters of the list, and failed. */
  item?: string
}

/**
 * What people want done about items that failed (reference: jobs-api 6.4), to be heeded by the job's next execution. Ids of items
 * are the job's own, so that a job is named also where the original's address has none: `?job=`.
 */
export function itemRoutes(app: FastifyInstance, { catalog, ledgers }: ApiParts): void {
  const known = ['job']
  app.patch<{ Params: { job: string } }>('/v1/transfers/:job/items', (request) =>
    ask(request, { jobId: request.params.job }),
  )
  app.patch<{ Params: { job: string; item: string } }>('/v1/transfers/:job/items/:item', (request) =>
    ask(request, { jobId: request.params.job, item: request.params.item }),
  )
  app.patch('/v1/transfers/items', async (request) => ask(request, { jobId: jobAsked(request.query as Query), known }))
  app.patch<{ Params: { item: string } }>('/v1/transfers/items/:item', async (request) =>
    ask(request, { jobId: jobAsked(request.query as Query), known, item: request.params.item }),
  )

  async function ask(request: FastifyRequest, { jobId, known = [], item }: Which): Promise<Record<string, unknown>> {
    const filters = item === undefined ? [...itemFilters, 'q'] : []
    const query = queryOf(request, [...known, ...requests, ...filters, ...widening])
    const wish = requestIn(query, request.body)
    const filter = ifGiven(item, (id) => ({ ids: [wholeOf(id, 'item')] })) ?? {
      ...itemFilter(query),
      ...together({ q: () => text(query, 'q') }),
    }
    if ((await catalog.jobs.get(jobId)) === undefined) throw notFound('job', jobId)
    const ledger = ledgers.open(jobId, 'real')
    const items = ledger ? await askOfItems({ catalog, ledger, jobId }, wish, filter) : []
    if (item !== undefined && items.length === 0) throw refusal(item, ledger)
    const page = { offset: 0, limit: shown, total: items.length }
    const rows = items.slice(0, shown)
    return itemsAnswer(request, { ledger, requests: await catalog.requests.of(jobId) }, { rows, page })
  }
}

function requestIn(query: Query, body: unknown): ItemRequest {
  const [wish, ...others] = requests.filter((request) => flag(query, request))
  const isEmpty = body === undefined || (isObject(body) && Object.keys(body).length === 0)
  if (wish !== undefined && others.length === 0 && isEmpty) return wish
  throw apiError(400, 'invalid', 'items take one of ?retry=1 and ?ignore=1, and no body')
}

function refusal(item: string, ledger: LedgerReader | undefined): Error {
  const there = ledger?.item(Number(item))
  if (!there) return notFound('item', item)
  return apiError(409, 'refused', `item ${item} did not fail: its status is ${there.state}`)
}
