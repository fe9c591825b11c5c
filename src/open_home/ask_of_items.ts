import type { Catalog, ItemRequest } from '../catalog/catalog.ts'
import type { ItemState } from '../ledger/item_state.ts'
import type { LedgerReader } from '../ledger/sqlite/reader.ts'
import type { ItemQuery, LedgerItem } from '../ledger/sqlite/reader_types.ts'

/** In these a person is asked, or may be before long. */
export const failing: readonly ItemState[] = ['remediation', 'retry']

export type ItemFilter = Omit<ItemQuery, 'offset' | 'limit'>

interface Asking {
  catalog: Catalog
  /** The job's real ledger. */
  ledger: LedgerReader
  jobId: string
}

/**
 * Has the job's next execution try items again, or leave them out from then on: those that failed and fit the filter. Of what was
 * left out by a person, only what is named or asked for by its status is tried again.
 *
 * @param fits what no filter says
 * @returns the items it was asked of
 */
export async function askOfItems(
  { catalog, ledger, jobId }: Asking,
  request: ItemRequest,
  filter: ItemFilter,
  fits: (item: LedgerItem) => boolean = () => true,
): Promise<LedgerItem[]> {
  const items = [...everyItem(ledger, { ...filter, status: among(failing, filter.status) })]
  const isNamed = filter.ids !== undefined || filter.status?.includes('skipped') === true
  if (request === 'retry' && isNamed)
    items.push(...everyItem(ledger, { ...filter, status: among(['skipped'], filter.status), reasons: ['ignored'] }))
  const asked = items.filter(fits)
  await catalog.requests.put(
    jobId,
    asked.map(({ item }) => item),
    request,
  )
  return asked
}

function among(states: readonly ItemState[], wanted: readonly ItemState[] | undefined): ItemState[] {
  return states.filter((state) => wanted?.includes(state) ?? true)
}

const atOnce = 1_000

/** A page at a time. */
export function* everyItem(ledger: LedgerReader, filter: ItemFilter): Generator<LedgerItem> {
  if (filter.status?.length === 0) return
  for (let offset = 0; ; offset += atOnce) {
    const { rows } = ledger.items({ ...filter, offset, limit: atOnce })
    yield* rows
    if (rows.length < atOnce) return
  }
}
