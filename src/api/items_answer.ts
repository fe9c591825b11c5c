import type { FastifyRequest } from 'fastify'
import type { ItemRequest } from '../catalog/catalog.ts'
import type { LedgerReader } from '../ledger/sqlite/reader.ts'
import type { LedgerItem } from '../ledger/sqlite/reader_types.ts'
import { whatToDo } from '../report/what_to_do.ts'
import { many } from './envelope.ts'
import { view, wanted } from './fields.ts'
import { itemView, sparseItem } from './item_view.ts'
import type { PageOf } from './paging.ts'
import type { Query } from './query.ts'

const sparse = [...sparseItem, 'remedy', 'request']

interface Known {
  ledger: LedgerReader | undefined
  /** What the next execution is to do about items. */
  requests: ReadonlyMap<number, ItemRequest>
}

/** Tracked items as a list, with what can be done about those that failed, and what is to be. */
export function itemsAnswer(
  request: FastifyRequest,
  { ledger, requests }: Known,
  { rows, page }: { rows: readonly LedgerItem[]; page: PageOf },
): Record<string, unknown> {
  const fields = wanted(request.query as Query)
  const items = rows.map((row) => {
    const remedy = row.state === 'retry' || row.state === 'remediation' ? whatToDo(row.reason) : undefined
    const whole = { ...itemView(row, ledger?.path(row.item)), remedy, request: requests.get(row.item) }
    return view(whole, sparse, fields)
  })
  return many(request, 'item', items, { ...page, fields: fields.names })
}
